//! Orders when there is no room for their files, and when they cannot be made.

use super::harness::{Database, Service, intake, orders, request, with, without};
use super::reports::{FIRST, Record, stored};
use sigill::fairness::shares::Percentages;
use sigill::procedures::context::OrderSettings;
use sigill::procedures::orders::{Making, MakingError, make, tidy_folder};
use sigill::store::database::Store;
use std::time::Duration;
use uuid::Uuid;

async fn ordered(service: &Service) -> Uuid {
    let names = ["careUnitId", "patientId", "root", "extension", "userId"];
    let all = without(&request("log/get_logs_by_order/valid"), &names);
    let all = with(&with(&all, "careProviderId", "SE-A"), "maxResultsPerFile", "1");
    let reply = service.post(all).await;
    assert_eq!(reply.code(), "OK", "{}", reply.body);
    reply.text("orderId").unwrap().parse().unwrap()
}

async fn with_three_records() -> (Service, Store) {
    let service = Service::start().await;
    let records = ["r1", "r2", "r3"].map(|id| Record { id, ..FIRST });
    assert_eq!(service.post(stored(&records)).await.code(), "OK");
    let store = Store::open(service.database.options(), 8, Percentages::default())
        .await
        .unwrap()
        .with_intake(intake());
    (service, store)
}

async fn files(database: &Database, id: Uuid) -> i64 {
    let of_order = "select count(*) from log_order_files join log_orders using (order_number)";
    database.count(&format!("{of_order} where order_id = '{id}'")).await
}

#[tokio::test]
async fn an_order_waits_until_others_files_are_gone_and_holds_none_meanwhile() {
    let (service, store) = with_three_records().await;
    let settings = orders(&service.database);
    let (first, second, third) =
        (ordered(&service).await, ordered(&service).await, ordered(&service).await);
    assert_eq!(make(&store, &settings, first).await.unwrap(), Making::Done);
    let bytes = service.database.count("select sum(disk_bytes)::bigint from log_order_files").await;
    // Of the caller's half room for one file more, and not for two.
    let full = OrderSettings { bytes_max: 2 * (bytes + 1), ..settings.clone() };
    assert_eq!(make(&store, &full, third).await.unwrap(), Making::NoRoom);
    assert_eq!(files(&service.database, third).await, 0, "another is before it");
    let status = service.caller.get("/status").await;
    let status: serde_json::Value = serde_json::from_str(&status.body).unwrap();
    let told = |n: usize, name: &str| status["log_orders"][n][name].clone();
    assert_eq!((told(0, "number"), told(0, "place")), (2.into(), 1.into()));
    assert_eq!((told(1, "place"), told(1, "is_being_made")), (2.into(), false.into()));
    let metrics = service.caller.get("/metrics").await.body;
    assert!(metrics.contains("sigill_log_orders_unfinished 2\n"), "{metrics}");
    assert_eq!(make(&store, &full, second).await.unwrap(), Making::NoRoom);
    assert_eq!(files(&service.database, second).await, 1, "it is the next");
    assert_eq!(make(&store, &full, third).await.unwrap(), Making::NoRoom);
    let pool = service.database.pool().await;
    sqlx::query("update log_orders set ended_at = ended_at - interval '1 day'")
        .execute(&pool)
        .await
        .unwrap();
    store.end_old_orders(24, 30).await.unwrap();
    let on_disk = settings.folder.orders().unwrap();
    tidy_folder(&store, &settings.folder, &on_disk).await.unwrap();
    assert!(settings.folder.open(first, 1).is_err(), "its time is over");
    assert!(settings.folder.open(second, 1).is_ok(), "it is being made");
    assert_eq!(make(&store, &full, second).await.unwrap(), Making::Done);
    assert_eq!(files(&service.database, second).await, 3);
}

#[tokio::test]
async fn an_order_for_which_there_is_never_room_is_given_up() {
    let (service, store) = with_three_records().await;
    let settings = OrderSettings { bytes_max: 2, ..orders(&service.database) };
    let id = ordered(&service).await;
    let told = make(&store, &settings, id).await;
    assert!(matches!(told, Err(MakingError::TooLarge)), "{told:?}");
    assert!(store.order_failed(id, 0, false).await.unwrap());
    let asked = with(&request("log/get_files_for_order_id/valid"), "orderId", &id.to_string());
    let reply = service.post(asked).await;
    assert_eq!(reply.code(), "ERROR");
    assert!(!reply.body.contains("multimedia"));
    tidy_folder(&store, &settings.folder, &settings.folder.orders().unwrap()).await.unwrap();
    assert!(settings.folder.open(id, 1).is_err(), "nobody will fetch what there is of it");
}

#[tokio::test]
async fn an_order_that_gives_its_files_up_gives_the_room_up_too() {
    let (service, store) = with_three_records().await;
    let settings = orders(&service.database);
    let (done, _waits, later) =
        (ordered(&service).await, ordered(&service).await, ordered(&service).await);
    assert_eq!(make(&store, &settings, done).await.unwrap(), Making::Done);
    let begun = OrderSettings { slice: Duration::ZERO, ..settings.clone() };
    assert_eq!(make(&store, &begun, later).await.unwrap(), Making::Paused);
    assert!(settings.folder.open(later, 1).is_ok());
    let taken = service.database.count("select sum(disk_bytes)::bigint from log_order_files").await;
    let full = OrderSettings { bytes_max: 2 * taken, ..settings.clone() };
    assert_eq!(make(&store, &full, later).await.unwrap(), Making::NoRoom);
    assert_eq!(files(&service.database, later).await, 0);
    assert!(settings.folder.open(later, 1).is_err());
    assert_eq!(make(&store, &settings, later).await.unwrap(), Making::Done);
    assert_eq!(files(&service.database, later).await, 3);
}

#[tokio::test]
async fn a_long_order_lets_others_have_their_turn() {
    let (service, store) = with_three_records().await;
    let settings = OrderSettings { slice: Duration::ZERO, ..orders(&service.database) };
    let id = ordered(&service).await;
    let _other = ordered(&service).await;
    for made in 1..=2 {
        assert_eq!(make(&store, &settings, id).await.unwrap(), Making::Paused);
        assert_eq!(files(&service.database, id).await, made);
    }
    assert_eq!(make(&store, &settings, id).await.unwrap(), Making::Done);
    assert_eq!(files(&service.database, id).await, 3);
    // Nobody waits for one that is alone.
    let (service, store) = with_three_records().await;
    let id = ordered(&service).await;
    assert_eq!(make(&store, &settings, id).await.unwrap(), Making::Done);
}

#[tokio::test]
async fn an_order_that_finds_little_pauses_too_and_goes_on_where_it_was() {
    let (service, store) = with_three_records().await;
    let pool = service.database.pool().await;
    // The three are copied until there are 6 144, more than are looked at in one statement.
    for times in 0..11 {
        sqlx::query("insert into log_entries select * from log_entries")
            .execute(&pool)
            .await
            .unwrap();
        let sql =
            "update log_entries set entry_number = entry_number + $1, log_id = log_id || '-' || $1
            where ctid in (select max(ctid) from log_entries group by entry_number)";
        sqlx::query(sql).bind(10_000_i64 << times).execute(&pool).await.unwrap();
    }
    let settings = OrderSettings { slice: Duration::ZERO, ..orders(&service.database) };
    let nobody = with(
        &without(
            &request("log/get_logs_by_order/valid"),
            &["careUnitId", "patientId", "root", "extension"],
        ),
        "careProviderId",
        "SE-A",
    );
    let reply = service.post(with(&nobody, "userId", "SE-NOBODY")).await;
    let id = reply.text("orderId").unwrap().parse().unwrap();
    let _other = ordered(&service).await;
    let (mut turns, mut before) = (0, 0);
    while make(&store, &settings, id).await.unwrap() == Making::Paused {
        let at = "select count(*) from log_orders o join log_entries e
            on (e.activity_at, e.log_id) <= (o.after_at, o.after_log_id) where o.after_number is not null";
        let looked_at = service.database.count(at).await;
        assert!(looked_at > before, "{looked_at}");
        (turns, before) = (turns + 1, looked_at);
    }
    assert_eq!((turns, files(&service.database, id).await), (3, 1));
}

#[tokio::test]
async fn what_was_stored_after_the_order_is_not_in_it() {
    let (service, store) = with_three_records().await;
    let id = ordered(&service).await;
    // In this process the storing time is the held clock's: long after the order.
    service.set_clock("2099-01-01T00:00:00Z");
    assert_eq!(service.post(stored(&[Record { id: "r4", ..FIRST }])).await.code(), "OK");
    let settings = orders(&service.database);
    assert_eq!(make(&store, &settings, id).await.unwrap(), Making::Done);
    assert_eq!(files(&service.database, id).await, 3);
}
