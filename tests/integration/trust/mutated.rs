//! Messages made from the schemas, right in most places, against the whole service: each is answered.

#[path = "../../fuzz/grammar.rs"]
mod grammar;
#[path = "../../fuzz/random.rs"]
mod random;

use crate::harness::Service;
use grammar::Grammar;
use random::Random;
use sigill::messages::generated::Interaction;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Messages of each contract.
const EACH: usize = 120;

#[tokio::test]
async fn mutated_messages_are_answered() {
    let service = Service::start().await;
    let grammar = Grammar::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas"));
    let (mut random, mut codes) = (Random::new(2026), BTreeMap::<String, usize>::new());
    for interaction in Interaction::ALL {
        let name = interaction.name();
        for _ in 0..EACH {
            let body = grammar.request(name, &mut random);
            let message = format!(
                "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><a:LogicalAddress xmlns:a=\"urn:riv:itintegration:registry:1\">SE2321000016-VG01</a:LogicalAddress></s:Header><s:Body>{body}</s:Body></s:Envelope>"
            );
            let reply = service.post(message.clone()).await;
            let code = match reply.text("resultCode") {
                Some(code) => code.to_owned(),
                None if reply.body.contains("faultcode>soap:Client") => "fault".to_owned(),
                None if name == "PingForConfiguration" && reply.status == 200 => "OK".to_owned(),
                None => panic!("{name}: {} {}\n{message}", reply.status, reply.body),
            };
            *codes.entry(code).or_default() += 1;
        }
    }
    // All kinds of answers occur, and what is right among them is carried out.
    assert!(codes["OK"] > 200 && codes.len() >= 6, "{codes:?}");
    for table in ["blocks", "assertions", "log_entries"] {
        let stored = service.database.count(&format!("select count(*) from {table}")).await;
        assert!(stored > 0, "{table}");
    }
}

/// Headers that say who calls, as they should be and otherwise, on a bench that believes them: whatever stands there is
/// answered or ends the connection, and what is believed of it is one id of visible characters.
#[tokio::test]
async fn odd_headers_are_answered() {
    let service = Service::start().await;
    let address = service.caller.base().trim_start_matches("http://").to_owned();
    let check = crate::harness::request("blocking/check_blocks/valid");
    let names = [
        "x-rivta-original-serviceconsumer-hsaid",
        "X-RIVTA-Original-ServiceConsumer-HSAid",
        "x-rivta-acting-on-behalf-of-hsaid",
        "x-skltp-correlation-id",
        "content-type",
        "host",
        "transfer-encoding",
        "content-length",
        "expect",
        "soapaction",
        "x-forwarded-for",
        "origin",
    ];
    let values = [
        "SE2321000016-A1",
        "",
        " ",
        "SE A",
        "a,b",
        "\u{e5}",
        "x\ty",
        "\"",
        "chunked",
        "0",
        "-1",
        "text/xml",
        "100-continue",
        "text/xml; charset=utf-16",
        "localhost",
        "evil.example",
        "99999999999999999999",
        "\u{0}",
        "null",
    ];
    let mut random = Random::new(2027);
    let mut statuses = BTreeMap::<String, usize>::new();
    for _ in 0..600 {
        let mut head =
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nConnection: close\r\n"
                .to_owned();
        for _ in 0..random.below(4) {
            let value = values[random.below(values.len())].repeat([1, 1, 1, 40][random.below(4)]);
            head += &format!("{}: {value}\r\n", names[random.below(names.len())]);
        }
        head += &format!("Content-Length: {}\r\n\r\n{check}", check.len());
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // A server that has seen enough takes no more.
        _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        read.expect("an answer or an end").ok();
        let status = String::from_utf8_lossy(&answer).chars().skip(9).take(3).collect::<String>();
        *statuses.entry(status).or_default() += 1;
    }
    assert!(statuses["200"] > 50 && statuses["400"] > 50, "{statuses:?}");
    assert!(!statuses.contains_key("500"), "{statuses:?}");
    assert_eq!(service.post(check).await.code(), "OK");
}
