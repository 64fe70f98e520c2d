//! Input that means harm, at the listener.

use super::pki::{Connected, Pki, client, everything, tls_address};
use crate::harness::{Database, request};
use crate::program::{Folder, Program};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

fn check() -> String {
    request("blocking/check_blocks/valid")
}

/// What comes back of raw bytes, until the server ends the connection or nothing more comes.
async fn raw(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    // The server keeps a connection on which all is well: what it has said by then is all.
    while let Ok(Ok(read)) = timeout(Duration::from_secs(2), stream.read(&mut part)).await {
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&part[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn no_second_request_hides_in_the_first() {
    let (database, folder) = (Database::new().await, Folder::new("smuggled"));
    let program = Program::on(&database, &folder).await;
    let address = program.caller.base().trim_start_matches("http://").to_owned();
    let hidden = "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n";
    let length = hidden.len();
    for (what, lengths, body) in [
        (
            "two lengths",
            format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n"),
            hidden.to_owned(),
        ),
        ("a sign", format!("Content-Length: +{length}\r\n\r\n"), hidden.to_owned()),
        ("a list", format!("Content-Length: {length}, 0\r\n\r\n"), hidden.to_owned()),
        (
            "chunked not last",
            "Transfer-Encoding: chunked, identity\r\n\r\n".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "another coding",
            "Transfer-Encoding: xchunked\r\n\r\n".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "a blank before the colon",
            format!("Content-Length : {length}\r\n\r\n"),
            hidden.to_owned(),
        ),
        (
            "a folded head",
            format!("X: a\r\n Content-Length: {length}\r\nContent-Length: 0\r\n\r\n"),
            hidden.to_owned(),
        ),
        (
            "a bad chunk",
            "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
            format!("0x0\r\n\r\n{hidden}"),
        ),
    ] {
        let said = raw(&address, format!("{head}{lengths}{body}").as_bytes()).await;
        assert!(!said.contains("live\n"), "{what}: {said}");
    }
    // Of two that contradict each other the coding counts: the rest is a request of its own, for nobody but its sender.
    let both =
        format!("{head}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert!(raw(&address, both.as_bytes()).await.starts_with("HTTP/1.1 "));
}

#[tokio::test]
async fn a_proxys_connection_ends_after_a_chunked_request() {
    let pki = Pki::new("chunked").await;
    let more = format!(
        "certificate_header = \"x-client-cert\"\nproxies = [\"SE-LB\"]\n{}",
        everything("SE-A")
    );
    let program = pki.program(&more).await;
    let mut proxy =
        Connected::with(&tls_address(&program), client(&pki.systems, Some(&pki.system("SE-LB"))))
            .await
            .unwrap();
    let own = super::callers::handed_over(&pki.system("SE-A"));
    let reply = proxy.post(&[("x-client-cert", &own)], check()).await;
    assert!(reply.headers.get("connection").is_none());
    let headers = [("x-client-cert", &*own), ("transfer-encoding", "chunked")];
    let reply = proxy.post(&headers, check()).await;
    assert_eq!(reply.code(), "OK");
    assert_eq!(reply.headers["connection"], "close");
    // Also where nobody is known: what comes behind would be somebody's.
    for headers in [&[][..], &[("x-client-cert", "nonsense")]] {
        let mut proxy = Connected::with(
            &tls_address(&program),
            client(&pki.systems, Some(&pki.system("SE-LB"))),
        )
        .await
        .unwrap();
        let chunked = [headers, &[("transfer-encoding", "chunked")]].concat();
        let reply = proxy.post(&chunked, check()).await;
        assert!(reply.status == 403 || reply.status == 400, "{}", reply.status);
        assert_eq!(reply.headers["connection"], "close");
    }
}

#[tokio::test]
async fn half_handshakes_hold_nobody_up() {
    let pki = Pki::new("half").await;
    let program = pki.program(&everything("SE-A")).await;
    let address = tls_address(&program);
    // The first bytes of a greeting, and nothing more; more of them than there are places.
    let greeting = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    let mut half = Vec::new();
    for number in 0..300 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(&greeting).await.unwrap();
        }
        half.push(stream);
    }
    let known = pki.system("SE-A");
    for _ in 0..20 {
        let connected = Connected::to(&program, &pki, Some(&known));
        let mut connected =
            timeout(Duration::from_secs(5), connected).await.expect("in time").unwrap();
        assert_eq!(connected.post(&[], check()).await.code(), "OK");
    }
    // Those that were crowded out have been ended; none waits for the time of a handshake.
    let mut ended = 0;
    for stream in &mut half {
        let read = timeout(Duration::from_millis(1), stream.read(&mut [0; 16])).await;
        ended += usize::from(matches!(read, Ok(Ok(0) | Err(_))));
    }
    assert!(ended > 100, "{ended}");
}

#[tokio::test]
async fn bombs_end_early_in_bounded_memory() {
    let (database, folder) = (Database::new().await, Folder::new("bombs"));
    let program = Program::on(&database, &folder).await;
    let (before, valid) = (program.peak_memory_mb(), check());
    let (head, tail) = valid.split_once("<soapenv:Body>").unwrap();
    let entities =
        (0..9).map(|n| format!("<!ENTITY e{} \"{}\">", n + 1, format!("&e{n};").repeat(10)));
    let laughs: String = entities.collect();
    let much = 14 * 1024 * 1024;
    for (what, message) in [
        (
            "entities",
            format!("<!DOCTYPE x [<!ENTITY e0 \"ha\">{laughs}]>{head}<soapenv:Body>&e9;{tail}"),
        ),
        ("an external entity", format!("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">{valid}")),
        ("depth", format!("{head}<soapenv:Body>{}", "<a>".repeat(much / 3))),
        ("width", format!("{head}<soapenv:Body>{}{tail}", "<a/>".repeat(much / 4))),
        ("attributes", format!("{head}<soapenv:Body><a {}/>{tail}", "b='c' ".repeat(much / 6))),
        ("a huge attribute", format!("{head}<soapenv:Body><a b='{}'/>{tail}", "c".repeat(much))),
        ("a huge name", format!("{head}<soapenv:Body><{}/>{tail}", "a".repeat(much))),
        ("a huge text", valid.replacen("191212121212", &"1".repeat(much), 1)),
        (
            "namespaces",
            format!(
                "{head}<soapenv:Body><a {}/>{tail}",
                (0..much / 30).map(|n| format!("xmlns:n{n}='u{n}' ")).collect::<String>()
            ),
        ),
        ("references", format!("{head}<soapenv:Body>{}{tail}", "&#65;".repeat(much / 5))),
    ] {
        let reply = program.caller.post(message).await;
        let is_refused = reply.body.contains("faultcode>soap:Client")
            || reply.text("resultCode").is_some_and(|code| code.starts_with("VALIDATION"));
        assert!(
            is_refused,
            "{what}: {} {}",
            reply.status,
            &reply.body[..reply.body.len().min(300)]
        );
    }
    assert_eq!(program.caller.post(check()).await.code(), "OK");
    let grown = program.peak_memory_mb() - before;
    // A body, and what it is decoded into: nothing that was read of it.
    assert!(grown < 120.0, "{grown} MB");
}

#[tokio::test]
async fn broken_text_is_a_clients_fault() {
    let (database, folder) = (Database::new().await, Folder::new("broken-text"));
    let program = Program::on(&database, &folder).await;
    let valid = check().into_bytes();
    let at = valid.windows(12).position(|part| part == b"191212121212").unwrap();
    for broken in [
        &b"\xff"[..],
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xf5\x80\x80\x80",
        b"\xc0\xaf",
        b"\x00",
        b"\x1b",
        b"&#0;",
        b"&#xD800;",
        b"&#x110000;",
        b"&#99999999999999999999;",
        b"&nbsp;",
        b"\xef\xbf\xbe",
    ] {
        let message = [&valid[..at], broken, &valid[at..]].concat();
        let reply = program.caller.post(message).await;
        assert!(reply.body.contains("faultcode>soap:Client"), "{broken:?}: {}", reply.body);
    }
    for number in ["2147483648", "-2147483649", "9".repeat(400).as_str(), "NaN", "1e3", "0x1"] {
        let message = crate::harness::with(&check(), "rowNumber", number);
        let reply = program.caller.post(message).await;
        assert_eq!(reply.code(), "VALIDATIONERROR", "{number}");
    }
}
