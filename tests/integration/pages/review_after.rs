//! What follows a review: cases, late posts, retention, proof; and reviews that are opened by themselves.

use super::review::{DRAWN, UNIT, at, between, busy, plan, rounds, the_review};
use super::{AUDITOR, LOG, Pages, REVIEWER, SECURITY, hidden, text};
use sigill::peers::connection::{Peer, PeerSettings};
use sigill::peers::notice::NoticeService;
use sigill::procedures::review::settings::ReviewSettings;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

#[tokio::test]
async fn two_persons_watch_a_patient_and_the_reviewer_sees_only_that() {
    let pages = Pages::start().await;
    // Of the region's rules: two persons of information security.
    let mut one = pages.logged_in(SECURITY).await;
    one.get("/bevakning").await;
    let number = pages.story(14);
    let fields = [
        ("step", "add"),
        ("patient", number.as_str()),
        ("anyway", "yes"),
        ("kind", "public"),
        ("reason", "Känd"),
    ];
    assert_eq!(one.post("/bevakning", &fields).await.status, 303);
    let page = one.get("/bevakning").await;
    let entry = hidden(&page, "number");
    let approve = [("step", "approve"), ("number", entry.as_str())];
    let refused = text(&one.post("/bevakning", &approve).await);
    assert!(refused.contains("av någon annan"), "{refused}");
    // Nobody of another provider's.
    let mut other = pages.logged_in("SE2321000016-A15").await;
    other.get("/bevakning").await;
    assert_eq!(other.post("/bevakning", &approve).await.status, 404);
    let mut second = pages.logged_in("SE2321000016-A07").await;
    second.get("/bevakning").await;
    assert_eq!(second.post("/bevakning", &approve).await.status, 303);
    let pool = pages.service.database.pool().await;
    // The story's reading was five days ago; the entry held by then.
    sqlx::query("update watch_entries set approved_at = '2026-11-11T12:00:00Z'")
        .execute(&pool)
        .await
        .unwrap();
    rounds(&pages.site.people, at("2026-11-22T12:00:00Z")).await;
    let mut admin = pages.logged_in(LOG).await;
    let path = the_review(&mut admin).await;
    let list = text(&admin.get(&path).await);
    assert!(list.contains("Bevakad patient") && list.contains("Riktad: bevakning"), "{list}");
    let name = &pages.region.patients[sigill::demo::stories::patient(&pages.region, 14)].name;
    assert!(!list.contains(name.as_str()), "{list}");
    for role in [LOG, REVIEWER] {
        assert_eq!(pages.logged_in(role).await.get("/bevakning").await.status, 403, "{role}");
    }
    // Once a day.
    rounds(&pages.site.people, at("2026-11-22T13:00:00Z")).await;
    assert_eq!(pages.service.database.count("select count(*) from reviews").await, 1);
}

#[tokio::test]
async fn emergencies_are_items_of_the_next_working_day_and_requests_open_reviews() {
    let pages = Pages::start().await;
    let people = &pages.site.people;
    rounds(people, at("2026-11-22T12:00:00Z")).await;
    let items = "select count(*) from reviews where kind = 'emergency'";
    let first = pages.service.database.count(items).await;
    rounds(people, at("2026-11-22T12:30:00Z")).await;
    assert_eq!(pages.service.database.count(items).await, first, "once each");
    let expected = "select count(*) from (select distinct lower(care_unit_id), (activity_at at time zone 'Europe/Stockholm')::date
        from log_entries where activity_type = 'Nödöppning' and activity_at >= '2026-11-11T23:00:00Z'
            and activity_at < '2026-11-19T23:00:00Z'
        union select distinct lower(care_unit_id), (stored_at at time zone 'Europe/Stockholm')::date from assertions
        where assertion_type = 'Emergency' and stored_at >= '2026-11-11T23:00:00Z' and stored_at < '2026-11-19T23:00:00Z') d";
    // Friday's come on Monday.
    assert_eq!(first, pages.service.database.count(expected).await);
    let empty = "select count(*) from reviews r where kind = 'emergency' and not exists (
        select from review_visits v where v.review_number = r.review_number)";
    assert_eq!(pages.service.database.count(empty).await, 0);
    // A patient asks for the log: each unit that read has a review.
    let mut admin = pages.logged_in(LOG).await;
    let lookup = admin.look_up(&pages.story(5)).await;
    let form = admin.get(&format!("{lookup}/utdrag")).await;
    let id = hidden(&form, "id");
    let fields = [
        ("id", id.as_str()),
        ("requester", "patient"),
        ("identity_check", "id-kort"),
        ("from", "2026-01-01"),
        ("to", "2026-11-22"),
        ("names", "no"),
        ("names_reason", "prov"),
    ];
    let reply = admin.post(&format!("{lookup}/utdrag"), &fields).await;
    assert_eq!(reply.status, 303, "{}", text(&reply));
    // The unit that read despite the block, and the administrator's own.
    let requested = "select count(*) from reviews where kind = 'patient_request' and provider_key = 'se2321000016-v01'
        and unit_key in ('se2321000016-u001', 'se2321000016-u004')";
    assert_eq!(pages.service.database.count(requested).await, 2);
}

#[tokio::test]
async fn a_case_is_a_story_that_closes_when_all_is_answered() {
    let pages = Pages::start().await;
    let mut admin = pages.logged_in(LOG).await;
    let lookup = admin.look_up(&pages.story(5)).await;
    let id = lookup.rsplit('/').next().unwrap().to_owned();
    admin.get(&format!("/granskning/ny?u={id}")).await;
    let fields =
        [("lookup", id.as_str()), ("from", "2026-10-01"), ("to", "2026-11-22"), ("reason", "prov")];
    let path = admin.post("/granskning/ny", &fields).await.header("location").unwrap().to_owned();
    let list = text(&admin.get(&path).await);
    let visit = format!("{path}/tillfalle/{}", between(&list, "name=\"visit\" value=\"", "\"")[0]);
    let remark = [("step", "judge"), ("judgement", "remark"), ("text", "Läste trots spärr.")];
    assert_eq!(admin.post(&visit, &remark).await.status, 303);
    let cases = text(&admin.get("/arenden").await);
    assert!(cases.contains("Läste trots spärr."), "{cases}");
    let case = "/arenden/1";
    let page = text(&admin.get(case).await);
    assert!(page.contains("Nästa steg: Under utredning") && !page.contains("Nästa steg: Avslutat"));
    let skip = [("step", "closed"), ("text", "x")];
    assert!(text(&admin.post(case, &skip).await).contains("kan inte gå dit"));
    for (step, more) in [("inquiry", ""), ("confirmed", "")] {
        let fields = [("step", step), ("text", "Så här var det."), ("number", more)];
        assert_eq!(admin.post(case, &fields).await.status, 303, "{step}");
    }
    let page = text(&admin.get(case).await);
    assert!(page.contains("senast 2026-11-25 13.00"), "72 hours: {page}");
    let close = [("step", "closed"), ("text", "Klart.")];
    let refused = text(&admin.post(case, &close).await);
    assert!(refused.contains("Besvara: Vem i verksamhetens ledning har informerats?"), "{refused}");
    let mut all = vec![("step", "closed"), ("text", "Klart.")];
    for field in ["head", "head_at", "labour", "police_why", "breach", "patient"] {
        all.push((field, "besvarat"));
    }
    all.push(("police", "nej"));
    assert_eq!(admin.post(case, &all).await.status, 303);
    let holds = "select count(*) from legal_holds where lifted_at is null";
    assert_eq!(pages.service.database.count(holds).await, 0, "the hold goes with the case");
    let note = [("step", "note"), ("text", "Protokoll arkiverat.")];
    assert_eq!(admin.post(case, &note).await.status, 303);
    let story = text(&admin.get(case).await);
    for told in ["Läste trots spärr.", "Bekräftat intrång", "besvarat", "Protokoll arkiverat."]
    {
        assert!(story.contains(told), "{told}: {story}");
    }
    let reopen = [("step", "inquiry"), ("text", "Ny uppgift.")];
    assert_eq!(admin.post(case, &reopen).await.status, 303);
    assert_eq!(pages.service.database.count(holds).await, 1);
    // Whom it is about, and who reviews other units, see nothing of it.
    assert_eq!(pages.logged_in(REVIEWER).await.get(case).await.status, 404);
    assert_eq!(pages.logged_in(SECURITY).await.get(case).await.status, 200);
}

#[tokio::test]
async fn the_proof_report_is_the_same_twice_and_after_what_comes_later() {
    let pages = Pages::start().await;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "all", "").await;
    pages.service.set_clock(DRAWN);
    rounds(&pages.site.people, at(DRAWN)).await;
    // The month goes by, and nothing is done.
    let january = "2027-01-04T10:00:00Z";
    pages.service.set_clock(january);
    rounds(&pages.site.people, at(january)).await;
    let mut auditor = pages.logged_in(AUDITOR).await;
    let page = text(&auditor.get("/uppfoljning?manad=2026-12").await);
    assert!(page.contains("Akutmottagningen"), "{page}");
    assert_eq!(auditor.get("/uppfoljning?manad=2027-01").await.status, 422, "it is not over");
    let mut files = Vec::new();
    for form in ["pdf", "xlsx", "csv"] {
        let path = format!("/uppfoljning/2026-12/fil/{form}");
        let one = auditor.get(&path).await;
        assert_eq!(one.status, 200, "{form}");
        pages.service.set_clock("2027-01-04T10:20:00Z");
        assert_eq!(one.body, auditor.get(&path).await.body, "{form}");
        pages.service.set_clock(january);
        files.push((path, one.body));
    }
    let csv = String::from_utf8(files[2].1.clone()).unwrap();
    assert!(csv.contains("Akutmottagningen,1,1,0,0,0,1,"), "{csv}");
    for employee in &pages.region.staff {
        assert!(!csv.contains(&employee.name) && !csv.contains(&employee.id));
    }
    // It lapsed, and is concluded late.
    let mut reviewer = pages.logged_in(REVIEWER).await;
    assert!(text(&reviewer.get("/").await).contains("Av dem har förfallit: 1."));
    let page = text(&reviewer.get("/granskning?visa=forfallna").await);
    let number =
        between(&page, "href=\"/granskning/", "\"").into_iter().find(|n| n.parse::<i64>().is_ok());
    let path = format!("/granskning/{}", number.unwrap());
    let list = text(&reviewer.get(&path).await);
    for visit in between(&list, "name=\"visit\" value=\"", "\"") {
        reviewer.post(&path, &[("step", "judge"), ("visit", visit)]).await;
    }
    assert_eq!(reviewer.post(&path, &[("step", "conclude")]).await.status, 303);
    assert!(text(&reviewer.get(&path).await).contains("Utan anmärkning, sent"));
    for (path, body) in files {
        assert_eq!(auditor.get(&path).await.body, body, "{path}");
    }
    let steps = "select count(*) from review_reminders";
    assert!(pages.service.database.count(steps).await >= 2, "listed, and late");
}

#[tokio::test]
async fn posts_that_come_late_are_appended_with_a_mark_before_the_end() {
    let pages = Pages::start().await;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "all", "").await;
    pages.service.set_clock(DRAWN);
    rounds(&pages.site.people, at(DRAWN)).await;
    let mut reviewer = pages.logged_in(REVIEWER).await;
    let path = the_review(&mut reviewer).await;
    let list = text(&reviewer.get(&path).await);
    for visit in between(&list, "name=\"visit\" value=\"", "\"") {
        reviewer.post(&path, &[("step", "judge"), ("visit", visit)]).await;
    }
    // A post of the day that had not come; as if it had been listed without it.
    let pool = pages.service.database.pool().await;
    let taken = "delete from review_visit_posts where (visit_number, entry_number) in (
        select visit_number, entry_number from review_visit_posts order by visit_number limit 1)";
    sqlx::query(taken).execute(&pool).await.unwrap();
    let refused = text(&reviewer.post(&path, &[("step", "conclude")]).await);
    assert!(refused.contains("1 tillfälle har kommit in efter att listan gjordes"), "{refused}");
    let list = text(&reviewer.get(&path).await);
    assert!(list.contains("Kom in senare"), "{list}");
    let visit = between(&list, "name=\"visit\" value=\"", "\"")[0];
    reviewer.post(&path, &[("step", "judge"), ("visit", visit)]).await;
    assert_eq!(reviewer.post(&path, &[("step", "conclude")]).await.status, 303);
}

#[tokio::test]
async fn r25_what_retention_removes_leaves_the_list_and_counts_stay() {
    let pages = busy().await;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "all", "").await;
    pages.service.set_clock(DRAWN);
    rounds(&pages.site.people, at(DRAWN)).await;
    let (store, pool) = (&pages.service.services.store, pages.service.database.pool().await);
    let review: i64 =
        sqlx::query_scalar("select min(review_number) from reviews where kind = 'systematic'")
            .fetch_one(&pool)
            .await
            .unwrap();
    let listed = store.posts_of_review(review).await.unwrap();
    let counted = "select sum(posts)::bigint from review_visits v join reviews using (review_number) where kind = 'systematic'";
    let posts = pages.service.database.count(counted).await;
    let gone: BTreeSet<i64> = listed.iter().copied().take(2).collect();
    // As retention does, when its time has come.
    sqlx::query("delete from log_entries where entry_number = any($1)")
        .bind(gone.iter().copied().collect::<Vec<_>>())
        .execute(&pool)
        .await
        .unwrap();
    let tenant = store.tenant("default").await.unwrap();
    assert_eq!(store.forget_removed_posts(tenant, at(DRAWN)).await.unwrap(), 2);
    let left = store.posts_of_review(review).await.unwrap();
    assert_eq!(left, listed.difference(&gone).copied().collect());
    assert_eq!(pages.service.database.count(counted).await, posts, "counts stay");
}

#[tokio::test]
async fn reminders_are_told_until_they_are_taken_and_name_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (to, mut told) = mpsc::unbounded_channel();
    // Refuses the first, takes the others.
    tokio::spawn(async move {
        for status in ["503 Busy", "204 Taken", "204 Taken", "204 Taken", "204 Taken"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            while !text.ends_with('}') {
                let mut bytes = [0; 4096];
                let read = stream.read(&mut bytes).await.unwrap();
                text.push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
            let reply =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(reply.as_bytes()).await.unwrap();
            to.send(text.split("\r\n\r\n").nth(1).unwrap().to_owned()).unwrap();
        }
    });
    let mut pages = busy().await;
    let peer = Peer::new(&PeerSettings {
        base: format!("http://{address}/hook"),
        ca_file: None,
        identity: None,
        timeout: Duration::from_secs(5),
        consumer: None,
    });
    let notices = Some(Arc::new(NoticeService::new(peer.unwrap())));
    Arc::get_mut(&mut pages.site.people).unwrap().review =
        ReviewSettings { notices, ..ReviewSettings::default() };
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "all", "").await;
    plan(&mut admin, "SE2321000016-U004", "all", "").await;
    // The rest of the region's emergencies are not this test's.
    let pool = pages.service.database.pool().await;
    for sql in [
        "update assertions set assertion_type = 'Consent'",
        "delete from log_entries where activity_type = 'Nödöppning'",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    pages.service.set_clock(DRAWN);
    rounds(&pages.site.people, at(DRAWN)).await;
    let first = told.recv().await.unwrap();
    assert!(first.contains("\"step\":\"listed\""), "{first}");
    let second = told.recv().await.unwrap();
    assert!(second.contains("\"step\":\"listed\"") && second != first, "one holds up no other");
    assert!((first.clone() + &second).contains(UNIT), "{first} {second}");
    let untold = "select count(*) from review_reminders where told_at is null";
    assert_eq!(pages.service.database.count(untold).await, 1, "what is refused waits");
    rounds(&pages.site.people, at(DRAWN) + chrono::TimeDelta::minutes(61)).await;
    assert_eq!(pages.service.database.count(untold).await, 0, "a later round has told it again");
    assert_eq!(told.recv().await.unwrap(), first);
    for employee in &pages.region.staff {
        assert!(!first.contains(&employee.id));
    }
    rounds(&pages.site.people, at("2026-12-07T08:00:00Z")).await;
    let due = told.recv().await.unwrap();
    assert!(
        due.contains("\"step\":\"due\"") && due.contains("\"to\":[\"reviewer\",\"deputy\"]"),
        "{due}"
    );
}
