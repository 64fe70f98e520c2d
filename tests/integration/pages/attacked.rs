//! What somebody found who attacked the pages from outside.

use super::{BLOCKS, CARE, LOG, Pages, hidden, link, text};
use crate::harness::request;
use sigill::admin::PageMethod;

/// The answer of a contract to one of the messages of the test data, with a patient of ours.
async fn asked(pages: &Pages, message: &str, number: &str) -> String {
    let message = request(message).replace("191212121212", number);
    let message = message.replace("SE2321000016-VG01", "SE2321000016-V01");
    pages.service.post(message).await.body
}

#[tokio::test]
async fn what_is_pasted_into_a_page_breaks_no_contract() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(BLOCKS).await;
    let number = pages.story(12);
    reader.get("/patient").await;
    let odd = "a\u{7}b\u{b}c\u{fffe}d";
    let fields = [("number", &*number), ("matter", "request"), ("case", odd), ("anyway", "yes")];
    let sent = reader.post("/patient", &fields).await;
    let lookup = sent.header("location").unwrap().to_owned();
    let form = format!("{lookup}/sparrar/ny");
    reader.get(&form).await;
    let fields = [("kind", "outer"), ("requested_by", "representative"), ("reason", odd)];
    let shown = reader.post(&form, &fields).await;
    let id = hidden(&shown, "id");
    let save = [&fields[..], &[("step", "save"), ("id", &*id)]].concat();
    assert_eq!(reader.post(&form, &save).await.status, 200);
    let told = asked(&pages, "blocking/get_extended_blocks_for_patient/valid", &number).await;
    assert!(told.contains("Begärd av en företrädare med fullmakt. abcd"), "{told}");
    let logged = "select count(*) from log_entries where activity_args ~ '[\\x01-\\x08\\x0b]'";
    assert_eq!(pages.service.database.count(logged).await, 0);
}

#[tokio::test]
async fn staff_in_care_handle_what_is_their_own_units() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(CARE).await;
    let lookup = reader.look_up(&pages.story(12)).await;
    let form = format!("{lookup}/sparrar/ny");
    let shown = text(&reader.get(&form).await);
    assert!(!shown.contains("value=\"outer\"") && !shown.contains("SE2321000016-U004"), "{shown}");
    for fields in [
        [("kind", "outer"), ("requested_by", "patient"), ("units", "")],
        [("kind", "inner"), ("requested_by", "patient"), ("units", "SE2321000016-U004")],
    ] {
        assert_eq!(reader.post(&form, &fields).await.status, 422, "{fields:?}");
    }
    let own = [("kind", "inner"), ("requested_by", "patient"), ("units", "SE2321000016-U001")];
    assert_eq!(reader.post(&form, &own).await.status, 200);
}

#[tokio::test]
async fn who_comes_second_is_told_who_was_first() {
    let pages = Pages::start().await;
    let mut first = pages.logged_in(BLOCKS).await;
    let number = pages.story(12);
    let lookup = first.look_up(&number).await;
    let form = format!("{lookup}/sparrar/ny");
    first.get(&form).await;
    let fields = [("kind", "outer"), ("requested_by", "patient")];
    let id = hidden(&first.post(&form, &fields).await, "id");
    first.post(&form, &[&fields[..], &[("step", "save"), ("id", &*id)]].concat()).await;
    let page = first.get(&lookup).await;
    let lift = link(&page, &lookup, "/hav").unwrap();
    let mut second = pages.logged_in(BLOCKS).await;
    let own_lookup = second.look_up(&number).await;
    let own_lift = lift.replace(&lookup, &own_lookup);
    assert!(text(&second.get(&own_lift).await).contains("Häv för gott"));
    first.get(&lift).await;
    assert_eq!(first.post(&lift, &[("reason", "vill")]).await.status, 303);
    let late = second.post(&own_lift, &[("reason", "vill också")]).await;
    assert!(
        late.status == 422 && text(&late).contains("Spärren hävdes 2026-11-22"),
        "{}",
        text(&late)
    );
    assert!(!text(&second.get(&own_lift).await).contains("Häv för gott"));
}

#[tokio::test]
async fn a_report_tells_of_whom_it_is_about_and_each_is_logged() {
    let pages = Pages::start().await;
    // A list logs all whom it shows in one record.
    pages.logged_in(BLOCKS).await.get("/enhet/samtycken").await;
    let mut reader = pages.logged_in(LOG).await;
    let listed = "select count(distinct patient_extension)::bigint from log_resources where resource_type = 'Samtycke'";
    assert!(pages.service.database.count(listed).await > 1);
    let pool = pages.service.database.pool().await;
    let number: String = sqlx::query_scalar(
        "select patient_extension from log_resources where resource_type = 'Samtycke' and patient_extension is not null limit 1",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    let file = async |reader: &mut super::Reader, fields: &[(&str, &str)]| {
        reader.get("/loggrapporter").await;
        let when = [("from", "2026-10-01"), ("to", "2026-11-22"), ("matter", "kontroll")];
        let sent = reader.post("/loggrapporter", &[fields, &when[..]].concat()).await;
        let page = sent.header("location").unwrap().to_owned();
        let id = page.rsplit('/').next().unwrap().parse().unwrap();
        pages.service.services.store.make_report(id, 10_000).await.unwrap();
        text(&reader.get(&format!("{page}/fil/csv")).await)
    };
    let of = |csv: &str| -> std::collections::BTreeSet<String> {
        csv.lines().skip(1).filter_map(|line| line.split(',').nth(7).map(str::to_owned)).collect()
    };
    let own = file(&mut reader, &[("kind", "patient"), ("number", &number)]).await;
    assert_eq!(of(&own), [number.clone()].into(), "{own}");
    let all = of(&file(&mut reader, &[("kind", "provider")]).await);
    let printed = "select count(distinct r.patient_extension)::bigint from log_resources r join log_entries e
        using (entry_number) where e.activity_type = 'Utskrift' and r.patient_extension is not null";
    let all = all.iter().filter(|number| !number.is_empty()).count();
    assert!(all > 10);
    assert_eq!(pages.service.database.count(printed).await, i64::try_from(all).unwrap());
}

#[tokio::test]
async fn pages_of_this_machine_have_no_other_name() {
    let pages = Pages::start().await;
    let mut reader = pages.reader();
    for (host, status) in [
        (Some("evil.example:8081"), 421),
        (Some("127.0.0.1.evil.example"), 421),
        (None, 421),
        (Some("localhost:8081"), 200),
        (Some("[::1]:8081"), 200),
        (Some("127.0.0.1"), 200),
    ] {
        let mut asked = reader.request(PageMethod::Get, "/logga-in", "");
        asked.host = host.map(str::to_owned);
        assert_eq!(reader.send(asked).await.status, status, "{host:?}");
    }
}

#[tokio::test]
async fn after_login_one_is_where_one_wanted_to_be() {
    let pages = Pages::start().await;
    let mut reader = pages.reader();
    let away = reader.get("/loggrapporter").await;
    let login = away.header("location").unwrap().to_owned();
    assert!(text(&reader.get(&login).await).contains("name=\"till\" value=\"/loggrapporter\""));
    let fields = [("employee", LOG), ("till", "/loggrapporter")];
    let back = reader.post("/logga-in", &fields).await;
    assert_eq!(back.header("location"), Some("/loggrapporter"));
    reader.get("/").await;
    let fields = [("employee", LOG), ("till", "//evil.example")];
    assert_eq!(reader.post("/logga-in", &fields).await.header("location"), Some("/"));
}

#[tokio::test]
async fn nobody_known_fills_no_table() {
    let pages = Pages::start().await;
    let kept = "select count(*) from admin_events where kind = 'refused login'";
    for _ in 0..120 {
        pages.site.people.login_refused("O4").await.unwrap();
    }
    assert_eq!(pages.service.database.count(kept).await, 100);
    pages.service.set_clock("2026-11-22T12:02:00Z");
    pages.site.people.login_refused("O4").await.unwrap();
    assert_eq!(pages.service.database.count(kept).await, 101);
}
