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
