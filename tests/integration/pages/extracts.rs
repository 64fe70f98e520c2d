//! Reports and extracts: what is in them, who stands behind them, and that taking them out is logged.

use super::{LOG, Pages, Reader, SECURITY, hidden, text};
use sigill::store::people::extracts::StoredExtract;

fn request<'a>(id: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("id", id),
        ("requester", "patient"),
        ("identity_check", "id-kort"),
        ("from", "2025-11-22"),
        ("to", "2026-11-22"),
        ("names", "no"),
        ("names_reason", "prövat"),
    ];
    for (name, value) in more {
        fields.retain(|(own, _)| own != name);
        fields.push((name, value));
    }
    fields
}

#[tokio::test]
async fn an_extract_is_made_delivered_and_stands_in_the_next_one() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(LOG).await;
    let lookup = reader.look_up(&pages.story(5)).await;
    let form = format!("{lookup}/utdrag");
    let id = hidden(&reader.get(&form).await, "id");
    for (field, value) in [
        ("identity_check", ""),
        ("to", "2024-01-01"),
        ("names_reason", ""),
        ("requester", "guardian"),
    ] {
        let refused = reader.post(&form, &request(&id, &[(field, value)])).await;
        assert_eq!(refused.status, 422, "{field}");
    }
    let sent = reader.post(&form, &request(&id, &[])).await;
    let page = sent.header("location").unwrap().to_owned();
    reader.get(&page).await;
    let early = reader.post(&page, &[("step", "deliver"), ("way", "collected")]).await;
    assert_eq!(early.status, 422, "it is not made yet");
    assert_eq!(reader.post(&page, &[("step", "make")]).await.status, 303);
    let csv = text(&reader.get(&format!("{page}/fil/csv")).await);
    assert!(csv.contains("Läsa") && csv.contains("samma vårdgivare"), "{csv}");
    assert!(
        !csv.contains("Anna ") && !csv.starts_with("Nr,Tid,Enhet,Vårdgivare,Roll,Namn"),
        "no names: {csv}"
    );
    assert!(csv.contains("Administration"), "making it is in it: {csv}");
    let pdf = reader.get(&format!("{page}/fil/pdf")).await;
    assert!(pdf.body.starts_with(b"%PDF-1.7"));
    assert!(reader.get(&format!("{page}/fil/xlsx")).await.body.starts_with(b"PK"));
    let json: serde_json::Value =
        serde_json::from_slice(&reader.get(&format!("{page}/fil/json")).await.body).unwrap();
    assert!(
        json["rows"].as_array().unwrap().len() > 1 && json["code"].as_str().unwrap().len() == 24
    );
    // What comes later is not in it: its code stays.
    pages.service.set_clock("2026-11-22T12:01:00Z");
    reader.get(&lookup).await;
    let again: serde_json::Value =
        serde_json::from_slice(&reader.get(&format!("{page}/fil/json")).await.body).unwrap();
    assert_eq!(again["code"], json["code"]);
    assert_eq!(reader.get(&format!("{page}/fil/exe")).await.status, 404);
    let printed = "select count(*) from log_entries where system_id = 'SIGILL' and activity_type = 'Utskrift'";
    assert!(pages.service.database.count(printed).await >= 4);
    let letter = [("step", "deliver"), ("way", "letter")];
    assert_eq!(reader.post(&page, &letter).await.status, 422, "a letter has a number");
    assert_eq!(reader.post(&page, &[&letter[..], &[("letter", "RR1")]].concat()).await.status, 303);
    assert_eq!(reader.post(&page, &[&letter[..], &[("letter", "RR1")]].concat()).await.status, 422);
    // Another provider's extract does not exist.
    let mut elsewhere = pages.logged_in("SE2321000016-A12").await;
    assert_eq!(elsewhere.get(&page).await.status, 404);
}

#[tokio::test]
async fn an_embargo_leaves_posts_out_when_two_stand_behind_it() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(LOG).await;
    let number = pages.story(5);
    let lookup = reader.look_up(&number).await;
    let form = format!("{lookup}/utdrag");
    let id = hidden(&reader.get(&form).await, "id");
    let sent = reader.post(&form, &request(&id, &[("names", "yes")])).await;
    let page = sent.header("location").unwrap().to_owned();
    assert_eq!(reader.get(&format!("{page}/fil/csv")).await.status, 404, "it is not made");
    reader.get(&page).await;
    assert_eq!(reader.post(&page, &[("step", "make")]).await.status, 303);
    let before = text(&reader.get(&format!("{page}/fil/csv")).await);
    let employee = &pages.region.staff[pages.region.units[3].staff[0]];
    assert!(before.contains(&employee.name), "{before}");
    let embargo = format!("{lookup}/embargo");
    reader.get(&embargo).await;
    for wrong in [
        vec![("employee", ""), ("reason", "x")],
        vec![("employee", &*employee.id), ("reason", "")],
        vec![("employee", &*employee.id), ("reason", "x"), ("until", "2027-11-22")],
    ] {
        assert_eq!(reader.post(&embargo, &wrong).await.status, 422, "{wrong:?}");
    }
    let fields = [("employee", &*employee.id), ("reason", "utredning"), ("told", "yes")];
    assert_eq!(reader.post(&embargo, &fields).await.status, 303);
    assert_eq!(reader.post(&embargo, &fields).await.status, 303, "pressing twice");
    let made = async |reader: &mut Reader| {
        let id = hidden(&reader.get(&form).await, "id");
        let sent = reader.post(&form, &request(&id, &[("names", "yes")])).await;
        let page = sent.header("location").unwrap().to_owned();
        reader.get(&page).await;
        assert_eq!(reader.post(&page, &[("step", "make")]).await.status, 303);
        let csv = text(&reader.get(&format!("{page}/fil/csv")).await);
        (page, csv)
    };
    let (_, alone) = made(&mut reader).await;
    assert!(alone.contains(&employee.name), "one person is not enough");
    reader.get("/embargo").await;
    let approve = [("number", "1"), ("step", "approve")];
    assert_eq!(reader.post("/embargo", &approve).await.status, 422, "not by who asked");
    pages.service.set_clock("2026-11-22T12:01:00Z");
    let mut other = pages.logged_in(SECURITY).await;
    other.get("/embargo").await;
    assert_eq!(other.post("/embargo", &[("number", "1"), ("step", "x")]).await.status, 404);
    assert_eq!(other.post("/embargo", &[("number", "2"), ("step", "approve")]).await.status, 404);
    assert_eq!(other.post("/embargo", &approve).await.status, 303);
    let settled = "select count(*) from log_entries where activity_level = 'embargo' and activity_type = 'Administration'";
    assert_eq!(pages.service.database.count(settled).await, 1, "it is in the log");
    let first = text(&reader.get(&format!("{page}/fil/csv")).await);
    assert_eq!(first, before, "what is made is not changed by what comes later");
    let (held_page, held) = made(&mut reader).await;
    assert!(!held.contains(&employee.name), "{held}");
    assert!(text(&reader.get(&held_page).await).contains("kompletterande utdrag"));
    let deliver = [("step", "deliver"), ("way", "collected")];
    assert_eq!(reader.post(&held_page, &deliver).await.status, 303);
    reader.get(&held_page).await;
    let early = reader.post(&held_page, &[("step", "supplement")]).await;
    assert!(early.status == 422 && text(&early).contains("Embargot gäller än"));
    pages.service.set_clock("2027-05-23T12:00:00Z");
    let mut reader = pages.logged_in(LOG).await;
    assert_eq!(text(&reader.get(&format!("{held_page}/fil/csv")).await), held);
    reader.get(&held_page).await;
    let more = reader.post(&held_page, &[("step", "supplement")]).await;
    let more = more.header("location").unwrap().to_owned();
    reader.get(&more).await;
    assert_eq!(reader.post(&more, &[("step", "make")]).await.status, 303);
    let after = text(&reader.get(&format!("{more}/fil/csv")).await);
    assert!(after.contains(&employee.name), "six months are over");
}

#[tokio::test]
async fn whom_an_embargo_is_about_neither_sees_nor_settles_it() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(LOG).await;
    let lookup = reader.look_up(&pages.story(5)).await;
    let embargo = format!("{lookup}/embargo");
    reader.get(&embargo).await;
    let fields = [("employee", SECURITY), ("reason", "utredning")];
    assert_eq!(reader.post(&embargo, &fields).await.status, 303);
    let mut own = pages.logged_in(SECURITY).await;
    assert!(!text(&own.get("/embargo").await).contains("utredning"));
    for step in ["approve", "end"] {
        assert_eq!(own.post("/embargo", &[("number", "1"), ("step", step)]).await.status, 404);
    }
    let open = "select count(*) from embargoes where approved_by is null and ended_at is null";
    assert_eq!(pages.service.database.count(open).await, 1);
}

#[tokio::test]
async fn children_and_guardians() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(LOG).await;
    let lookup = reader.look_up(&pages.story(10)).await;
    let form = format!("{lookup}/utdrag");
    let id = hidden(&reader.get(&form).await, "id");
    let guardian = [("requester", "guardian"), ("requester_name", "Mor")];
    assert_eq!(reader.post(&form, &request(&id, &guardian)).await.status, 303, "under 13");
}

#[tokio::test]
async fn five_kinds_of_reports_are_queued_made_and_taken_out() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(LOG).await;
    let story = pages.story(5);
    reader.get("/loggrapporter").await;
    let missing = reader.post("/loggrapporter", &[("kind", "patient")]).await;
    assert!(missing.status == 422 && text(&missing).contains("Skriv varför rapporten tas ut."));
    for (kind, more) in [
        ("patient", ("number", &*story)),
        ("user", ("user", "SE2321000016-P0001")),
        ("unit", ("unit", "SE2321000016-U001")),
        ("information", ("name", "andras")),
        ("provider", ("name", "allt")),
    ] {
        let fields = [
            ("kind", kind),
            ("from", "2026-10-01"),
            ("to", "2026-11-22"),
            ("matter", "kontroll"),
            more,
        ];
        let sent = reader.post("/loggrapporter", &fields).await;
        let page =
            sent.header("location").unwrap_or_else(|| panic!("{kind}: {}", text(&sent))).to_owned();
        assert!(text(&reader.get(&page).await).contains("Tas fram"), "{kind}");
        let store = &pages.service.services.store;
        store.make_report(page.rsplit('/').next().unwrap().parse().unwrap(), 10_000).await.unwrap();
        let made = text(&reader.get(&page).await);
        assert!(made.contains("Klar"), "{kind}: {made}");
        for form in ["csv", "xlsx", "pdf", "xml"] {
            let file = reader.get(&format!("{page}/fil/{form}")).await;
            assert!(file.status == 200 && !file.body.is_empty(), "{kind} {form}");
        }
        let csv = text(&reader.get(&format!("{page}/fil/csv")).await);
        assert!(csv.lines().count() > 1 || kind == "information", "{kind}: {csv}");
        let mut other = pages.logged_in("SE2321000016-A12").await;
        assert_eq!(other.get(&page).await.status, 404, "it is its orderer's");
    }
    let address = "select count(*) from log_entries where system_id = 'SIGILL' and activity_args = 'kontroll'";
    assert!(pages.service.database.count(address).await > 20);
}

/// What the store gives back is what it was given.
#[tokio::test]
async fn an_extract_is_kept_as_it_was_asked_for() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(LOG).await;
    let lookup = reader.look_up(&pages.story(5)).await;
    let form = format!("{lookup}/utdrag");
    let id = hidden(&reader.get(&form).await, "id");
    reader.post(&form, &request(&id, &[("case", "Ä-1")])).await;
    let store = &pages.service.services.store;
    let tenant = store.tenant("default").await.unwrap();
    let provider = sigill::domain::identity::HsaId::new("SE2321000016-V01").unwrap();
    let found: StoredExtract =
        store.extract(tenant, &provider, id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(
        (found.case_text.as_str(), found.requester.as_str(), found.names),
        ("Ä-1", "patient", false)
    );
    assert_eq!(found.from_on.to_string(), "2025-11-22");
}
