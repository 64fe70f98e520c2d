//! `StoreLog` stories: repeated ids in both settings, batches, what is in the tables.

use super::harness::{Service, Wishes, request};
use sigill::domain::log::record::{FutureActivity, RepeatedLogId};
use sigill::fairness::shares::Percentages;
use sigill::store::database::Store;

/// A valid request with these (id, activity type) records.
pub fn store_log(records: &[(&str, &str)]) -> String {
    let valid = request("log/store_log/valid");
    let (start, end) =
        (valid.find("      <urn1:log>").unwrap(), valid.find("    </urn1:StoreLog>").unwrap());
    let one = &valid[start..end];
    let many: String = records
        .iter()
        .map(|(id, activity)| {
            one.replace("6a1f2c10-52f3-4a37-9d6e-0c7b7f0e0004", id).replace("Läsa", activity)
        })
        .collect();
    format!("{}{many}{}", &valid[..start], &valid[end..])
}

/// The resource of a valid message's record.
fn valid_resource() -> String {
    let valid = request("log/store_log/valid");
    let (open, close) = ("<urn2:resource>", "</urn2:resource>");
    let begin = valid.find(open).unwrap();
    valid[begin..valid.find(close).unwrap() + close.len()].to_owned()
}

async fn stored(service: &Service) -> i64 {
    service.database.count("select count(*) from log_entries").await
}

#[tokio::test]
async fn all_records_of_a_call_are_stored_or_none() {
    let service = Service::start().await;
    assert_eq!(service.post(store_log(&[("a", "Läsa"), ("b", "Läsa")])).await.code(), "OK");
    let reply = service.post(store_log(&[("c", "Läsa"), ("B", "Skriva"), ("a", "Läsa")])).await;
    assert_eq!(reply.code(), "VALIDATION_ERROR");
    let text = reply.text("resultText").unwrap();
    assert!(text.ends_with("B (annan post), a (identisk post)"), "{text}");
    assert_eq!(stored(&service).await, 2);
    assert_eq!(service.post(store_log(&[("c", "Läsa")])).await.code(), "OK", "c was not taken");
}

#[tokio::test]
async fn identical_repetitions_are_accepted_when_the_operator_says_so() {
    let wishes = Wishes { repeated_log_id: RepeatedLogId::AcceptIdentical, ..Wishes::default() };
    let service = Service::start_with(wishes).await;
    assert_eq!(service.post(store_log(&[("a", "Läsa"), ("b", "Läsa")])).await.code(), "OK");
    let again = store_log(&[("a", "Läsa"), ("c", "Läsa"), ("c", "Läsa"), ("b", "Läsa")]);
    assert_eq!(service.post(again).await.code(), "OK");
    assert_eq!(stored(&service).await, 3, "a and b once, c once");
    assert_eq!(service.database.count("select count(*) from log_resources").await, 3);
    let reply = service.post(store_log(&[("a", "Skriva"), ("d", "Läsa")])).await;
    assert_eq!(reply.code(), "VALIDATION_ERROR");
    let reply = service.post(store_log(&[("e", "Läsa"), ("e", "Skriva")])).await;
    assert_eq!(reply.code(), "VALIDATION_ERROR", "not identical within the call");
    assert_eq!(stored(&service).await, 3);
}

#[tokio::test]
async fn five_hundred_records_are_stored_and_one_more_is_refused() {
    let service = Service::start().await;
    let ids: Vec<String> = (0..501).map(|n| format!("id-{n}")).collect();
    let records: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "Läsa")).collect();
    let reply = service.post(store_log(&records)).await;
    assert_eq!(reply.code(), "VALIDATION_ERROR");
    assert!(reply.text("resultText").unwrap().contains("högst 500 loggposter per anrop (501)"));
    assert_eq!(stored(&service).await, 0);
    assert_eq!(service.post(store_log(&records[..500])).await.code(), "OK");
    assert_eq!(stored(&service).await, 500);
}

#[tokio::test]
async fn records_lie_in_the_partition_of_their_month_whatever_the_year() {
    let service = Service::start().await;
    // With two resources.
    let resource = &valid_resource();
    let at = |id: &str, date: &str| {
        let one = store_log(&[(id, "Läsa")]).replace("2026-11-22T10:15:30.123", date);
        one.replace(resource, &format!("{resource}{resource}"))
    };
    for (id, date) in [
        ("a", "2026-11-01T00:30:00"),
        ("b", "2026-11-01T01:30:00"),
        ("c", "0001-01-02T00:00:00"),
        ("d", "9999-12-31T23:59:59.999"),
    ] {
        assert_eq!(service.post(at(id, date)).await.code(), "OK", "{date}");
    }
    let count =
        async |table: &str| service.database.count(&format!("select count(*) from {table}")).await;
    assert_eq!(
        count("log_entries_y2026m10").await,
        1,
        "half past midnight is still October in UTC"
    );
    assert_eq!(count("log_entries_y2026m11").await, 1);
    assert_eq!(count("log_entries_other").await, 2);
    let reply = service.post(at("d", "9999-12-31T23:59:59.999")).await;
    assert!(reply.text("resultText").unwrap().contains("d (identisk post)"), "{}", reply.body);
}

#[tokio::test]
async fn every_value_is_stored_as_it_was_sent() {
    let service = Service::start().await;
    let odd = store_log(&[("x", "Läsa")])
        .replace("Tolvan Läkare", "  T &amp; &lt;L&gt; å\u{1F600}\t ")
        .replace("<urn2:purpose>", "<urn2:activityLevel></urn2:activityLevel><urn2:purpose>")
        .replace("<urn2:activityLevel></urn2:activityLevel><urn2:purpose>", "<urn2:purpose>");
    assert_eq!(service.post(odd).await.code(), "OK");
    let pool = service.database.pool().await;
    let (name, level, at): (String, Option<String>, String) = sqlx::query_as(
        "select user_name, activity_level, (activity_at at time zone 'UTC')::text from log_entries",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(name, "  T & <L> å\u{1F600}\t ");
    assert_eq!(level, None);
    assert_eq!(at, "2026-11-22 09:15:30.123");
}

#[tokio::test]
async fn no_call_makes_a_table_and_a_month_takes_up_what_came_before_it() {
    let service = Service::start().await;
    // With two resources.
    let resource = &valid_resource();
    let at = |id: &str, date: &str| {
        let one = store_log(&[(id, "Läsa")]).replace("2026-11-22T10:15:30.123", date);
        one.replace(resource, &format!("{resource}{resource}"))
    };
    for (id, date) in [("a", "2027-06-10T12:00:00"), ("b", "2020-01-01T12:00:00")] {
        assert_eq!(service.post(at(id, date)).await.code(), "OK", "{date}");
    }
    let count =
        async |table: &str| service.database.count(&format!("select count(*) from {table}")).await;
    assert_eq!(count("log_entries_other").await, 2);
    let store = Store::open(service.database.options(), 8, Percentages::default()).await.unwrap();
    let later = "2027-04-30T23:59:59Z".parse().unwrap();
    assert_eq!(
        store.make_log_partitions(later).await.unwrap(),
        5,
        "March 2027 to July; from November on two are there"
    );
    assert_eq!(store.make_log_partitions(later).await.unwrap(), 0);
    assert_eq!(count("log_entries_other").await, 1);
    assert_eq!(count("log_further_resources_other").await, 1);
    assert_eq!(count("log_entries_y2027m06").await, 1);
    assert_eq!(count("log_further_resources_y2027m06").await, 1);
    // It is known as it was.
    let reply = service.post(at("a", "2027-06-10T12:00:00")).await;
    assert!(reply.text("resultText").unwrap().contains("a (identisk post)"), "{}", reply.body);
    assert_eq!(service.post(at("c", "2027-06-11T12:00:00")).await.code(), "OK");
    assert_eq!(count("log_entries_y2027m06").await, 2);
}

#[tokio::test]
async fn records_from_the_future_are_counted_or_refused() {
    // With two resources.
    let resource = &valid_resource();
    let at = |id: &str, date: &str| {
        let one = store_log(&[(id, "Läsa")]).replace("2026-11-22T10:15:30.123", date);
        one.replace(resource, &format!("{resource}{resource}"))
    };
    // It is noon in UTC, and one o'clock in Sweden.
    let (still, future) = ("2026-11-23T13:00:00", "2026-11-23T13:00:00.001");
    let service = Service::start().await;
    assert_eq!(service.post(at("a", still)).await.code(), "OK");
    assert!(service.caller.get("/metrics").await.body.contains("sigill_log_future_records 0\n"));
    assert_eq!(service.post(at("b", future)).await.code(), "OK");
    assert!(service.caller.get("/metrics").await.body.contains("sigill_log_future_records 1\n"));
    let wishes = Wishes { future_activity: FutureActivity::Refuse, ..Wishes::default() };
    let service = Service::start_with(wishes).await;
    assert_eq!(service.post(at("a", still)).await.code(), "OK");
    let reply = service.post(at("b", future)).await;
    assert_eq!(reply.code(), "VALIDATION_ERROR");
    let text = reply.text("resultText").unwrap();
    assert!(text.starts_with("StoreLog/log[1]/activity/startDate: "), "{text}");
    assert_eq!(stored(&service).await, 1);
}

#[tokio::test]
async fn records_are_looked_up_by_what_the_database_computes_too() {
    let service = Service::start().await;
    let own = request("log/store_log/valid");
    assert_eq!(service.post(own).await.code(), "OK");
    let same = "select count(*) from log_entries e join log_resources r using (entry_number)
        where e.owner_hash = log_hash(e.tenant_id, lower(btrim(e.care_provider_id)))
          and r.patient_hash = log_hash(r.tenant_id, r.patient_root || '^' || r.patient_extension)
          and r.foreign_hash is not distinct from case
            when lower(btrim(r.holder_id)) <> lower(btrim(e.care_provider_id))
            then log_hash(r.tenant_id, lower(btrim(r.holder_id))) end";
    let all = service.database.count("select count(*) from log_resources").await;
    assert!(all > 0);
    assert_eq!(service.database.count(same).await, all);
}
