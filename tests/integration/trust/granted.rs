//! Grants that are added and ended while the server runs.

use super::pki::{Connected, Pki, everything};
use crate::harness::request;
use crate::program::{Program, command};
use std::time::Duration;
use tokio::time::Instant;

fn check() -> String {
    request("blocking/check_blocks/valid")
}

async fn grants(arguments: &[&str], file: &str) -> (bool, String) {
    let all = [&["grants"], arguments, &["--config", file]].concat();
    let output = command(&all).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// Waits until a call has a code; how long that took.
async fn until(connected: &mut Connected, code: &str) -> Duration {
    let begun = Instant::now();
    while connected.post(&[], check()).await.code() != code {
        assert!(begun.elapsed() < Duration::from_secs(20), "never {code}");
    }
    begun.elapsed()
}

#[tokio::test]
async fn an_ended_grant_stops() {
    let pki = Pki::new("ended").await;
    let program = pki.program("").await;
    let file = pki.settings("");
    let mut connected = Connected::to(&program, &pki, Some(&pki.system("SE-A"))).await.unwrap();
    assert_eq!(connected.post(&[], check()).await.code(), "ACCESSDENIED");
    let add = [
        "add",
        "--consumer",
        "SE-A",
        "--contract",
        "blocking.check,GetBlocks",
        "--tenant",
        "default",
        "--care-provider",
        "*",
        "--reason",
        "prov",
        "--by",
        "tester",
    ];
    let (added, said) = grants(&add, &file).await;
    assert!(added, "{said}");
    let number = said.trim().strip_prefix("grant ").unwrap().to_owned();
    assert!(until(&mut connected, "OK").await < Duration::from_secs(5));
    let (_, listed) = grants(&["list"], &file).await;
    assert!(
        listed.contains("SE-A may blocking.check, GetBlocks at tenant default about *"),
        "{listed}"
    );
    assert!(listed.contains("by tester: prov"), "{listed}");
    let check_it = |contract, provider| {
        let of = vec![
            "check",
            "--consumer",
            "se-a",
            "--contract",
            contract,
            "--address",
            "SE1",
            "--care-provider",
            provider,
        ];
        let file = file.clone();
        async move { grants(&of, &file).await }
    };
    assert_eq!(check_it("CheckBlocks", "SE9").await, (true, "granted\n".into()));
    assert_eq!(check_it("StoreLog", "SE9").await, (false, "refused: contract\n".into()));
    let (ended, said) = grants(&["end", &number, "--reason", "slut"], &file).await;
    assert!(ended, "{said}");
    assert!(until(&mut connected, "ACCESSDENIED").await < Duration::from_secs(5));
    assert!(!grants(&["end", &number, "--reason", "igen"], &file).await.0, "it has ended");
    assert!(!grants(&["list"], &file).await.1.contains("SE-A"));
    let (_, listed) = grants(&["list", "--ended", "--json"], &file).await;
    let line: serde_json::Value = serde_json::from_str(listed.trim()).unwrap();
    assert_eq!((&line["ended"]["reason"], &line["consumer"]), (&"slut".into(), &"SE-A".into()));
    assert_eq!(check_it("CheckBlocks", "SE9").await, (false, "refused: no-grant\n".into()));
}

#[tokio::test]
async fn a_grant_that_says_nothing_is_not_added() {
    let pki = Pki::new("nothing").await;
    drop(pki.program("").await);
    let file = pki.settings("");
    let whole = ["add", "--consumer", "SE-A", "--reason", "x"];
    for (more, said) in [
        (
            &["--contract", "log", "--tenant", "default", "--care-provider", "*"][..],
            "contracts: log is neither",
        ),
        (&["--contract", "*", "--care-provider", "*"], "tenant or logical_addresses"),
        (&["--contract", "*", "--tenant", "x", "--care-provider", "*"], "no tenant of that name"),
        (
            &["--contract", "*", "--tenant", "default", "--care-provider", "*,SE1"],
            "care_providers: *",
        ),
        (&["--contract", "*", "--tenant", "default"], "--care-provider"),
        (
            &["--contract", "*", "--tenant", "default", "--care-provider", "*", "--by", " "],
            "must not be blank",
        ),
    ] {
        let (added, told) = grants(&[&whole, more].concat(), &file).await;
        assert!(!added && told.contains(said), "{more:?}: {told}");
    }
    for consumer in ["*", "Åsa", "two words", "", &"x".repeat(65)] {
        let rest =
            ["--contract", "*", "--tenant", "default", "--care-provider", "*", "--reason", "x"];
        let (added, told) =
            grants(&[&["add", "--consumer", consumer], &rest[..]].concat(), &file).await;
        assert!(!added && told.contains("consumer: must be one HSA-id"), "{consumer}: {told}");
    }
    assert_eq!(pki.database.count("select count(*) from grants").await, 0);
}

#[tokio::test]
async fn a_grants_history_stays() {
    let pki = Pki::new("history").await;
    let pool = pki.database.pool().await;
    sqlx::query(
        "insert into grants (consumer, contracts, tenant, logical_addresses, care_providers, via, reason, added_by, added_at)
         values ('SE-A', '{*}', 'default', '{}', '{*}', '{}', 'x', 'x', now())",
    )
    .execute(&pool)
    .await
    .unwrap();
    for sql in [
        "delete from grants",
        "truncate grants",
        "update grants set consumer = 'SE-B'",
        "update grants set ended_at = now(), ended_by = 'x', end_reason = 'x', care_providers = '{}'",
    ] {
        let refused = sqlx::query(sql).execute(&pool).await.unwrap_err().to_string();
        assert!(refused.contains("a grant is ended"), "{sql}: {refused}");
    }
    let end = "update grants set ended_at = now(), ended_by = 'x', end_reason = 'x'";
    sqlx::query(end).execute(&pool).await.unwrap();
    assert!(sqlx::query(end).execute(&pool).await.is_err(), "once");
}

#[tokio::test]
async fn a_grant_that_cannot_be_read_opens_nothing_and_spoils_no_other() {
    let pki = Pki::new("unreadable").await;
    let pool = pki.database.pool().await;
    sqlx::query(
        "insert into grants (consumer, contracts, tenant, logical_addresses, care_providers, via, reason, added_by, added_at)
         values ('SE-B', '{something}', 'default', '{}', '{*}', '{}', 'x', 'x', now())",
    )
    .execute(&pool)
    .await
    .unwrap();
    let program: Program = pki.program(&everything("SE-A")).await;
    for (system, code) in [("SE-A", "OK"), ("SE-B", "ACCESSDENIED")] {
        let mut connected = Connected::to(&program, &pki, Some(&pki.system(system))).await.unwrap();
        assert_eq!(connected.post(&[], check()).await.code(), code);
    }
}

#[tokio::test]
async fn an_orders_files_go_to_its_caller_as_long_as_it_may() {
    let pki = Pki::new("order-files").await;
    let granted = "platforms = [\"SE-VP\"]\n".to_owned()
        + &everything("SE-A")
        + "via = [\"*\"]\n"
        + &everything("SE-B");
    let program = pki.program(&granted).await;
    let mut own = Connected::to(&program, &pki, Some(&pki.system("SE-A"))).await.unwrap();
    let mut platform = Connected::to(&program, &pki, Some(&pki.system("SE-VP"))).await.unwrap();
    let mut other = Connected::to(&program, &pki, Some(&pki.system("SE-B"))).await.unwrap();
    let named = [("x-rivta-original-serviceconsumer-hsaid", "se-a")];
    assert_eq!(own.post(&[], request("log/store_log/valid")).await.code(), "OK");
    // Ordered through the platform, in other letters, and fetched with a certificate of its own.
    let order = request("log/get_logs_by_order/valid");
    let reply = platform.post(&named, order).await;
    let order = reply.text("orderId").unwrap_or_else(|| panic!("{}", reply.body)).to_owned();
    let files = request("log/get_files_for_order_id/valid");
    let files = crate::harness::with(&files, "orderId", &order);
    let begun = Instant::now();
    let address = loop {
        let reply = own.post(&[], files.clone()).await;
        match reply.text("reference") {
            Some(address) => break address.to_owned(),
            None => assert!(begun.elapsed() < Duration::from_mins(1), "{}", reply.body),
        }
    };
    assert!(address.starts_with("https://"), "{address}");
    let path = address.split_once("/log/").map(|(_, path)| format!("/log/{path}")).unwrap();
    assert_eq!(other.post(&[], files.clone()).await.code(), "REPORT_NOT_FOUND");
    assert_eq!(other.head(&path).await.status, 404);
    assert_eq!(own.head(&path).await.status, 200);
    pki.settings(&("platforms = [\"SE-VP\"]\n".to_owned() + &everything("SE-B")));
    until(&mut own, "ACCESSDENIED").await;
    assert_eq!(own.head(&path).await.status, 404, "its grant has ended");
    pki.settings(&granted);
    until(&mut own, "OK").await;
    assert_eq!(own.head(&path).await.status, 200);
}
