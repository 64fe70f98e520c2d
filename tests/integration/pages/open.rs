//! What everybody may read: statistics in which nobody can be seen, and how the service does.

use super::{OPERATOR, Pages, text};
use sigill::procedures::people::known_status::{Function, Working};

#[tokio::test]
async fn statistics_hide_small_numbers_on_the_page_and_in_every_file() {
    let pages = Pages::start().await;
    let people = &pages.site.people;
    pages.service.set_clock("2026-11-22T12:00:00Z");
    let mut months = 0;
    while people.fix_statistics().await.unwrap() {
        months += 1;
    }
    assert_eq!(months, 12);
    assert!(!people.fix_statistics().await.unwrap(), "what is fixed stays");
    let mut reader = pages.reader();
    let page = reader.get("/statistik").await;
    let shown = text(&page);
    assert_eq!(page.header("cache-control"), Some("public, max-age=300"));
    assert!(page.header("set-cookie").is_none());
    assert!(
        shown.contains("Region Norrvik") && shown.contains("&lt; 5") || shown.contains("&#60; 5"),
        "{shown}"
    );
    let csv = text(&reader.get("/statistik.csv").await);
    let json: Vec<serde_json::Value> =
        serde_json::from_slice(&reader.get("/statistik.json").await.body).unwrap();
    assert_eq!(json.len(), csv.lines().count() - 1, "page and files are made of one table");
    assert!(reader.get("/statistik.xlsx").await.body.starts_with(b"PK"));
    for row in &json {
        let (series, value) = (row["series"].as_str().unwrap(), row["value"].as_str().unwrap());
        let small = value.parse::<u64>().is_ok_and(|value| (1..5).contains(&value));
        assert!(series == "Loggposter" || !small, "{row}");
    }
    // A month that is not over is not told.
    assert!(!csv.contains("2026-11"), "{csv}");
}

#[tokio::test]
async fn the_status_is_the_probes_and_is_told_without_a_database() {
    let pages = Pages::start().await;
    let people = &pages.site.people;
    people.probe().await;
    let known = people.status.view();
    assert!(
        known.functions.iter().all(|(_, working, _)| *working == Working::Working),
        "{known:?}"
    );
    assert_eq!(known.functions.len(), Function::ALL.len());
    let mut reader = pages.reader();
    assert!(text(&reader.get("/driftstatus").await).contains("Fungerar"));
    // The probe goes on every minute; then the database is gone for ten.
    for minute in 1..=3 {
        pages.service.set_clock(&format!("2026-11-22T12:{minute:02}:00Z"));
        people.probe().await;
    }
    pages.service.services.store.close().await;
    pages.service.set_clock("2026-11-22T12:13:00Z");
    people.probe().await;
    let shown = text(&reader.get("/driftstatus").await);
    assert!(
        shown.contains("Avbrott") && shown.contains("100,00 %"),
        "the last known history: {shown}"
    );
    let json: serde_json::Value =
        serde_json::from_slice(&reader.get("/driftstatus.json").await.body).unwrap();
    assert_eq!(json["functions"][0]["state"], "interrupted");
}

#[tokio::test]
async fn time_without_a_probe_counts_unless_it_was_planned() {
    let pages = Pages::start().await;
    let people = &pages.site.people;
    let share = |people: &sigill::procedures::people::on_duty::People| {
        let known = people.status.view();
        known.months.last().unwrap().1[0].1.unwrap()
    };
    people.probe().await;
    pages.service.set_clock("2026-11-22T12:30:00Z");
    people.probe().await;
    pages.service.set_clock("2026-11-22T13:00:00Z");
    for minute in 30..60 {
        pages.service.set_clock(&format!("2026-11-22T12:{minute}:00Z"));
        people.probe().await;
    }
    pages.service.set_clock("2026-11-22T13:00:00Z");
    people.probe().await;
    assert!((share(people) - 50.0).abs() < 0.01, "{}", share(people));
    // It was planned, says an operator afterwards, with a reason.
    let mut reader = pages.logged_in(OPERATOR).await;
    reader.get("/drift/status").await;
    let stop = [
        ("step", "plan"),
        ("function", "all"),
        ("from", "2026-11-22"),
        ("from_time", "13:00"),
        ("to", "2026-11-22"),
        ("to_time", "13:30"),
    ];
    assert_eq!(reader.post("/drift/status", &stop).await.status, 422, "without a reason");
    let with = [&stop[..], &[("reason", "byte av disk")]].concat();
    assert_eq!(reader.post("/drift/status", &with).await.status, 303);
    assert!((share(people) - 100.0).abs() < 0.01, "{}", share(people));
    let events = "select count(*) from admin_events where kind = 'status'";
    assert_eq!(pages.service.database.count(events).await, 1);
    let shown = text(&reader.get("/driftstatus").await);
    assert!(shown.contains("byte av disk"));
}
