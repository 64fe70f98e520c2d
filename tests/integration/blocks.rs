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

#[tokio::test]
async fn look_ups_that_are_asked_together_get_each_its_own() {
    let service = Service::start().await;
    let pool = service.database.pool().await;
    // Every third patient has a block, and every fifth one that is lifted for whoever asks.
    sqlx::query(
        "with new as (insert into blocks (tenant_id, block_key, block_id, block_type, patient_key,
            patient_root, patient_extension, information_care_unit_id, information_care_provider_id,
            provider_key, exempts_lak, exempts_upp, extended, stored_at, changed_at)
         select 1, 'b' || n, 'b' || n, 'Inner', '1.2.752.129.2.1.3.1^' || (191212121200 + n),
            '1.2.752.129.2.1.3.1', (191212121200 + n)::text, 'SE2321000016-VE01', 'SE2321000016-VG01',
            'se2321000016-vg01', false, false, false, now(), now()
         from generate_series(0, 99) n where n % 3 = 0 returning block_number, block_id)
         insert into temporary_revokes (tenant_id, revoke_key, revoke_id, block_number, end_at,
            care_unit_id, extended, stored_at)
         select 1, 'r' || block_id, 'r' || block_id, block_number, '2099-01-01', 'SE2321000016-VE09',
            false, now() from new where substr(block_id, 2)::int % 5 = 0",
    )
    .execute(&pool)
    .await
    .unwrap();
    let check = request("blocking/check_blocks/inner_block_stops_another_unit");
    let mut together = tokio::task::JoinSet::new();
    // Fewer than an address may have connections.
    for call in 0..200 {
        let patient = call % 100;
        let xml = check.replace("191212121212", &(191_212_121_200_u64 + patient).to_string());
        let caller = service.caller.clone();
        together.spawn(async move {
            let answer = caller.post(xml);
            if call % 7 == 0 {
                // Some go away while they wait, and take nobody with them.
                let soon = std::time::Duration::from_micros(call * 5);
                _ = tokio::time::timeout(soon, answer).await;
                return;
            }
            let reply = answer.await;
            let closed = patient % 3 == 0 && patient % 5 != 0;
            let expected = if closed { "BLOCKED" } else { "OK" };
            assert_eq!(reply.text("status"), Some(expected), "{patient}: {}", reply.body);
        });
    }
    together.join_all().await;
}

#[tokio::test]
async fn pages_of_a_long_answer_hold_each_row_once_also_within_an_instant() {
    let service = Service::start().await;
    let pool = service.database.pool().await;
    sqlx::query(
        "insert into blocks (tenant_id, block_key, block_id, block_type, patient_key, patient_root,
            patient_extension, information_care_provider_id, provider_key, exempts_lak, exempts_upp,
            extended, stored_at, changed_at)
         select 1, 'b' || n, 'B' || n, 'Outer', '1.2.3^' || n % 1300, '1.2.3', (n % 1300)::text,
            'SE2321000016-VG01', 'se2321000016-vg01', true, true, false, '2026-01-01', '2026-01-01'
         from generate_series(1, 2600) n",
    )
    .execute(&pool)
    .await
    .unwrap();
    let told = |body: &str, element: &str| {
        let mut all: Vec<String> = body
            .split(&format!(":{element}>"))
            .skip(1)
            .step_by(2)
            .map(|rest| rest.split('<').next().unwrap().to_owned())
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        (count, all.len())
    };
    let reply = service.post(all_blocks()).await;
    assert_eq!(told(&reply.body, "blockId"), (2600, 2600));
    let reply = service.post(request("blocking/get_patient_ids/valid")).await;
    assert_eq!(reply.code(), "OK");
    assert_eq!(told(&reply.body, "extension"), (1300, 1300));
}
