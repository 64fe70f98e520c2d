//! HTTP around the messages: paths, methods, types, sizes, WSDL, overload.

use super::harness::{Service, Wishes, request};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use sigill::config::limits::Limits;
use sigill::messages::generated::{Interaction, LogInteraction};
use sigill::messages::path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn post(
    service: &Service,
    path: &str,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    Request::post(format!("{}{path}", service.caller.base()))
        .header("content-type", content_type)
        .body(Full::new(body.into()))
        .unwrap()
}

#[tokio::test]
async fn the_body_decides_whatever_the_path() {
    let service = Service::start().await;
    let ping = request("monitoring/ping_for_configuration/valid");
    let paths = [
        "/itintegration/monitoring/PingForConfiguration/1/rivtabp21",
        "/itintegration/monitoring/PingForConfiguration/v1/rivtabp21",
        "/informationsecurity/auditing/log/StoreLog/2/rivtabp21",
        "/any/where",
    ];
    for path in paths {
        let reply =
            service.caller.try_send(post(&service, path, "text/xml", ping.clone())).await.unwrap();
        assert_eq!(reply.text("pingDateTime"), Some("20261122130000"), "{path}: {}", reply.body);
    }
}

#[tokio::test]
async fn utf_16_is_read_and_the_content_type_wins_over_the_prolog() {
    let service = Service::start().await;
    let ping = request("monitoring/ping_for_configuration/valid");
    let be: Vec<u8> = ping.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let le: Vec<u8> = ping.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked: Vec<u8> = [0xFF, 0xFE].into_iter().chain(le.iter().copied()).collect();
    let latin = ping.replace("UTF-8", "ISO-8859-1");
    let bom: Vec<u8> = b"\xEF\xBB\xBF".iter().copied().chain(ping.bytes()).collect();
    for (content_type, body) in [
        ("text/xml; charset=UTF-16BE", be.clone()),
        ("text/xml; charset=utf-16le", le),
        ("text/xml; charset=\"utf-16\"", marked.clone()),
        ("text/xml", marked),
        ("text/xml;charset=UTF-8", latin.into_bytes()),
        ("text/xml", bom),
    ] {
        let reply = service.caller.try_send(post(&service, "/", content_type, body)).await.unwrap();
        assert_eq!(reply.status, 200, "{content_type}: {}", reply.body);
    }
    let reply = service.caller.try_send(post(&service, "/", "text/xml", be)).await.unwrap();
    assert_eq!(reply.status, 500, "UTF-16 that nothing announces");
}

#[tokio::test]
async fn other_media_types_and_methods_are_refused() {
    let service = Service::start().await;
    for content_type in ["application/soap+xml", "application/json", "text/xml; charset=latin1"] {
        let reply = service.caller.try_send(post(&service, "/", content_type, "x")).await.unwrap();
        assert_eq!(reply.status, 415, "{content_type}");
        assert_eq!(reply.text("Fault"), Some("<faultcode>soap:Client"), "{}", reply.body);
    }
    let put = Request::put(format!("{}/", service.caller.base()));
    let reply = service.caller.send(put).await;
    assert_eq!(reply.status, 405);
    assert_eq!(reply.headers["allow"], "GET, HEAD, POST");
    let endpoint = path::of(Interaction::Log(LogInteraction::StoreLog));
    assert_eq!(service.caller.get(&endpoint).await.status, 405);
    assert_eq!(service.caller.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_announced_or_not() {
    let limits = Limits { body_bytes_max: 65_536, ..Limits::default() };
    let service = Service::start_with(Wishes { limits: Some(limits), ..Wishes::default() }).await;
    let large = "x".repeat(65_537);
    let reply =
        service.caller.try_send(post(&service, "/", "text/xml", large.clone())).await.unwrap();
    assert_eq!(reply.status, 413);
    assert!(reply.body.contains("65536"), "{}", reply.body);
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    assert!(raw(&service, &chunked).await.starts_with("HTTP/1.1 413"));
}

/// Sends bytes and reads until the first head has come.
async fn raw(service: &Service, text: &str) -> String {
    let address = service.caller.base().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The other side may answer and close before it has read all.
    _ = stream.write_all(text.as_bytes()).await;
    let mut got = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&got).contains("\r\n\r\n") {
        let n = stream.read(&mut buffer).await.unwrap();
        assert!(n > 0, "closed without an answer");
        got.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8_lossy(&got).into_owned()
}

#[tokio::test]
async fn expect_100_continue_is_honoured() {
    let service = Service::start().await;
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n";
    assert!(raw(&service, head).await.starts_with("HTTP/1.1 100 Continue"));
}

#[tokio::test]
async fn a_slow_body_is_cut_off_by_its_time_limit() {
    let limits = Limits { body_timeout_seconds: 1, ..Limits::default() };
    let service = Service::start_with(Wishes { limits: Some(limits), ..Wishes::default() }).await;
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 10\r\n\r\n<";
    assert!(raw(&service, head).await.starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn wsdl_and_schemas_are_served_with_working_imports() {
    let service = Service::start().await;
    for interaction in Interaction::ALL {
        let path = path::of(interaction);
        let own = format!("{}{path}", service.caller.base());
        let mut open = vec!["?wsdl".to_owned()];
        while let Some(query) = open.pop() {
            let reply = service.caller.get(&format!("{path}{query}")).await;
            assert_eq!(reply.status, 200, "{path}{query}");
            if query == "?wsdl" {
                let location = format!("<soap:address location=\"{own}\"/>");
                assert!(reply.body.contains(&location), "{}", reply.body);
            }
            for import in reply.body.split("schemaLocation=\"").skip(1) {
                let location = import.split('"').next().unwrap();
                open.push(location.strip_prefix(&own).expect(location).to_owned());
            }
        }
    }
    let missing =
        format!("{}?xsd=../../Cargo.toml", path::of(Interaction::Log(LogInteraction::StoreLog)));
    assert_eq!(service.caller.get(&missing).await.status, 404);
}

#[tokio::test]
async fn the_service_says_whether_it_lives_and_is_ready() {
    let service = Service::start().await;
    assert_eq!(service.caller.get("/live").await.body, "live\n");
    assert_eq!(service.caller.get("/ready").await.body, "ready\n");
}

#[tokio::test]
async fn a_connection_that_sends_no_headers_is_closed() {
    let limits = Limits { header_timeout_seconds: 1, idle_timeout_seconds: 1, ..Limits::default() };
    let service = Service::start_with(Wishes { limits: Some(limits), ..Wishes::default() }).await;
    let address = service.caller.base().trim_start_matches("http://");
    for begun in ["", "POST / HTTP/1.1\r\nHost: localhost\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
    }
}
