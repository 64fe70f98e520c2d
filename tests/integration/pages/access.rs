//! Who may see which page, and that looking is logged before anything is shown.

use super::{AUDITOR, BLOCKS, CARE, LOG, OPERATOR, Pages, SECURITY, text};
use sigill::admin::PageMethod;
use sigill::admin::pages::{Logging, PAGES, Right};
use sigill::domain::people::roles::Role;

const EVERYBODY: [(&str, &[Role]); 6] = [
    (BLOCKS, &[Role::BlockAdmin]),
    (LOG, &[Role::LogAdmin]),
    (OPERATOR, &[Role::Operator]),
    (SECURITY, &[Role::Security]),
    (AUDITOR, &[Role::Auditor]),
    (CARE, &[Role::Care]),
];

/// A page's path with something in each place that changes.
fn filled(path: &str, lookup: &str) -> String {
    path.replace("/patient/{u}", lookup)
        .replace("{form}", "csv")
        .replace("{b}", "6161")
        .replace("{a}", "6161")
        .replace("{r}", "00000000-0000-4000-8000-000000000000")
        .replace("{x}", "00000000-0000-4000-8000-000000000000")
}

#[tokio::test]
async fn every_page_is_held_to_its_line_in_the_table() {
    let pages = Pages::start().await;
    let mut stranger = pages.reader();
    for page in PAGES {
        let path = filled(page.path, "/patient/00000000-0000-4000-8000-000000000000");
        let reply = stranger.get(&path).await;
        let sent_to_login = reply.header("location").is_some_and(|to| to.starts_with("/logga-in"));
        assert_eq!(sent_to_login, page.right != Right::Public, "{path}: {}", reply.status);
        assert!(reply.status < 500, "{path}");
    }
    for (employee, roles) in EVERYBODY {
        let mut reader = pages.logged_in(employee).await;
        let sees_patients = [Role::Care, Role::BlockAdmin, Role::LogAdmin];
        let lookup = match roles.iter().any(|role| sees_patients.contains(role)) {
            true => reader.look_up(&pages.story(5)).await,
            false => "/patient/00000000-0000-4000-8000-000000000000".to_owned(),
        };
        for page in PAGES {
            if page.path.starts_with("/logga-") || ["/uppdrag", "/sprak"].contains(&page.path) {
                continue;
            }
            let may = match page.right {
                Right::Roles(wanted) => roles.iter().any(|role| wanted.contains(role)),
                Right::Public | Right::LoggedIn | Right::OnDuty => true,
            };
            let before = pages.views().await;
            let path = filled(page.path, &lookup);
            let reply = reader.get(&path).await;
            assert_eq!(reply.status == 403, !may, "{employee} {path}: {}", reply.status);
            assert!(reply.status < 500, "{employee} {path}: {}", text(&reply));
            let is_logged = pages.views().await > before;
            let shows = page.log == Logging::Patients && reply.status == 200;
            assert!(is_logged || !shows, "{employee} {path} is shown and not logged");
            assert!(may || !is_logged, "{employee} {path} is logged and not shown");
        }
    }
}

#[tokio::test]
async fn looking_is_logged() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(BLOCKS).await;
    let path = reader.look_up(&pages.story(5)).await;
    assert_eq!(pages.views().await, 0, "a look-up shows nothing yet");
    let reply = reader.get(&path).await;
    assert_eq!(reply.status, 200, "{}", text(&reply));
    let sql = "select count(*) from log_entries where system_id = 'SIGILL' and activity_type = 'Läsa' and activity_level = 'översikt'
        and purpose = 'Administration' and user_id = 'SE2321000016-A01' and activity_args = 'Patienten är här' and resources = 2
        and patient_hash is not null";
    assert_eq!(pages.service.database.count(sql).await, 1);
    let own = reader.get("/mitt").await;
    assert!(text(&own).contains("/patient/{u}") && !text(&own).contains(&pages.story(5)));
}

#[tokio::test]
async fn what_cannot_be_logged_is_not_shown() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(BLOCKS).await;
    let path = reader.look_up(&pages.story(5)).await;
    let pool = pages.service.database.pool().await;
    sqlx::raw_sql(
        "create function full_up() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
         create trigger full_up before insert on log_entries for each row execute function full_up()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let reply = reader.get(&path).await;
    assert_eq!(reply.status, 503);
    assert!(text(&reply).contains("inte kan loggas"), "{}", text(&reply));
    let number = pages.story(5);
    assert!(!text(&reply).contains(&number[..8]));
    assert_eq!(reader.get("/driftstatus").await.status, 200);
}

#[tokio::test]
async fn a_role_ends_at_its_care_provider() {
    let pages = Pages::start().await;
    let mut here = pages.logged_in(BLOCKS).await;
    let path = here.look_up(&pages.story(5)).await;
    let own = text(&here.get(&path).await);
    assert!(own.contains("Inre spärr"), "{own}");
    // The same patient at another provider: that there is something, and nothing else.
    let mut elsewhere = pages.logged_in("SE2321000016-A11").await;
    let path = elsewhere.look_up(&pages.story(5)).await;
    let other = text(&elsewhere.get(&path).await);
    assert!(other.contains("spärrade uppgifter hos en annan vårdgivare"), "{other}");
    assert!(!other.contains("Inre spärr") && !other.contains("Region Norrvik"), "{other}");
    // Another login's look-up does not exist.
    assert_eq!(here.get(&path).await.status, 404);
}

#[tokio::test]
async fn operators_see_no_patients_and_no_number_is_in_any_address() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(OPERATOR).await;
    let numbers: Vec<&str> = pages.region.patients.iter().map(|p| p.number.as_str()).collect();
    for page in PAGES.iter().filter(|page| page.path.starts_with("/drift")) {
        let shown = text(&reader.get(page.path).await);
        assert!(!numbers.iter().any(|number| shown.contains(&number[..8])), "{}", page.path);
    }
    let mut reader = pages.logged_in(BLOCKS).await;
    let path = reader.look_up(&pages.story(5)).await;
    for path in [path.clone(), format!("{path}/sparrar"), "/enhet/sparrar".to_owned()] {
        let shown = text(&reader.get(&path).await);
        for address in shown.split(['"']).filter(|part| part.starts_with('/')) {
            assert!(!numbers.iter().any(|number| address.contains(&number[2..8])), "{address}");
        }
    }
}

#[tokio::test]
async fn a_form_without_its_token_changes_nothing() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(OPERATOR).await;
    let told = "select count(*) from service_messages";
    let fields = [("step", "tell"), ("words", "x")];
    let own = reader.token.clone();
    for token in [String::new(), "0".repeat(64), own.replace(|c: char| c != 'a', "a")] {
        reader.token = token;
        assert_eq!(reader.post("/drift/status", &fields).await.status, 403);
    }
    reader.token = own;
    let body = format!("form_token={}&step=tell&words=x", reader.token);
    for (site, origin) in [
        (Some("cross-site"), None),
        (Some("same-site"), None),
        (Some("none"), None),
        (None, Some("https://evil.example")),
        (None, None),
    ] {
        let mut request = reader.request(PageMethod::Post, "/drift/status", &body);
        request.fetch_site = site.map(str::to_owned);
        request.origin = origin.map(str::to_owned);
        let token = reader.token.clone();
        assert_eq!(reader.send(request).await.status, 403, "{site:?} {origin:?}");
        reader.token = token;
    }
    assert_eq!(pages.service.database.count(told).await, 0);
    assert_eq!(reader.post("/drift/status", &fields).await.status, 303);
    assert_eq!(pages.service.database.count(told).await, 1);
}

#[tokio::test]
async fn the_session_changes_at_login_and_with_rights() {
    let pages = Pages::start().await;
    let mut reader = pages.reader();
    reader.cookies.insert("sigill_dev".into(), "a".repeat(64));
    reader.post("/logga-in", &[("employee", BLOCKS)]).await;
    let first = reader.cookies["sigill_dev"].clone();
    assert_ne!(first, "a".repeat(64), "a session that was planted is not taken up");
    reader.get("/").await;
    let reply = reader.post("/uppdrag", &[("which", "0")]).await;
    assert_eq!(reply.status, 303);
    assert_ne!(reader.cookies["sigill_dev"], first, "rights come with another token");
    let mut thief = pages.reader();
    thief.cookies.insert("sigill_dev".into(), first);
    assert_eq!(thief.get("/").await.header("location"), Some("/logga-in?till=%2F"));
    let stored = "select count(*) from admin_sessions where encode(token_hash, 'hex') = any($1)";
    let pool = pages.service.database.pool().await;
    let tokens: Vec<&str> = reader.cookies.values().map(String::as_str).collect();
    let found: i64 = sqlx::query_scalar(stored).bind(tokens).fetch_one(&pool).await.unwrap();
    assert_eq!(found, 0, "tokens are kept as hashes");
}

#[tokio::test]
async fn sessions_end() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(BLOCKS).await;
    let path = reader.look_up(&pages.story(5)).await;
    pages.service.set_clock("2026-11-22T12:29:00Z");
    assert_eq!(reader.get("/").await.status, 200);
    pages.service.set_clock("2026-11-22T12:59:00Z");
    assert_eq!(reader.get("/").await.status, 303, "half an hour without use");
    let mut reader = pages.logged_in(BLOCKS).await;
    for hour in 13..23 {
        for minute in [0, 20, 40] {
            pages.service.set_clock(&format!("2026-11-22T{hour}:{minute:02}:00Z"));
            let is_over = hour == 22 && minute == 59;
            assert_eq!(reader.get("/").await.status, if is_over { 303 } else { 200 }, "{hour}");
        }
    }
    pages.service.set_clock("2026-11-22T22:59:00Z");
    assert_eq!(reader.get("/").await.status, 303, "ten hours");
    let mut reader = pages.logged_in(BLOCKS).await;
    assert_eq!(reader.get(&path).await.status, 404, "look-ups end with their login");
    let token = reader.cookies.clone();
    reader.post("/logga-ut", &[]).await;
    reader.cookies = token;
    assert_eq!(reader.get("/").await.status, 303, "after logging out the token is nothing");
}
