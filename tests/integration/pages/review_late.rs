//! What reaches the log, or the registers, late: it is judged and reviewed too; and what outsiders may not do to the review.

use super::review::{UNIT, at, between, plan, rounds, the_review};
use super::{LOG, Pages, REVIEWER, SECURITY, hidden, text};
use crate::harness::request;
use crate::logs::store_log;
use chrono::TimeDelta;
use sigill::domain::review::verdict::VerdictClass;
use sigill::domain::review::visit::NOTICE_LEVEL;

/// What a system tells of a reading at the region's first unit.
fn post(id: &str, activity: &str, patient: &str, at: &str) -> String {
    store_log(&[(id, activity)])
        .replace("191212121212", patient)
        .replace("SE2321000016-VG01", "SE2321000016-V01")
        .replace("SE2321000016-VE01", UNIT)
        .replace("SE2321000016-P001", "SE2321000016-P0009")
        .replace("2026-11-22T10:15:30.123", at)
}

async fn run(pages: &Pages, sql: &str) {
    let pool = pages.service.database.pool().await;
    sqlx::query(sql).execute(&pool).await.unwrap();
}

#[tokio::test]
async fn an_emergency_that_is_told_after_the_conclusion_has_an_item_of_its_own() {
    let pages = Pages::start().await;
    run(&pages, "update assertions set assertion_type = 'Consent'").await;
    run(&pages, "delete from log_entries where activity_type = 'Nödöppning'").await;
    let patient = pages.region.patients[3].number.clone();
    // Of Friday, as Monday morning has it.
    let friday = "2026-11-20T10:00:00";
    assert_eq!(pages.service.post(post("a", "Nödöppning", &patient, friday)).await.code(), "OK");
    let monday = at("2026-11-23T08:00:00Z");
    pages.service.set_clock("2026-11-23T08:00:00Z");
    rounds(&pages.site.people, monday).await;
    let count = async |sql: &str| pages.service.database.count(sql).await;
    let items = "select count(*) from reviews where kind = 'emergency'";
    assert_eq!(count(items).await, 1);
    let mut admin = pages.logged_in(LOG).await;
    let path = the_review(&mut admin).await;
    let list = text(&admin.get(&path).await);
    for visit in between(&list, "name=\"visit\" value=\"", "\"") {
        admin.post(&path, &[("step", "judge"), ("visit", visit)]).await;
    }
    assert_eq!(admin.post(&path, &[("step", "conclude")]).await.status, 303);
    // Another of that day comes two hours later, and one that is no emergency.
    pages.service.set_clock("2026-11-23T10:00:00Z");
    let other = pages.region.patients[4].number.clone();
    for (id, activity) in [("b", "Nödöppning"), ("c", "Läsa")] {
        let told = post(id, activity, &other, "2026-11-20T15:00:00");
        assert_eq!(pages.service.post(told).await.code(), "OK");
    }
    for _ in 0..2 {
        rounds(&pages.site.people, monday + TimeDelta::hours(2)).await;
        assert_eq!(count(items).await, 2, "once");
    }
    let posts = "select count(distinct entry_number) from review_visit_posts join review_visits using (visit_number)
        where review_number = (select max(review_number) from reviews)";
    assert_eq!(count(posts).await, 2, "the visit of the second only");
    let again = "select count(*) from review_visit_posts group by entry_number having count(*) > 1";
    let pool = pages.service.database.pool().await;
    assert!(sqlx::query(again).fetch_all(&pool).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_registered_emergency_that_is_read_of_late_is_reviewed_with_its_readings() {
    let pages = Pages::start().await;
    run(&pages, "delete from log_entries where activity_type = 'Nödöppning'").await;
    // One assertion of Friday, at the unit that reads.
    let one = "update assertions set assertion_type = case when assertion_number = (select min(assertion_number) from assertions)
            then 'Emergency' else 'Consent' end, stored_at = '2026-11-20T09:00:00Z',
        care_provider_id = 'SE2321000016-V01', care_unit_id = 'SE2321000016-U001'";
    run(&pages, one).await;
    let pool = pages.service.database.pool().await;
    let patient: String = sqlx::query_scalar(
        "select patient_extension from assertions where assertion_type = 'Emergency'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    run(&pages, "delete from log_entries where care_unit_id = 'SE2321000016-U001'").await;
    let monday = at("2026-11-23T08:00:00Z");
    pages.service.set_clock("2026-11-23T08:00:00Z");
    rounds(&pages.site.people, monday).await;
    let count = async |sql: &str| pages.service.database.count(sql).await;
    let items = "select count(*) from reviews where kind = 'emergency'";
    assert_eq!(count(items).await, 1);
    let mut admin = pages.logged_in(LOG).await;
    let path = the_review(&mut admin).await;
    let list = text(&admin.get(&path).await);
    let visit = between(&list, "name=\"visit\" value=\"", "\"")[0];
    admin.post(&path, &[("step", "judge"), ("visit", visit)]).await;
    assert_eq!(admin.post(&path, &[("step", "conclude")]).await.status, 303);
    pages.service.set_clock("2026-11-23T10:00:00Z");
    let told = post("a", "Läsa", &patient, "2026-11-20T15:00:00");
    assert_eq!(pages.service.post(told).await.code(), "OK");
    for hours in [2, 3, 4] {
        rounds(&pages.site.people, monday + TimeDelta::hours(hours)).await;
        assert_eq!(count(items).await, 2);
    }
    let posts = "select count(*) from review_visit_posts join review_visits using (visit_number)
        where review_number = (select max(review_number) from reviews)";
    assert_eq!(count(posts).await, 1);
}

#[tokio::test]
async fn a_watched_patient_who_is_read_of_late_is_reviewed_and_never_named() {
    let pages = Pages::start().await;
    let patient = &pages.region.patients[3];
    run(&pages, "delete from log_entries").await;
    let mut one = pages.logged_in(SECURITY).await;
    one.get("/bevakning").await;
    let fields = [
        ("step", "add"),
        ("patient", patient.number.as_str()),
        ("anyway", "yes"),
        ("kind", "public"),
        ("reason", "Känd"),
    ];
    // A double click is one entry.
    for _ in 0..2 {
        assert_eq!(one.post("/bevakning", &fields).await.status, 303);
    }
    let count = async |sql: &str| pages.service.database.count(sql).await;
    assert_eq!(count("select count(*) from watch_entries").await, 1);
    let entry = hidden(&one.get("/bevakning").await, "number");
    let mut second = pages.logged_in("SE2321000016-A07").await;
    second.get("/bevakning").await;
    second.post("/bevakning", &[("step", "approve"), ("number", entry.as_str())]).await;
    // It is ended on the day of the reading, and both come to be known on the next.
    let told = post("a", "Läsa", &patient.number, "2026-11-22T13:05:00")
        .replace("Tolvan Tolvansson", &patient.name);
    pages.service.set_clock("2026-11-22T12:10:00Z");
    assert_eq!(pages.service.post(told.clone()).await.code(), "OK");
    one.get("/bevakning").await;
    one.post("/bevakning", &[("step", "end"), ("number", entry.as_str())]).await;
    let next = at("2026-11-23T08:00:00Z");
    pages.service.set_clock("2026-11-23T08:00:00Z");
    rounds(&pages.site.people, next).await;
    let reviews =
        "select count(*) from reviews where kind = 'watch' and unit_id = 'SE2321000016-U001'";
    assert_eq!(count(reviews).await, 1);
    let mut admin = pages.logged_in(LOG).await;
    let path = the_review(&mut admin).await;
    let list = text(&admin.get(&path).await);
    assert!(list.contains("Bevakad patient") && !list.contains(&patient.name), "{list}");
    let visit = between(&list, "name=\"visit\" value=\"", "\"")[0];
    admin.post(&path, &[("step", "judge"), ("visit", visit)]).await;
    assert_eq!(admin.post(&path, &[("step", "conclude")]).await.status, 303);
    // Another reading of that day comes when its review is concluded: the day after it has one of its own.
    pages.service.set_clock("2026-11-23T12:00:00Z");
    let late = told.replace("<urn2:logId>a<", "<urn2:logId>b<").replace("13:05", "18:05");
    assert_eq!(pages.service.post(late).await.code(), "OK");
    rounds(&pages.site.people, at("2026-11-23T12:30:00Z")).await;
    assert_eq!(count(reviews).await, 1, "once a day");
    for hour in [8, 9] {
        rounds(&pages.site.people, next + TimeDelta::hours(16 + hour)).await;
        assert_eq!(count(reviews).await, 2);
    }
    let named = "select count(*) from review_visits v join reviews r using (review_number) where kind = 'watch' and not is_watched";
    assert_eq!(count(named).await, 0);
    // Who is watched is found by information security only.
    let search = [("from", "2026-11-20"), ("to", "2026-11-23"), ("flag", "4")];
    let mut admin = pages.logged_in(LOG).await;
    let form = text(&admin.get("/logg").await);
    assert!(!form.contains("<option value=\"4\""), "{form}");
    let refused = admin.post("/logg", &search).await;
    assert_eq!(refused.status, 422);
    assert!(text(&refused).contains("ser bara informationssäkerhet"), "{}", text(&refused));
    let mut one = pages.logged_in(SECURITY).await;
    one.get("/logg").await;
    assert_eq!(one.post("/logg", &search).await.status, 303);
}

#[tokio::test]
async fn a_post_that_came_after_its_day_was_judged_is_not_called_own() {
    let pages = Pages::start().await;
    let people = &pages.site.people;
    let tenant = people.services.tenants.all().into_iter().next().unwrap().clone();
    run(&pages, "delete from log_entries").await;
    let patient = &pages.region.patients[3].number;
    let night = async |at: &str| {
        pages.service.set_clock(at);
        people.tidy_reviews(&tenant, people.clock.now()).await.unwrap();
        while people.judge_next_day(&tenant, people.clock.now()).await.unwrap() {}
    };
    let told = |id: &str| post(id, "Läsa", patient, "2026-11-21T12:00:00");
    assert_eq!(pages.service.post(told("a")).await.code(), "OK");
    night("2026-11-22T12:30:00Z").await;
    pages.service.set_clock("2026-11-22T14:00:00Z");
    assert_eq!(pages.service.post(told("b")).await.code(), "OK");
    let mut admin = pages.logged_in(LOG).await;
    let found = async |admin: &mut super::Reader, class: &str| {
        admin.get("/logg").await;
        let fields =
            [("from", "2026-11-20"), ("to", "2026-11-22"), ("class", class), ("unit", UNIT)];
        let path = admin.post("/logg", &fields).await.header("location").unwrap().to_owned();
        text(&admin.get(&path).await).matches("Egen vårdgivare</span>").count()
    };
    let own = VerdictClass::Own.name();
    assert_eq!(found(&mut admin, own).await, 1, "the one that was judged");
    assert_eq!(found(&mut admin, "").await, 1);
    night("2026-11-23T12:30:00Z").await;
    let mut admin = pages.logged_in(LOG).await;
    assert_eq!(found(&mut admin, own).await, 2, "its day was judged again");
}

#[tokio::test]
async fn a_lift_of_a_copy_that_was_taken_back_later_lifted_then() {
    let pages = Pages::start().await;
    let from = "blocking/unregister_temporary_revoke/copy_of_a_revoke_is_removed";
    for step in [".given-1", ".given-2", ""] {
        assert_eq!(pages.service.post(request(&format!("{from}{step}"))).await.code(), "OK");
    }
    let store = &pages.service.services.store;
    let tenant = store.tenant("default").await.unwrap();
    let pool = pages.service.database.pool().await;
    let patient: String = sqlx::query_scalar(
        "select patient_key from blocks join temporary_revokes using (block_number) where cancelled_at is not null
         and not temporary_revokes.extended",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    let past = store.past_blocks(tenant, &[patient]).await.unwrap().it;
    let lifts: Vec<_> = past.iter().flat_map(|(_, lifts)| lifts).collect();
    assert!(lifts.iter().any(|lift| !lift.revoke.lifetime.stands()), "{lifts:?}");
}

#[tokio::test]
async fn a_request_whose_process_died_has_its_reviews_all_the_same() {
    let pages = Pages::start().await;
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
    assert_eq!(admin.post(&format!("{lookup}/utdrag"), &fields).await.status, 303);
    let reviews = "select count(*) from reviews where kind = 'patient_request'";
    let opened = pages.service.database.count(reviews).await;
    assert!(opened > 0);
    // As if it had died before it opened them.
    run(&pages, "delete from reviews where kind = 'patient_request'").await;
    run(&pages, "update extracts set reviews_opened_at = null").await;
    for _ in 0..2 {
        rounds(&pages.site.people, at("2026-11-22T12:05:00Z")).await;
        assert_eq!(pages.service.database.count(reviews).await, opened);
    }
}

#[tokio::test]
async fn outsiders_neither_hide_their_readings_nor_raise_alarms_of_draws() {
    let pages = Pages::start().await;
    let patient = &pages.region.patients[3].number;
    let as_ours = |id: &str, level: &str| {
        let level = format!("</urn2:activityType><urn2:activityLevel>{level}</urn2:activityLevel>");
        post(id, "Granskning", patient, "2026-11-21T12:00:00")
            .replace("</urn2:activityType>", &level)
            .replace("SE2321000016-S001", " sigill")
    };
    // As one of our own looks, and as a notice of a draw of whatever system.
    let notice = as_ours("c", NOTICE_LEVEL).replace(" sigill", "ANNAT");
    for pretended in [as_ours("a", "granskning: minimerad"), notice] {
        let refused = pages.service.post(pretended).await;
        assert_eq!(refused.code(), "VALIDATION_ERROR");
        let says = refused.text("resultText").unwrap();
        assert!(says.starts_with("StoreLog/log[1]/activity/activityLevel: "), "{says}");
    }
    // Names of systems and levels are anybody's otherwise.
    let other = as_ours("d", "granskning: minimerad").replace(" sigill", "ANNAT");
    for free in [as_ours("b", "annat"), other] {
        assert_eq!(pages.service.post(free).await.code(), "OK");
    }
}

#[tokio::test]
async fn a_suspicion_reaches_neither_its_patient_nor_anybody_outside() {
    let pages = Pages::start().await;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "all", "").await;
    let mut reviewer = pages.logged_in(REVIEWER).await;
    let number = pages.story(5);
    let read = post("a", "Läsa", &number, "2026-11-20T10:00:00");
    assert_eq!(pages.service.post(read).await.code(), "OK");
    reviewer.get("/granskning/ny").await;
    let fields =
        [("patient", number.as_str()), ("anyway", "yes"), ("from", "2026-10-01"), ("reason", "x")];
    let opened = reviewer.post("/granskning/ny", &fields).await;
    let path = opened.header("location").unwrap().to_owned();
    assert_eq!(admin.get(&path).await.status, 200);
    let list = text(&reviewer.get(&path).await);
    let visit = between(&list, "name=\"visit\" value=\"", "\"")[0].to_owned();
    let page = format!("{path}/tillfalle/{visit}");
    let seen = hidden(&reviewer.get(&page).await, "seen");
    let remark =
        [("step", "judge"), ("judgement", "remark"), ("text", "Oklart."), ("seen", seen.as_str())];
    assert_eq!(reviewer.post(&page, &remark).await.status, 303);
    let case = "/arenden/1";
    assert_eq!(admin.get(case).await.status, 200);
    // The directory has the administrator's own number, as a directory writes it.
    let key = "update directory_staff set person_key = (select patient_key from reviews limit 1) where employee_id = $1";
    let pool = pages.service.database.pool().await;
    sqlx::query(key).bind(LOG).execute(&pool).await.unwrap();
    assert_eq!(admin.get(&path).await.status, 404);
    assert_eq!(admin.get(case).await.status, 404);
    assert!(!text(&admin.get("/arenden").await).contains(case));
    assert_eq!(reviewer.get(case).await.status, 200, "who has opened it knows");
    // Reminders of it stay in the pages.
    rounds(&pages.site.people, at("2026-11-22T13:00:00Z")).await;
    let kept = "select count(*) from review_reminders join reviews using (review_number) where kind = 'suspicion'";
    assert_eq!(pages.service.database.count(kept).await, 1);
    let (store, tenant) =
        (&pages.service.services.store, pages.service.services.tenants.all().into_iter().next());
    let untold =
        store.untold_reminders(tenant.unwrap().id, at("2026-11-22T13:00:00Z")).await.unwrap();
    assert!(untold.iter().all(|row| row.kind != "suspicion"));
}

#[tokio::test]
async fn who_reviews_a_unit_now_has_its_reviews_and_the_former_reviewer_none() {
    let pages = Pages::start().await;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "all", "").await;
    pages.service.set_clock("2026-12-01T05:30:00Z");
    rounds(&pages.site.people, at("2026-12-01T05:30:00Z")).await;
    run(
        &pages,
        "update reviews set state = 'concluded', result = 'no_remark', concluded_at = now()",
    )
    .await;
    let mut reviewer = pages.logged_in(REVIEWER).await;
    let path = {
        let page = text(&reviewer.get("/granskning?visa=alla").await);
        format!(
            "/granskning/{}",
            between(&page, "href=\"/granskning/", "\"")
                .into_iter()
                .find(|part| part.parse::<i64>().is_ok())
                .unwrap()
        )
    };
    assert_eq!(reviewer.get(&path).await.status, 200);
    let mut admin = pages.logged_in(LOG).await;
    let of = format!("/granskning/plan/{UNIT}");
    admin.get(&of).await;
    let fields = [("mode", "all"), ("reviewer", "SE2321000016-P0001"), ("deputy", "")];
    assert_eq!(admin.post(&of, &fields).await.status, 303);
    assert_eq!(reviewer.get(&path).await.status, 404);
    assert_eq!(pages.logged_in("SE2321000016-P0001").await.get(&path).await.status, 200);
}

#[tokio::test]
async fn a_month_without_readings_is_concluded_and_sealed_as_empty() {
    let pages = Pages::start().await;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "all", "").await;
    run(&pages, "delete from log_entries where care_unit_id = 'SE2321000016-U001'").await;
    pages.service.set_clock("2026-12-01T05:30:00Z");
    rounds(&pages.site.people, at("2026-12-01T05:30:00Z")).await;
    let sealed = "select count(*) from log_entries where activity_level = 'granskning: avslut'
        and activity_args like '%: tom, 0 tillf%' and care_unit_id = 'SE2321000016-U001'";
    assert_eq!(pages.service.database.count(sealed).await, 1);
}
