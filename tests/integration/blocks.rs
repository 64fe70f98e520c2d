//! Block stories: large answers, policies of care providers.

use super::harness::{Service, Wishes, request, without};
use sigill::domain::blocking::lift_policy::{LiftPolicies, LiftPolicy};
use sigill::domain::identity::HsaId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More than an answer that is sent whole can hold.
const MANY: usize = 3_000;

async fn with_blocks(count: usize) -> Service {
    let service = Service::start().await;
    let pool = service.database.pool().await;
    let sql = format!(
        "insert into blocks (tenant_id, block_key, block_id, block_type, patient_key, patient_root,
            patient_extension, information_care_provider_id, provider_key, exempts_lak, exempts_upp,
            extended, stored_at, changed_at)
         select 1, 'b' || n, 'B' || n, 'Outer', '1.2.3^1', '1.2.3', '1', 'SE1', 'se1', true, true, false,
            '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second', '2026-01-01T00:00:00Z'
         from generate_series(1, {count}) n"
    );
    sqlx::query(&sql).execute(&pool).await.unwrap();
    service
}

/// A question for every block there is.
fn all_blocks() -> String {
    let valid = request("blocking/get_blocks/valid");
    without(&valid, &["createdOnOrAfter", "careProviderIds", "root", "extension", "patientId"])
}

#[tokio::test]
async fn a_large_answer_is_streamed_whole_and_in_order() {
    let service = with_blocks(MANY).await;
    let reply = service.post(all_blocks()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers.get("content-length"), None, "sent in pieces");
    let ids = reply.body.split("<c:blockId>").skip(1).filter_map(|t| t.split('<').next());
    let expected: Vec<String> = (1..=MANY).map(|n| format!("B{n}")).collect();
    assert_eq!(ids.collect::<Vec<_>>(), expected);
    assert!(reply.body.ends_with("</soap:Envelope>"));
    assert_eq!(reply.text("nextCreatedOnOrAfter"), Some("2026-11-22T13:00:00"));
    assert_eq!(reply.text("latestCancellation"), Some("1970-01-01T00:00:00"));
}

#[tokio::test]
async fn receivers_that_do_not_read_leave_others_their_connections() {
    // More than the sockets between can hold.
    let service = with_blocks(60_000).await;
    let question = all_blocks();
    let message = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{question}",
        question.len()
    );
    let address = service.caller.base().trim_start_matches("http://");
    let mut silent = Vec::new();
    for _ in 0..12 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(message.as_bytes()).await.unwrap();
        let mut begun = [0; 12];
        stream.read_exact(&mut begun).await.unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200");
        silent.push(stream);
    }
    // Another who asks for everything gets everything.
    let all = service.post(question).await;
    assert_eq!(all.body.matches("<c:blockId>").count(), 60_000);
    for path in ["register_extended_block/valid", "check_blocks/valid", "get_blocks/valid"] {
        let reply = service.post(request(&format!("blocking/{path}"))).await;
        assert_eq!(reply.code(), "OK", "{path}");
    }
}

#[tokio::test]
async fn a_care_provider_can_have_a_policy_of_its_own() {
    let own = LiftPolicy { longest_days: Some(1), outer_blocks: false };
    let lift_policies = LiftPolicies {
        own: vec![(HsaId::new("se2321000016-vg01").unwrap(), own)],
        ..LiftPolicies::default()
    };
    let service = Service::start_with(Wishes { lift_policies, ..Wishes::default() }).await;
    let block = request("blocking/register_extended_block/valid");
    service.post(block.clone()).await;
    let lift = request("blocking/register_temporary_extended_revoke/valid");
    let reply = service.post(lift.clone()).await;
    assert_eq!(
        (reply.code(), reply.text("resultText")),
        ("ERROR", Some("Vårdgivaren tillåter tillfällig hävning i högst 1 dygn."))
    );
    let short = lift.replace("2026-11-29T12:00:00", "2026-11-23T12:00:00");
    assert_eq!(service.post(short.clone()).await.code(), "OK");
    let outer = request("blocking/register_extended_block/outer_block_is_registered");
    let another = |xml: String| xml.replace("0e0001", "0e0011").replace("0e0002", "0e0012");
    assert_eq!(service.post(another(outer)).await.code(), "OK");
    let reply = service.post(another(short)).await;
    assert_eq!(
        (reply.code(), reply.text("resultText")),
        ("ERROR", Some("Vårdgivaren tillåter inte tillfällig hävning av yttre spärr."))
    );
}

#[tokio::test]
async fn removals_in_one_second_are_told_apart() {
    let service = Service::start().await;
    for block in ["a", "b", "c"] {
        assert_eq!(service.post(super::pair::register(block, 0)).await.code(), "OK");
    }
    let mut told = Vec::new();
    for block in ["a", "b", "c"] {
        assert_eq!(service.post(super::pair::revoke(block, 0)).await.code(), "OK");
        let reply = service.post(all_blocks()).await;
        told.push(reply.text("latestCancellation").unwrap().to_owned());
    }
    // The clock stands still.
    let expected = ["2026-11-22T13:00:00", "2026-11-22T13:00:01", "2026-11-22T13:00:02"];
    assert_eq!(told, expected);
}
