//! Ids of log records: taken once, wherever they are by now.

use super::harness::{Service, Wishes};
use super::logs::store_log;
use sigill::domain::log::record::RepeatedLogId;
use sigill::domain::retention::Policy;
use sigill::fairness::shares::Percentages;
use sigill::procedures::log_ids::{IdRound, Tidying};
use sigill::store::database::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

const NOW: &str = "2026-11-26T12:00:00Z";

pub fn tidying(table_ids: i64, years: u32) -> Tidying {
    Tidying { table_ids, forgotten_after: Policy { years, own: vec![] } }
}

/// Everything that there is to do; tells how many ids were forgotten.
pub async fn tidy(store: &Store, tidying: &Tidying, now: &str) -> u64 {
    let mut round = IdRound::begin(store, tidying, now.parse().unwrap());
    while round.step().await.unwrap() {}
    round.forgotten()
}

async fn store_of(service: &Service) -> Store {
    Store::open(service.database.options(), 8, Percentages::default()).await.unwrap()
}

async fn post(service: &Service, ids: &[String]) -> String {
    let records: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "Läsa")).collect();
    let reply = service.post(store_log(&records)).await;
    match reply.code() {
        "OK" => "OK".into(),
        _ => reply.text("resultText").unwrap().to_owned(),
    }
}

fn named(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{name}-{n}")).collect()
}

async fn runs(service: &Service) -> i64 {
    service.database.count("select count(*) from log_id_runs where made").await
}

#[tokio::test]
async fn an_id_stays_taken_while_tables_are_closed_packed_and_merged() {
    let service = Service::start().await;
    // It knows of nothing that the others do, but by what it meets.
    let other = Service::start_with(Wishes {
        repeated_log_id: RepeatedLogId::AcceptIdentical,
        database: Some(service.database.clone()),
        ..Wishes::default()
    })
    .await;
    let store = store_of(&service).await;
    let (mut steps, mut most) = (0, 0);
    for turn in 0..9 {
        assert_eq!(post(&service, &named(&format!("t{turn}"), 20)).await, "OK");
        let (closes, packs) = (tidying(1, 10), tidying(1_000, 10));
        let mut round = IdRound::begin(&store, &closes, NOW.parse().unwrap());
        assert!(round.step().await.unwrap(), "the table is closed");
        round = IdRound::begin(&store, &packs, NOW.parse().unwrap());
        while round.step().await.unwrap() {
            steps += 1;
            for earlier in 0..=turn {
                let mixed = [format!("new{steps}-{earlier}"), format!("t{earlier}-7")];
                let refused = post(&service, &mixed).await;
                assert!(refused.contains("-7 (identisk post)"), "{turn} {steps}: {refused}");
                assert!(!refused.contains("new"), "{refused}");
            }
            let mixed = [format!("s{steps}"), format!("t{turn}-3"), "t0-5".into()];
            assert_eq!(post(&other, &mixed).await, "OK");
            let changed = store_log(&[("T0-5", "Skriva")]);
            let reply = service.post(changed).await;
            assert!(reply.body.contains("T0-5 (annan post)"), "{}", reply.body);
        }
        most = most.max(runs(&service).await);
    }
    let records = service.database.count("select count(*) from log_entries").await;
    assert_eq!(records, 9 * 20 + steps);
    assert!(runs(&service).await < most, "some were merged, of {most}");
    let open = "select table_number::bigint from log_id_tables where closed_at is null";
    let open = service.database.count(open).await;
    let all = format!(
        "select (select sum(ids)::bigint from log_id_runs where made) + (select count(*) from log_ids_{open})"
    );
    assert_eq!(service.database.count(&all).await, records);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_calls_with_one_id_one_is_stored_while_ids_move() {
    let service = Service::start().await;
    let store = store_of(&service).await;
    let done = Arc::new(AtomicBool::new(false));
    let tidied = Arc::clone(&done);
    let tidies = tokio::spawn(async move {
        let mut times = 0;
        while !tidied.load(Ordering::Relaxed) || times < 3 {
            tidy(&store, &tidying(1, 10), NOW).await;
            times += 1;
        }
        times
    });
    for turn in 0..20 {
        let mut calls = JoinSet::new();
        for n in 0..20 {
            let ids = [format!("own-{turn}-{n}"), format!("shared-{turn}-{}", n / 2)];
            let xml = store_log(&[(&ids[0], "Läsa"), (&ids[1], "Läsa")]);
            let client = service.caller.clone();
            calls.spawn(async move { client.post(xml).await.code().to_owned() });
        }
        let codes = calls.join_all().await;
        let ok = codes.iter().filter(|code| *code == "OK").count();
        let refused = codes.iter().filter(|code| *code == "VALIDATION_ERROR").count();
        assert_eq!((ok, refused), (10, 10), "{codes:?}");
    }
    done.store(true, Ordering::Relaxed);
    assert!(tidies.await.unwrap() >= 3);
    let count = "select count(distinct log_id) from log_entries";
    assert_eq!(service.database.count(count).await, 400);
    assert_eq!(service.database.count("select count(*) from log_entries").await, 400);
}

#[tokio::test]
async fn what_a_process_that_died_had_begun_is_begun_anew() {
    let service = Service::start().await;
    let store = store_of(&service).await;
    assert_eq!(post(&service, &named("a", 30)).await, "OK");
    for steps in 1..5 {
        let tidying = tidying(1, 10);
        let mut round = IdRound::begin(&store, &tidying, NOW.parse().unwrap());
        for _ in 0..steps {
            round.step().await.unwrap();
        }
        drop(round);
        let refused = post(&service, &["a-29".into()]).await;
        assert!(refused.contains("a-29 (identisk post)"), "{refused}");
    }
    tidy(&store, &tidying(1, 10), NOW).await;
    let pages = "select count(distinct run_number) from log_id_pages";
    assert_eq!((runs(&service).await, service.database.count(pages).await), (1, 1));
}

#[tokio::test]
async fn a_process_whose_run_another_has_dropped_ends_it_no_more() {
    let service = Service::start().await;
    let store = store_of(&service).await;
    assert_eq!(post(&service, &named("a", 30)).await, "OK");
    let tidying = tidying(1, 10);
    let mut slow = IdRound::begin(&store, &tidying, NOW.parse().unwrap());
    // It has closed the table, and begun to pack it.
    for _ in 0..2 {
        assert!(slow.step().await.unwrap());
    }
    tidy(&store, &tidying, NOW).await;
    assert!(slow.step().await.is_err());
    assert_eq!(runs(&service).await, 1);
    assert!(post(&service, &["a-0".into()]).await.contains("a-0 (identisk post)"));
}

#[tokio::test]
async fn who_reads_a_table_for_long_keeps_it_and_holds_nobody_up() {
    let service = Service::start().await;
    let store = store_of(&service).await;
    assert_eq!(post(&service, &named("a", 30)).await, "OK");
    let pool = service.database.pool().await;
    let mut reader = pool.begin().await.unwrap();
    let all = "select count(*) from log_ids_1";
    let count: i64 = sqlx::query_scalar(all).fetch_one(&mut *reader).await.unwrap();
    assert_eq!(count, 30);
    // It is neither closed nor dropped, and what can be done is.
    assert_eq!(tidy(&store, &tidying(1, 10), NOW).await, 0);
    assert_eq!((runs(&service).await, post(&service, &named("b", 1)).await.as_str()), (0, "OK"));
    reader.rollback().await.unwrap();
    let closes = tidying(1, 10);
    assert!(IdRound::begin(&store, &closes, NOW.parse().unwrap()).step().await.unwrap());
    let mut reader = pool.begin().await.unwrap();
    let count: i64 = sqlx::query_scalar(all).fetch_one(&mut *reader).await.unwrap();
    assert_eq!(count, 31);
    assert_eq!(tidy(&store, &tidying(1_000, 10), NOW).await, 0);
    assert_eq!(runs(&service).await, 1, "it is packed");
    assert!(post(&service, &["a-3".into()]).await.contains("a-3 (identisk post)"));
    assert_eq!(post(&service, &named("c", 1)).await, "OK");
    reader.rollback().await.unwrap();
    tidy(&store, &tidying(1_000, 10), NOW).await;
    let there = "select count(*) from pg_class where relname = 'log_ids_1'";
    assert_eq!(service.database.count(there).await, 0);
}

#[tokio::test]
async fn a_run_of_which_some_is_gone_is_not_ended() {
    let service = Service::start().await;
    let store = store_of(&service).await;
    assert_eq!(post(&service, &named("a", 30)).await, "OK");
    let tidying = tidying(1, 10);
    let mut slow = IdRound::begin(&store, &tidying, NOW.parse().unwrap());
    // The table is closed, the run begun, and its only part made.
    for _ in 0..3 {
        assert!(slow.step().await.unwrap());
    }
    assert!(store.drop_some_unmade().await.unwrap(), "there were pages");
    assert!(slow.step().await.is_err());
    assert_eq!(runs(&service).await, 0);
    tidy(&store, &tidying, NOW).await;
    assert!(post(&service, &["a-0".into()]).await.contains("a-0 (identisk post)"));
}
