//! What one caller does is not felt by another: places, bodies, paces, browsers.

use super::harness::{Service, Wishes, request, without};
use sigill::config::http::{Http, MissingContentType};
use sigill::config::limits::Limits;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const PING: &str = "monitoring/ping_for_configuration/valid";

async fn with_limits(limits: Limits) -> Service {
    Service::start_with(Wishes { limits: Some(limits), ..Wishes::default() }).await
}

fn address(service: &Service) -> std::net::SocketAddr {
    service.caller.base().trim_start_matches("http://").parse().unwrap()
}

/// A connection from another address of this machine.
async fn connect_from(service: &Service, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 1, last], 0).into()).unwrap();
    socket.connect(address(service)).await.unwrap()
}

fn head(more: &str, length: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n{more}Content-Length: {length}\r\n\r\n"
    )
}

/// Sends a call whole and reads what comes until its end; closing is asked for.
async fn call(stream: &mut TcpStream, body: &str) -> String {
    let text = head("Connection: close\r\n", body.len()) + body;
    _ = stream.write_all(text.as_bytes()).await;
    rest(stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut got = Vec::new();
    _ = stream.read_to_end(&mut got).await;
    String::from_utf8_lossy(&got).into_owned()
}

/// Whether the other side has closed.
async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0; 1]).await, Ok(0) | Err(_))
}

#[tokio::test]
async fn a_newcomer_takes_the_place_of_the_one_that_has_waited_longest_at_its_address() {
    let service = with_limits(Limits { connections_max: 8, ..Limits::default() }).await;
    let mut other = connect_from(&service, 2).await;
    let mut first = connect_from(&service, 1).await;
    // Part of a head, byte by byte, is no reason to stay.
    first.write_all(b"POST / HT").await.unwrap();
    let mut second = connect_from(&service, 1).await;
    let mut third = connect_from(&service, 1).await;
    let ping = request(PING);
    assert!(call(&mut third, &ping).await.starts_with("HTTP/1.1 200"));
    assert!(is_closed(&mut first).await);
    assert!(call(&mut second, &ping).await.starts_with("HTTP/1.1 200"));
    assert!(call(&mut other, &ping).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn bodies_that_are_coming_hold_no_call_up() {
    let service = with_limits(Limits { requests_max: 1, ..Limits::default() }).await;
    let mut slow = Vec::new();
    for last in 1..20 {
        let mut stream = connect_from(&service, last).await;
        stream.write_all(head("", 1000).as_bytes()).await.unwrap();
        stream.write_all(b"<").await.unwrap();
        slow.push(stream);
    }
    assert_eq!(service.post(request(PING)).await.status, 200);
}

#[tokio::test]
async fn more_calls_than_may_be_under_way_get_a_server_fault_soon() {
    let service = with_limits(Limits { requests_max: 1, ..Limits::default() }).await;
    assert_eq!(service.post(request("blocking/register_extended_block/valid")).await.code(), "OK");
    // A change that waits for somebody else's to end holds the only place.
    let pool = service.database.pool().await;
    let mut other = pool.begin().await.unwrap();
    sqlx::query("select * from change_clocks for update").execute(&mut *other).await.unwrap();
    let (caller, revoke) =
        (service.caller.clone(), request("blocking/revoke_extended_block/valid"));
    let held = tokio::spawn(async move { caller.post(revoke).await });
    let sql = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '/* tick%'";
    let waits = async { while service.database.count(sql).await == 0 {} };
    tokio::time::timeout(Duration::from_secs(20), waits).await.expect("the change waits");
    let reply = service.post(request(PING)).await;
    assert_eq!(reply.status, 500);
    assert!(reply.body.contains("<faultcode>soap:Server</faultcode>"), "{}", reply.body);
    assert_eq!(service.caller.get("/live").await.status, 200, "pages are not calls");
    other.rollback().await.unwrap();
    assert_eq!(held.await.unwrap().status, 200);
    assert_eq!(service.post(request(PING)).await.status, 200, "the place is free again");
}

#[tokio::test]
async fn bodies_have_a_bound_together_and_small_ones_pass() {
    let limits = Limits { bodies_bytes_max: 131_072, ..Limits::default() };
    let service = with_limits(limits).await;
    let mut held = connect_from(&service, 1).await;
    let part = "x".repeat(110_000);
    held.write_all((head("", 120_000) + &part).as_bytes()).await.unwrap();
    // Its 93 616 counted bytes are in once others find no room.
    let large = "y".repeat(60_000);
    let mut refused = false;
    for _ in 0..1000 {
        let reply = call(&mut connect_from(&service, 2).await, &large).await;
        refused = reply.contains("överbelastad");
        if refused {
            assert!(reply.starts_with("HTTP/1.1 500"), "{reply}");
            break;
        }
    }
    assert!(refused);
    assert_eq!(service.post(request(PING)).await.status, 200);
}

#[tokio::test]
async fn a_body_that_stands_still_is_cut_before_its_time_is_up() {
    let limits =
        Limits { stall_timeout_seconds: 1, body_timeout_seconds: 3600, ..Limits::default() };
    let service = with_limits(limits).await;
    let mut stream = connect_from(&service, 1).await;
    stream.write_all((head("", 5000) + "<").as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_cut() {
    let limits = Limits { stall_timeout_seconds: 1, ..Limits::default() };
    let service = with_limits(limits).await;
    let mut stream = connect_from(&service, 1).await;
    let ping = request(PING);
    let calls = (head("", ping.len()) + &ping).repeat(100);
    // Until its answers fill what the system holds for it, and it is cut.
    let cut = async { while stream.write_all(calls.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_mins(1), cut).await.expect("cut");
}

#[tokio::test]
async fn a_browser_is_no_caller() {
    let service = Service::start().await;
    let ping = request(PING);
    for (more, status) in [
        ("Origin: http://evil.example\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\n", 403),
        ("Host: localhost\r\n", 400),
        ("X-Other: 1\r\n", 200),
    ] {
        let text = head(&format!("{more}Connection: close\r\n"), ping.len()) + &ping;
        let mut stream = connect_from(&service, 1).await;
        stream.write_all(text.as_bytes()).await.unwrap();
        let reply = rest(&mut stream).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{more}: {reply}");
    }
    for (host, status) in [("localhost:1", 200), ("127.0.0.1", 200), ("evil.example", 421)] {
        for first in ["POST /", "GET /metrics"] {
            let text = (head("Connection: close\r\n", ping.len()) + &ping)
                .replace("POST /", first)
                .replace("localhost", host);
            let mut stream = connect_from(&service, 1).await;
            stream.write_all(text.as_bytes()).await.unwrap();
            let reply = rest(&mut stream).await;
            assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {reply}");
        }
    }
}

#[tokio::test]
async fn without_content_type_a_call_is_refused_unless_a_setting_says_otherwise() {
    let ping = request(PING);
    let text = head("Connection: close\r\n", ping.len()) + &ping;
    let text = text.replace("Content-Type: text/xml\r\n", "");
    for (missing_content_type, status) in
        [(MissingContentType::Refuse, 415), (MissingContentType::Accept, 200)]
    {
        let http = Http { missing_content_type, ..Http::default() };
        let service = Service::start_with(Wishes { http, ..Wishes::default() }).await;
        let mut stream = connect_from(&service, 1).await;
        stream.write_all(text.as_bytes()).await.unwrap();
        let reply = rest(&mut stream).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{reply}");
    }
}

/// The document with the element that `mark` begins so many times.
fn many(
    xml: &str,
    mark: &str,
    end: &str,
    count: usize,
    each: impl Fn(&str, usize) -> String,
) -> String {
    let (start, end) = (xml.find(mark).unwrap(), xml.rfind(end).unwrap());
    let rows: String = (0..count).map(|n| each(&xml[start..end], n)).collect();
    format!("{}{rows}{}", &xml[..start], &xml[end..])
}

#[tokio::test]
async fn rows_revokes_and_resources_have_bounds_that_the_refusal_names() {
    let limits = Limits { check_blocks_rows_max: 3, ..Limits::default() };
    let service = with_limits(limits).await;
    let check = request("blocking/check_blocks/inner_block_stops_another_unit");
    let rows = |count| {
        many(
            &check,
            "      <urn1:informationEntities>",
            "    </urn1:CheckBlocks>",
            count,
            |row, n| row.replace("rowNumber>0<", &format!("rowNumber>{n}<")),
        )
    };
    assert_eq!(service.post(rows(3)).await.code(), "OK");
    let reply = service.post(rows(4)).await;
    assert_eq!(reply.code(), "VALIDATIONERROR");
    let text = "CheckBlocks/informationEntities[4]: fler än 3";
    assert_eq!(reply.text("resultText"), Some(text));

    let register = request("blocking/register_block/block_comes_with_its_revokes");
    let (mark, end) = ("<urn1:temporaryRevokeRegistration>", "    </urn1:RegisterBlock>");
    let first = register.find(mark).unwrap();
    let one = register[first..].find("</urn1:temporaryRevokeRegistration>").unwrap();
    let one = &register[first..first + one + "</urn1:temporaryRevokeRegistration>".len()];
    let revokes = |count| {
        many(&register, mark, end, count, |_, n| one.replace("0e0002", &format!("1{n:05}")))
    };
    let reply = service.post(revokes(101)).await;
    assert_eq!(reply.code(), "VALIDATIONERROR");
    assert!(reply.body.contains("temporaryRevokeRegistration: fler än 100"), "{}", reply.body);
    assert_eq!(service.post(revokes(100)).await.code(), "OK");
    assert_eq!(service.database.count("select count(*) from temporary_revokes").await, 100);
    assert_eq!(service.post(revokes(100)).await.code(), "OK", "a repetition");
    assert_eq!(service.database.count("select count(*) from temporary_revokes").await, 100);

    let store = request("log/store_log/valid");
    let resources = |count| {
        many(&store, "          <urn2:resource>", "        </urn2:resources>", count, |one, _| {
            one.into()
        })
    };
    let reply = service.post(resources(1_001)).await;
    assert_eq!(reply.code(), "VALIDATION_ERROR");
    assert!(reply.body.contains("resources/resource: fler än 1000"), "{}", reply.body);
    assert_eq!(service.post(resources(1_000)).await.code(), "OK");
    assert_eq!(service.database.count("select count(*) from log_resources").await, 1_000);
}

#[tokio::test]
async fn a_large_call_is_answered_as_a_small_one_is() {
    let service = Service::start().await;
    assert_eq!(service.post(request("blocking/register_extended_block/valid")).await.code(), "OK");
    let check = request("blocking/check_blocks/inner_block_stops_another_unit");
    let rows = many(
        &check,
        "      <urn1:informationEntities>",
        "    </urn1:CheckBlocks>",
        1_000,
        |row, n| row.replace("rowNumber>0<", &format!("rowNumber>{n}<")),
    );
    assert!(rows.len() > 256 * 1024);
    let reply = service.post(rows.clone()).await;
    assert_eq!((reply.code(), reply.body.matches("BLOCKED").count()), ("OK", 1_000));
    // Cut off in the middle it is a fault, and the next is answered.
    let half = rows[..rows.len() / 2].to_owned();
    assert!(service.post(half).await.body.contains("<faultcode>soap:Client</faultcode>"));
    assert_eq!(service.post(rows).await.code(), "OK");
}

#[tokio::test]
async fn what_stands_around_the_body_is_looked_at() {
    let service = Service::start().await;
    let ping = request(PING);
    let header = "<soapenv:Header>";
    let understand = |value: &str| {
        ping.replace(
            header,
            &format!("{header}<x:a xmlns:x=\"urn:x\" soapenv:mustUnderstand=\"{value}\"/>"),
        )
    };
    let address = |first: &str| {
        ping.replace(header, &format!("{header}<urn:LogicalAddress>{first}</urn:LogicalAddress>"))
    };
    let behind =
        |more: &str| ping.replace("</soapenv:Envelope>", &format!("{more}</soapenv:Envelope>"));
    for (xml, code) in [
        (understand("&#49;"), "MustUnderstand"),
        (understand("&#x31;"), "MustUnderstand"),
        (understand("&#48;"), ""),
        (address(""), "Client"),
        (address(" "), "Client"),
        (behind("<soapenv:Body/>"), "Client"),
        (behind("<soapenv:Header/>"), "Client"),
        (behind("<a/>"), "Client"),
        (behind("<x:a xmlns:x=\"urn:x\"><soapenv:Body/></x:a>"), ""),
    ] {
        let reply = service.post(xml.clone()).await;
        match code {
            "" => assert_eq!(reply.status, 200, "{xml}: {}", reply.body),
            code => {
                let expected = format!("<faultcode>soap:{code}</faultcode>");
                assert!(reply.body.contains(&expected), "{xml}: {}", reply.body);
            }
        }
    }
}

#[tokio::test]
async fn care_providers_of_one_question_have_a_bound() {
    let service = Service::start().await;
    let valid = request("blocking/get_blocks/valid");
    let asked = |count| {
        many(&valid, "<urn1:careProviderIds>", "</urn1:GetBlocks>", count, |_, n| {
            format!("<urn1:careProviderIds>SE{n}</urn1:careProviderIds>")
        })
    };
    assert_eq!(service.post(asked(1_000)).await.code(), "OK");
    // The same one several times, in either case, is one.
    assert_eq!(service.post(request("blocking/register_extended_block/valid")).await.code(), "OK");
    let again = many(&valid, "<urn1:careProviderIds>", "</urn1:GetBlocks>", 3, |_, n| {
        let id = ["SE2321000016-VG01", "se2321000016-vg01", "SE2321000016-VG01"][n];
        format!("<urn1:careProviderIds>{id}</urn1:careProviderIds>")
    });
    let again = without(&again, &["root", "extension", "patientId"]);
    assert_eq!(service.post(again).await.body.matches("<c:blockId>").count(), 1);
    let reply = service.post(asked(1_001)).await;
    assert_eq!(reply.code(), "VALIDATIONERROR");
    assert_eq!(reply.text("resultText"), Some("GetBlocks/careProviderIds: fler än 1000"));
}

#[tokio::test]
async fn who_sends_all_before_reading_sees_the_refusal() {
    let service = Service::start().await;
    let body = "x".repeat(12_000_000);
    let kind = "Content-Type: text/plain\r\n";
    for (method, more, status) in [
        ("POST", kind, 415),
        ("POST", "Content-Type: text/xml\r\nOrigin: https://evil.example\r\n", 403),
        ("PUT", kind, 405),
    ] {
        let mut stream = connect_from(&service, 1).await;
        let head = format!(
            "{method} / HTTP/1.1\r\nHost: localhost\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let reply = rest(&mut stream).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{reply}");
    }
}
