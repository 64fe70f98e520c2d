//! The database goes away and comes back.

use super::harness::{Service, request};
use super::logs::store_log;

async fn cut(service: &Service) {
    let name = &service.database.name;
    let sql = format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity
         where datname = '{name}' and pid <> pg_backend_pid()"
    );
    assert!(service.database.count(&sql).await > 0);
}

/// Calls until the answer is no fault; every fault before must say that the same may be sent again.
async fn until_answered(service: &Service, xml: &str) -> String {
    for _ in 0..50 {
        let reply = service.post(xml.to_owned()).await;
        if reply.status == 200 {
            return reply.code().to_owned();
        }
        assert!(reply.body.contains("<faultcode>soap:Server</faultcode>"), "{}", reply.body);
        assert!(!reply.body.contains("database"), "the cause stays in the log");
    }
    panic!("never answered again");
}

#[tokio::test]
async fn calls_fail_as_ours_and_then_go_on() {
    let service = Service::start().await;
    let check = request("blocking/check_blocks/inner_block_stops_another_unit");
    assert_eq!(service.post(request("blocking/register_extended_block/valid")).await.code(), "OK");
    assert_eq!(service.post(check.clone()).await.code(), "OK");
    cut(&service).await;
    assert_eq!(until_answered(&service, &check).await, "OK");
    let reply = service.post(check).await;
    assert_eq!(reply.text("status"), Some("BLOCKED"));
    cut(&service).await;
    assert_eq!(until_answered(&service, &store_log(&[("a", "Läsa")])).await, "OK");
    cut(&service).await;
    let consent = request("consent/register_extended_consent/valid");
    assert_eq!(until_answered(&service, &consent).await, "OK");
    assert_eq!(service.caller.get("/ready").await.status, 200);
}

#[tokio::test]
async fn a_kept_connection_that_has_died_fails_no_call() {
    let service = Service::start().await;
    let questions = [
        request("blocking/check_blocks/inner_block_stops_another_unit"),
        request("blocking/get_blocks/valid"),
        request("blocking/get_blocks/without_filters_all_blocks_are_reported"),
        request("blocking/get_extended_blocks_for_patient/valid"),
        request("consent/check_consent/valid"),
        request("consent/get_consents_for_patient/valid"),
        request("consent/get_consents_for_care_provider/valid"),
        request("consent/get_extended_consents_for_patient/valid"),
        // Changes too: a transaction that has not begun has changed nothing.
        request("blocking/register_extended_block/valid"),
        request("consent/register_extended_consent/valid"),
    ];
    for question in &questions {
        // Connections for several at once, all of which are cut.
        let mut together = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (caller, question) = (service.caller.clone(), question.clone());
            together.spawn(async move { caller.post(question).await });
        }
        for reply in together.join_all().await {
            assert_eq!(reply.code(), "OK");
        }
        cut(&service).await;
        for _ in 0..8 {
            let reply = service.post(question.clone()).await;
            assert_eq!(reply.status, 200, "{question}: {}", reply.body);
        }
    }
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_not_ready() {
    let service = Service::start().await;
    let name = &service.database.name;
    let pool = service.database.pool().await;
    let sql = format!("alter database {name} set default_transaction_read_only = on");
    sqlx::query(&sql).execute(&pool).await.unwrap();
    cut(&service).await;
    // The connections that are left may be told only when they are next used.
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(service.caller.get("/ready").await.status.as_u16());
    }
    assert_eq!(answers.last(), Some(&503), "{answers:?}");
    let ready = service.caller.get("/ready").await.body;
    assert_eq!(ready, "can answer, cannot store: the database takes no changes\n");
    assert_eq!(service.caller.get("/ready/answer").await.status, 200);
    for question in
        ["blocking/check_blocks/valid", "consent/check_consent/valid", "blocking/get_blocks/valid"]
    {
        // Also after a while, when the clock would be moved on.
        for time in [super::harness::NOON, "2026-11-22T12:00:09Z"] {
            service.set_clock(time);
            let reply = service.post(request(question)).await;
            assert_eq!(reply.status, 200, "{question}: {}", reply.body);
        }
    }
    let reply = service.post(store_log(&[("a", "Läsa")])).await;
    assert!(reply.body.contains("<faultcode>soap:Server</faultcode>"), "{}", reply.body);
}
