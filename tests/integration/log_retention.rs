//! Retention of log records and blocks: months that go whole, what keeps them, and ids that are not forgotten.

use super::harness::{Database, NOON, Service, Wishes, intake, request, with};
use super::log_ids::{tidy, tidying};
use super::reports::{FIRST, Record, stored};
use super::retention::{remove_due, retention};
use super::sealed::Sealed;
use sigill::domain::identity::{HsaId, PatientId};
use sigill::domain::retention::{Hold, Policy};
use sigill::fairness::shares::Percentages;
use sigill::procedures::retention::{Retention, due};
use sigill::store::database::Store;

/// When records of the service's held clock, in November 2026, are five years old, and when ten.
const FIVE_YEARS: &str = "2031-12-24T00:00:00Z";
const TEN_YEARS: &str = "2036-12-24T00:00:00Z";

async fn ids(database: &Database) -> String {
    let pool = database.pool().await;
    let sql = "select coalesce(string_agg(log_id, ' ' order by log_id), '') from log_entries";
    let ids = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
    pool.close().await;
    ids
}

/// Records of three months; those of October were stored in November. All are sealed.
async fn service() -> (Sealed, Store) {
    let sealed = Sealed::start_with("log-retention", Wishes::default()).await;
    let october = Record { id: "october", at: "2026-10-15T10:00:00", ..FIRST };
    let september = Record { id: "september", at: "2026-09-15T10:00:00", ..FIRST };
    let longer = Record { id: "longer", owner: "SE-LONG", ..FIRST };
    let held = [("vko", "191212121213", "SE-B"), ("dia", "191212121212", "SE-B")];
    let held = Record { id: "held", resources: &held, ..FIRST };
    for record in [FIRST, october, september, longer, held] {
        assert_eq!(sealed.service.post(stored(&[record])).await.code(), "OK");
    }
    sealed.seal_at(NOON).await;
    let store = sealed.seal.store.clone();
    (sealed, store)
}

fn kept_longer(batch_rows: usize) -> Retention {
    let own = vec![(HsaId::new("SE-LONG").unwrap(), 10)];
    Retention { log_records: Policy { years: 5, own }, ..retention(batch_rows) }
}

fn removed(list: &[sigill::procedures::retention::Removed], kind: &str) -> usize {
    list.iter().filter(|removed| removed.kind == kind).map(|removed| removed.count).sum()
}

const MONTHS: &str = "select count(*) from pg_inherits where inhparent = 'log_entries'::regclass";

#[tokio::test]
async fn a_month_of_which_nothing_must_stay_is_dropped_whole() {
    let (sealed, store) = service().await;
    let service = &sealed.service;
    let database = &service.database;
    let months = database.count(MONTHS).await;
    // What was stored in November must stay, whatever its activity's time.
    let early = remove_due(&store, &retention(1000), "2031-11-01T00:00:00Z").await;
    assert_eq!((removed(&early, "log record"), database.count(MONTHS).await), (0, months));
    assert_eq!(ids(database).await, "held longer october r1 september");
    let all = remove_due(&store, &retention(1000), FIVE_YEARS).await;
    assert_eq!(removed(&all, "log record"), 5);
    assert_eq!((ids(database).await.as_str(), database.count(MONTHS).await), ("", months - 3));
    let dropped =
        "select count(*) from retention_removals where object_id = '2026-11' and records = 2
        and kind = 'log record' and care_provider_id = 'SE-A'";
    assert_eq!(database.count(dropped).await, 1);
    assert_eq!(database.count("select count(*) from log_resources").await, 0);
    // Their ids do not come back before they are forgotten: a while after the table with them was closed.
    let again = async || service.post(stored(&[FIRST])).await;
    for now in ["2026-12-31T00:00:00Z", FIVE_YEARS] {
        assert_eq!(tidy(&store, &tidying(1_000, 10), now).await, 0);
        let refused = again().await;
        assert_eq!(refused.code(), "VALIDATION_ERROR", "{}", refused.body);
        assert!(refused.body.contains("(annan post)"), "{}", refused.body);
    }
    assert_eq!(tidy(&store, &tidying(1_000, 10), TEN_YEARS).await, 5);
    assert_eq!(again().await.code(), "OK");
}

#[tokio::test]
async fn what_a_hold_names_or_its_owner_keeps_stays_and_the_rest_goes() {
    for batch_rows in [1, 1000] {
        let (sealed, store) = service().await;
        let service = &sealed.service;
        let tenant = store.tenant("default").await.unwrap();
        let patient = PatientId::new("1.2.752.129.2.1.3.1", "191212121213").unwrap();
        let hold = Hold { patient: Some(patient.key().to_owned()), care_provider: None };
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let number = store.place_hold(tenant, &hold, "tillsyn", now).await.unwrap();
        let told = due(&store, &kept_longer(1000), FIVE_YEARS.parse().unwrap()).await.unwrap();
        let (_, _, log) = told.into_iter().find(|(kind, ..)| *kind == "log record").unwrap();
        let counts: Vec<_> =
            log.iter().map(|d| (d.care_provider_id.as_str(), d.count, d.held)).collect();
        assert_eq!(counts, [("SE-A", 3, 1), ("SE-LONG", 0, 1)]);
        let policies = kept_longer(batch_rows);
        let first = remove_due(&store, &policies, FIVE_YEARS).await;
        assert_eq!(removed(&first, "log record"), 3);
        assert_eq!(ids(&service.database).await, "held longer");
        assert_eq!(removed(&remove_due(&store, &policies, FIVE_YEARS).await, "log record"), 0);
        store.lift_hold(number, now).await.unwrap();
        assert_eq!(removed(&remove_due(&store, &policies, FIVE_YEARS).await, "log record"), 1);
        assert_eq!(ids(&service.database).await, "longer");
        // Its id is kept as long as the record is.
        assert_eq!(tidy(&store, &tidying(1_000, 5), "2026-12-31T00:00:00Z").await, 0);
        assert_eq!(tidy(&store, &tidying(1_000, 5), FIVE_YEARS).await, 4);
        let sum = "select sum(ids)::bigint from log_id_runs where made";
        assert_eq!(service.database.count(sum).await, 1);
        assert_eq!(removed(&remove_due(&store, &policies, TEN_YEARS).await, "log record"), 1);
        // A table that has become old since lets it be looked for again.
        assert_eq!(service.post(stored(&[Record { id: "later", ..FIRST }])).await.code(), "OK");
        assert_eq!(tidy(&store, &tidying(1, 5), FIVE_YEARS).await, 1);
    }
}

#[tokio::test]
async fn a_hold_on_a_care_provider_keeps_what_its_staff_did_and_what_is_its() {
    let (sealed, store) = service().await;
    let service = &sealed.service;
    let tenant = store.tenant("default").await.unwrap();
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let of = |provider: &str| Hold {
        patient: None,
        care_provider: Some(HsaId::new(provider).unwrap().key()),
    };
    let number = store.place_hold(tenant, &of("SE-B"), "tillsyn", now).await.unwrap();
    assert_eq!(removed(&remove_due(&store, &retention(10), FIVE_YEARS).await, "log record"), 0);
    store.lift_hold(number, now).await.unwrap();
    store.place_hold(tenant, &of("SE-LONG"), "tillsyn", now).await.unwrap();
    assert_eq!(removed(&remove_due(&store, &retention(10), FIVE_YEARS).await, "log record"), 4);
    assert_eq!(ids(&service.database).await, "longer");
}

#[tokio::test]
async fn removed_blocks_go_after_their_time_and_others_stay() {
    let service = Service::start().await;
    let block = request("blocking/register_extended_block/valid");
    let gone = with(&block, "blockId", "gone");
    for xml in [gone, with(&block, "blockId", "active")] {
        assert_eq!(service.post(xml).await.code(), "OK");
    }
    let revoke =
        with(&request("blocking/register_temporary_extended_revoke/valid"), "blockId", "gone");
    assert_eq!(service.post(revoke).await.code(), "OK");
    let delete = with(&request("blocking/delete_extended_block/valid"), "blockId", "gone");
    assert_eq!(service.post(delete).await.code(), "OK");
    let store = Store::open(service.database.options(), 8, Percentages::default())
        .await
        .unwrap()
        .with_intake(intake());
    let early = remove_due(&store, &retention(10), "2036-11-20T00:00:00Z").await;
    assert_eq!(removed(&early, "block"), 0);
    assert_eq!(removed(&remove_due(&store, &retention(10), TEN_YEARS).await, "block"), 1);
    let left = "select count(*) from blocks where block_id = 'active'";
    assert_eq!(service.database.count(left).await, 1);
    assert_eq!(service.database.count("select count(*) from blocks").await, 1);
    assert_eq!(service.database.count("select count(*) from temporary_revokes").await, 0);
}
