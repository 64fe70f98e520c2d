//! Retention: what has been invalid for ten years goes, and nothing else.

use super::consents::{at, register};
use super::harness::{Database, Service, intake, request, with, without};
use super::program::{Folder, command, settings};
use sigill::domain::identity::{HsaId, PatientId};
use sigill::domain::retention::{Hold, Policy};
use sigill::fairness::shares::Percentages;
use sigill::procedures::retention::{Removed, Retention, Round};
use sigill::store::database::Store;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

const PROVIDER: &str = "SE2321000016-VG01";
const LONGER: &str = "SE2321000016-VG02";

fn ending(id: &str, end: &str) -> String {
    let xml = request("consent/register_extended_consent/valid");
    with(&with(&without(&xml, &["startDate"]), "assertionId", id), "endDate", end)
}

pub fn retention(batch_rows: usize) -> Retention {
    let own = vec![(HsaId::new(LONGER).unwrap(), 15)];
    let for_all = |years| Policy { years, own: Vec::new() };
    Retention {
        assertions: Policy { years: 10, own },
        blocks: for_all(10),
        log_records: for_all(5),
        batch_rows,
    }
}

pub async fn remove_due(store: &Store, retention: &Retention, now: &str) -> Vec<Removed> {
    let mut round = Round::begin(store, retention, now.parse().unwrap()).await.unwrap();
    while round.step().await {}
    let removed = round.end();
    assert!(removed.iter().all(|removed| removed.error.is_none()), "{removed:?}");
    removed
}

async fn kept(database: &Database) -> String {
    let pool = database.pool().await;
    let sql =
        "select coalesce(string_agg(assertion_id, ' ' order by assertion_id), '') from assertions";
    let ids = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
    pool.close().await;
    ids
}

/// Assertions of every fate, all settled on 2026-11-22, with `expired` ending on the 29th.
async fn service_of_all_fates() -> Service {
    let service = Service::start().await;
    for xml in [
        register("open"),
        ending("expired", "2026-11-29T12:00:00"),
        ending("future", "2040-01-01T00:00:00"),
        register("ended"),
        at("cancel_extended_consent", "ended"),
        register("annulled"),
        at("delete_extended_consent", "annulled"),
        register("patient"),
        at("end_consent_by_patient", "patient"),
        with(&register("longer"), "careProviderId", LONGER),
        at("cancel_extended_consent", "longer"),
        with(&register("held"), "extension", "191212121213"),
        at("cancel_extended_consent", "held"),
    ] {
        assert_eq!(service.post(xml).await.code(), "OK");
    }
    service
}

#[tokio::test]
async fn what_has_been_invalid_for_the_whole_period_is_removed_and_recorded() {
    let service = service_of_all_fates().await;
    let store = Store::open(service.database.options(), 4, Percentages::default())
        .await
        .unwrap()
        .with_intake(intake());
    let tenant = store.tenant("default").await.unwrap();
    let patient = PatientId::new("1.2.752.129.2.1.3.1", "191212121213").unwrap();
    let hold = Hold { patient: Some(patient.key().into()), care_provider: None };
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let number = store.place_hold(tenant, &hold, "mål 1", now).await.unwrap();
    let everything = kept(&service.database).await;
    for (now, batch, left) in [
        ("2036-11-22T12:00:00Z", 1000, everything.as_str()),
        ("2036-11-22T12:00:01Z", 1, "expired future held longer open"),
        ("2036-11-29T11:00:01Z", 1000, "future held longer open"),
        ("2041-11-22T12:00:01Z", 1000, "future held open"),
        ("2050-01-01T00:00:00Z", 1000, "held open"),
    ] {
        let done = remove_due(&store, &retention(batch), now).await;
        assert_eq!(kept(&service.database).await, left, "{now}: {done:?}");
    }
    let recorded = "select count(*) from retention_removals where kind = 'assertion' and removed_at > invalid_since";
    assert_eq!(service.database.count(recorded).await, 6);
    for table in ["patient_ends", "assertion_actions where kind = 'delete'"] {
        assert_eq!(service.database.count(&format!("select count(*) from {table}")).await, 0);
    }
    assert!(store.lift_hold(number, now).await.unwrap());
    assert!(!store.lift_hold(number, now).await.unwrap(), "it is lifted already");
    remove_due(&store, &retention(1000), "2050-01-01T00:00:00Z").await;
    assert_eq!(kept(&service.database).await, "open");
    // Whoever asks sees the rest as before.
    service.set_clock("2050-01-01T00:00:00Z");
    let check = service.post(request("consent/check_consent/valid")).await;
    assert_eq!(check.text("hasConsent"), Some("true"));
}

#[tokio::test]
async fn a_dry_run_says_what_will_be_due_and_removes_nothing() {
    let service = service_of_all_fates().await;
    let folder = Folder::new("retention");
    let more = format!("[retention.consents.care_provider.{LONGER}]\nyears = 15\n");
    let file = settings(&service.database, &folder, &more);
    let before = kept(&service.database).await;
    let said = async |arguments: &[&str]| {
        let output = command(&[arguments, &["--config", &file]].concat()).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let other_kinds = "default: no block is due\ndefault: no log record is due\n";
    let nothing = format!("default: no assertion is due\n{other_kinds}");
    assert_eq!(said(&["retention", "--dry-run"]).await, nothing);
    // A hold on one patient at one care provider, its identity on standard input.
    let arguments =
        ["hold", "place", "--patient", "--care-provider", PROVIDER, "--reason", "mål 1"];
    let mut place = command(&[&arguments[..], &["--config", &file]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = place.stdin.take().unwrap();
    input.write_all(b"1.2.752.129.2.1.3.1\n19121212-1213\n").await.unwrap();
    drop(input);
    let placed = place.wait_with_output().await.unwrap();
    assert_eq!(String::from_utf8(placed.stdout).unwrap(), "hold 1\n");
    let listed = said(&["hold", "list"]).await;
    assert!(
        listed.contains("1 default: one patient, se2321000016-vg01") && listed.contains("mål 1")
    );
    assert!(!listed.contains("1213"), "{listed}");
    let due = said(&["retention", "--dry-run", "--at", "2036-12-24T00:00:00Z"]).await;
    let expected = format!(
        "default: 4 assertion of {PROVIDER} due, the oldest invalid since 2026-11-22, 1 held\n\
         {other_kinds}"
    );
    assert_eq!(due, expected);
    let removed = said(&["retention"]).await;
    let expected = "default: 0 assertion removed\ndefault: 0 block removed\n\
        all: 0 log record removed\n";
    assert!(removed == expected, "{removed}");
    assert_eq!(kept(&service.database).await, before);
    assert_eq!(said(&["hold", "lift", "1"]).await, "");
    assert_eq!(said(&["hold", "list"]).await, "");
    let nothing =
        command(&["hold", "place", "--reason", "x", "--config", &file]).output().await.unwrap();
    assert!(!nothing.status.success());
}

#[tokio::test]
async fn one_tenants_trouble_is_no_others_and_counts_survive_it() {
    let service = service_of_all_fates().await;
    let store = Store::open(service.database.options(), 4, Percentages::default())
        .await
        .unwrap()
        .with_intake(intake());
    // Before the one that has something, by name.
    store.tenant("a").await.unwrap();
    let pool = service.database.pool().await;
    for sql in [
        // The other tenant's change clock cannot be moved.
        "create function refuse() returns trigger language plpgsql as $$
            begin raise exception 'no'; end $$",
        "create trigger refuse before insert or update on change_clocks for each row
            when (new.tenant_id <> 1) execute function refuse()",
        // And the fourth of the assertions that are due cannot be removed.
        "create trigger refuse before delete on assertions for each row
            when (old.assertion_id = 'patient') execute function refuse()",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    let policy = retention(1);
    let now = "2036-11-30T00:00:00Z".parse().unwrap();
    let mut round = Round::begin(&store, &policy, now).await.unwrap();
    while round.step().await {}
    let removed = round.end();
    let assertions = removed.iter().filter(|r| r.kind == "assertion");
    let told = assertions.map(|r| (r.tenant.as_str(), r.count, r.error.is_some()));
    let told: Vec<_> = told.collect();
    let left = kept(&service.database).await;
    assert_eq!(told[0], ("a", 0, true));
    assert!(told[1].0 == "default" && told[1].1 > 0 && told[1].2, "{told:?}");
    let recorded = service.database.count("select count(*) from retention_removals").await;
    assert_eq!(i64::try_from(told[1].1).unwrap(), recorded, "{left}");
    // Ended between two batches: what is left is left, and told as it is.
    for sql in ["drop trigger refuse on assertions", "drop trigger refuse on change_clocks"] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    let mut round = Round::begin(&store, &policy, now).await.unwrap();
    for looked in ["a's assertions", "a's blocks", "the first of default's assertions"] {
        assert!(round.step().await, "{looked}");
    }
    let removed: usize = round.end().iter().map(|removed| removed.count).sum();
    assert_eq!(removed, 1);
}
