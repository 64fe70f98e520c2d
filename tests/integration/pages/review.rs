//! The review of the log as people do it: plan, draw, list, judgements, cases, watched patients, searches, proof.

use super::{AUDITOR, LOG, Pages, REVIEWER, Reader, SECURITY, text};
use crate::harness::Wishes;
use sigill::config::admin::Admin;
use sigill::demo::region::Size;
use sigill::domain::time::Timestamp;
use sigill::procedures::people::on_duty::People;
use std::collections::BTreeSet;

/// The first of the month after the region's life, after the draw.
pub const DRAWN: &str = "2026-12-01T05:05:00Z";
pub const UNIT: &str = "SE2321000016-U001";

pub fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// Rounds until nothing follows.
pub async fn rounds(people: &People, now: Timestamp) {
    for _ in 0..10 {
        if !people.review_round(now).await.unwrap() {
            return;
        }
    }
    panic!("rounds without end");
}

/// Judges every day that is over.
async fn nights(pages: &Pages) {
    let people = &pages.site.people;
    for tenant in people.services.tenants.all() {
        while people.judge_next_day(tenant, people.clock.now()).await.unwrap() {}
        people.tidy_reviews(tenant, people.clock.now()).await.unwrap();
        people.count_surnames(tenant, people.clock.now()).await.unwrap();
    }
}

/// A plan of a unit, made on its page.
pub async fn plan(admin: &mut Reader, unit: &str, mode: &str, share: &str) {
    let path = format!("/granskning/plan/{unit}");
    admin.get(&path).await;
    let fields = [
        ("mode", mode),
        ("share", share),
        ("reviewer", REVIEWER),
        ("deputy", "SE2321000016-P0001"),
    ];
    let reply = admin.post(&path, &fields).await;
    assert_eq!(reply.status, 303, "{}", text(&reply));
}

/// The only review that the reader sees.
pub async fn the_review(reader: &mut Reader) -> String {
    let page = text(&reader.get("/granskning").await);
    let all = between(&page, "href=\"/granskning/", "\"");
    let number = all.into_iter().find(|part| part.parse::<i64>().is_ok());
    format!("/granskning/{}", number.unwrap_or_else(|| panic!("{page}")))
}

pub fn between<'t>(text: &'t str, begins: &str, ends: &str) -> Vec<&'t str> {
    text.split(begins).skip(1).filter_map(|rest| rest.split(ends).next()).collect()
}

/// A region in which every unit has some visits a day.
pub async fn busy() -> Pages {
    let size = Size { posts: 40_000, ..Size::TINY };
    let pages = Pages::of_size(size, Wishes::default(), Admin::default(), None).await;
    // Whichever day is drawn, there is something to do: quiet days are taken out.
    let sql = "delete from log_entries e using (
            select (activity_at at time zone 'Europe/Stockholm')::date as day from log_entries where care_unit_id = $1
            group by 1 having count(distinct (user_id, patient_hash)) < 4) quiet
        where care_unit_id = $1 and (e.activity_at at time zone 'Europe/Stockholm')::date = quiet.day";
    sqlx::query(sql).bind(UNIT).execute(&pages.service.database.pool().await).await.unwrap();
    pages
}

/// Neither whole nor by its last four digits.
fn names_no_number(pages: &Pages, page: &str) {
    for patient in &pages.region.patients {
        let last_four = format!("-{}", &patient.number[8..]);
        assert!(!page.contains(&patient.number) && !page.contains(&last_four));
    }
}

#[tokio::test]
async fn a_unit_is_reviewed_from_plan_to_conclusion() {
    let pages = busy().await;
    let mut admin = pages.logged_in(LOG).await;
    let plans = text(&admin.get("/granskning/plan").await);
    assert!(plans.contains("2 enheter saknar granskningsplan."), "{plans}");
    plan(&mut admin, UNIT, "all", "").await;
    let people = &pages.site.people;
    // Nothing is owed before the first of the next month at six.
    rounds(people, at("2026-12-01T04:59:00Z")).await;
    assert_eq!(pages.service.database.count("select count(*) from reviews").await, 0);
    pages.service.set_clock(DRAWN);
    rounds(people, at(DRAWN)).await;
    let mut reviewer = pages.logged_in(REVIEWER).await;
    assert!(text(&reviewer.get("/").await).contains("Granskningar som väntar på dig: 1."));
    let path = the_review(&mut reviewer).await;
    let before = pages.views().await;
    let list = text(&reviewer.get(&path).await);
    assert_eq!(pages.views().await, before + 1, "the list is a look at patients");
    // R8: name and day of birth, no number, kind, activity or system.
    assert!(list.contains("född 19") || list.contains("född 20"), "{list}");
    for never in ["Journal Ett", "Läsa", "Labsvar", "Journaltext"] {
        assert!(!list.contains(never), "{never}: {list}");
    }
    names_no_number(&pages, &list);
    let visits: Vec<String> =
        between(&list, "name=\"visit\" value=\"", "\"").into_iter().map(str::to_owned).collect();
    assert!(visits.len() > 1, "{list}");
    let of = visits.len();
    // It is not concluded before all is judged.
    let refused = reviewer.post(&path, &[("step", "conclude")]).await;
    assert_eq!(refused.status, 422);
    assert!(text(&refused).contains(&format!("Kvar att bedöma: {of}.")));
    // By the script: one row, two figures.
    let row =
        reviewer.post(&path, &[("step", "judge"), ("visit", &visits[0]), ("row", "yes")]).await;
    assert_eq!(text(&row), format!("{{\"judged\":1,\"of\":{of}}}"));
    // Without it: back to the list, at the next row.
    let mut fields = vec![("step", "judge"), ("visit", visits[1].as_str())];
    let back = reviewer.post(&path, &fields).await;
    assert_eq!(back.status, 303);
    fields[1].1 = "999999";
    assert_eq!(reviewer.post(&path, &fields).await.status, 404);
    // A remark needs a text, and opens a case.
    let visit = format!("{path}/tillfalle/{}", visits[0]);
    let seen = super::hidden(&reviewer.get(&visit).await, "seen");
    let seen = ("seen", seen.as_str());
    let without = [("step", "judge"), ("judgement", "remark"), seen];
    assert!(
        text(&reviewer.post(&visit, &without).await).contains("Skriv vad anmärkningen gäller.")
    );
    let yes = [("step", "judge"), ("judgement", "no_remark"), ("yes", "2"), seen];
    let refused = text(&reviewer.post(&visit, &yes).await);
    assert!(refused.contains("Öppna en riktad kontroll, eller skriv varför"), "{refused}");
    let remark = [("step", "judge"), ("judgement", "remark"), ("text", "Oklart varför."), seen];
    assert_eq!(reviewer.post(&visit, &remark).await.status, 303);
    let told = text(&reviewer.get(&visit).await);
    assert_eq!(
        told.matches("Utan anmärkning</span>").count(),
        1,
        "every judgement is kept: {told}"
    );
    assert!(told.contains("Ärende 1"), "{told}");
    let hold = "select count(*) from legal_holds where lifted_at is null";
    assert_eq!(pages.service.database.count(hold).await, 1, "an open case keeps the posts");
    for visit in &visits[2..] {
        reviewer.post(&path, &[("step", "judge"), ("visit", visit)]).await;
    }
    let done = reviewer.post(&path, &[("step", "conclude"), ("conclusion", "Klart.")]).await;
    assert_eq!(done.status, 303, "{}", text(&done));
    let list = text(&reviewer.get(&format!("{path}?visa=alla")).await);
    assert!(list.contains("Med anmärkning") && list.contains("Klart."), "{list}");
    let again = reviewer.post(&path, &[("step", "judge"), ("visit", &visits[0])]).await;
    assert!(text(&again).contains("Granskningen är avslutad."));
    let sealed = "select count(*) from log_entries where activity_type = 'Granskning' and activity_level = 'granskning: avslut'
        and activity_args like '%med anmärkning%'";
    assert_eq!(pages.service.database.count(sealed).await, 1);
}

#[tokio::test]
async fn a_sample_replaces_who_was_not_there_and_the_full_log_needs_a_reason() {
    let pages = busy().await;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "sample", "20").await;
    let wrong = [("mode", "sample"), ("share", "4"), ("reviewer", REVIEWER), ("deputy", "")];
    let refused = admin.post(&format!("/granskning/plan/{UNIT}"), &wrong).await;
    assert!(text(&refused).contains("mellan 5 och 100 procent"), "{}", text(&refused));
    pages.service.set_clock(DRAWN);
    rounds(&pages.site.people, at(DRAWN)).await;
    let mut reviewer = pages.logged_in(REVIEWER).await;
    let path = the_review(&mut reviewer).await;
    let draw = text(&reviewer.get(&format!("{path}/dragning")).await);
    assert!(draw.contains("går inte att kontrollera"), "the log is not sealed here: {draw}");
    let drawn = draw.matches("Granskas</span>").count();
    let replaced = draw.matches("ersatt</span>").count();
    // 20 per cent of six, rounded up; fewer only where all six were tried.
    assert!(drawn == 2 || drawn == 1 && replaced == 5, "{draw}");
    let list = text(&reviewer.get(&path).await);
    assert_eq!(list.matches("scope=\"rowgroup\"").count(), drawn, "{list}");
    let visit = between(&list, "name=\"visit\" value=\"", "\"")[0];
    let visit = format!("{path}/tillfalle/{visit}");
    let page = text(&reviewer.get(&visit).await);
    assert!(!page.contains("Journal Ett") && page.contains("Varför behövs den"), "{page}");
    let blank = [("step", "disclose"), ("reason", "clarify"), ("why", " ")];
    assert_eq!(reviewer.post(&visit, &blank).await.status, 422);
    let why = [("step", "disclose"), ("reason", "clarify"), ("why", "Vilken tid?")];
    assert_eq!(reviewer.post(&visit, &why).await.status, 303);
    let page = text(&reviewer.get(&visit).await);
    assert!(page.contains("Journal Ett") && page.contains("I tillfället"), "{page}");
    let full = "select count(*) from log_entries where activity_level = 'granskning: full'";
    assert_eq!(pages.service.database.count(full).await, 1);
    // After an hour the reason is asked for again.
    pages.service.set_clock("2026-12-01T06:06:00Z");
    let mut later = pages.logged_in(REVIEWER).await;
    assert!(!text(&later.get(&visit).await).contains("Journal Ett"));
}

#[tokio::test]
async fn nobody_sees_a_review_of_oneself_or_another_units() {
    let pages = Pages::start().await;
    let mut admin = pages.logged_in(LOG).await;
    // Who reviews no unit opens no control.
    let mut reviewer = pages.logged_in(REVIEWER).await;
    reviewer.get("/granskning/ny").await;
    let about = [("employee", LOG), ("reason", "Grannar")];
    let refused = text(&reviewer.post("/granskning/ny", &about).await);
    assert!(refused.contains("Du granskar ingen enhet"), "{refused}");
    plan(&mut admin, UNIT, "all", "").await;
    let mut reviewer = pages.logged_in(REVIEWER).await;
    reviewer.get("/granskning/ny").await;
    let nobody = [("from", "2026-10-01"), ("to", "2026-11-22"), ("reason", "x")];
    assert_eq!(reviewer.post("/granskning/ny", &nobody).await.status, 422);
    let about =
        [("employee", LOG), ("from", "2026-10-01"), ("to", "2026-11-22"), ("reason", "Grannar")];
    let opened = reviewer.post("/granskning/ny", &about).await;
    let path = opened.header("location").unwrap().to_owned();
    assert_eq!(reviewer.get(&path).await.status, 200);
    assert_eq!(admin.get(&path).await.status, 404, "whom it is about");
    assert!(!text(&admin.get("/granskning?visa=alla").await).contains(&path));
    // Nor though only the patient was named: the administrator's look is among the visits.
    let number = pages.story(5);
    let lookup = admin.look_up(&number).await;
    admin.get(&lookup).await;
    let fields =
        [("patient", number.as_str()), ("anyway", "yes"), ("from", "2026-10-01"), ("reason", "x")];
    let opened = reviewer.post("/granskning/ny", &fields).await;
    let of_patient = opened.header("location").unwrap().to_owned();
    let list = text(&reviewer.get(&of_patient).await);
    assert!(list.contains("Lars Ek"), "{list}");
    assert_eq!(admin.get(&of_patient).await.status, 404);
    assert!(!text(&admin.get("/granskning?visa=alla").await).contains(&of_patient));
    let own = [("employee", REVIEWER), ("reason", "x")];
    let refused = text(&reviewer.post("/granskning/ny", &own).await);
    assert!(refused.contains("av dig själv"), "{refused}");
    for role in ["SE2321000016-P0002", AUDITOR, SECURITY] {
        let mut other = pages.logged_in(role).await;
        assert_eq!(other.get(&path).await.status, 403, "{role}");
    }
    // Another provider's reviewer.
    let mut other = pages.logged_in("SE2321000016-A14").await;
    assert_eq!(other.get(&path).await.status, 404);
    assert_eq!(other.post(&path, &[("step", "conclude")]).await.status, 404);
}

#[tokio::test]
async fn every_story_raises_the_question_that_it_should() {
    let size = Size { patients: 400, posts: 6_000, ..Size::TINY };
    let pages = Pages::of_size(size, Wishes::default(), Admin::default(), None).await;
    nights(&pages).await;
    let mut admin = pages.logged_in(LOG).await;
    for (story, asks) in [
        (0, "Egen journal?"),
        (1, "Samma efternamn, som 1 av"),
        (2, "Arbetskamrat? Patienten finns i personalkatalogen."),
        (4, "Ovanligt många? 35 patienter den dagen"),
        (5, "Registren säger: Trots spärr."),
        (7, "Registren säger: Grund saknas."),
        (9, "Nödöppning?"),
        (12, "Utanför arbetstid? Enheten har öppet 07.00–17.00."),
    ] {
        let lookup = admin.look_up(&pages.story(story)).await;
        let id = lookup.rsplit('/').next().unwrap().to_owned();
        admin.get(&format!("/granskning/ny?u={id}")).await;
        let fields = [
            ("lookup", id.as_str()),
            ("from", "2026-10-01"),
            ("to", "2026-11-22"),
            ("reason", "prov"),
        ];
        let opened = admin.post("/granskning/ny", &fields).await;
        let path =
            opened.header("location").unwrap_or_else(|| panic!("{}", text(&opened))).to_owned();
        let list = text(&admin.get(&path).await);
        assert!(list.contains(asks), "{story}: {asks}: {list}");
    }
}

#[tokio::test]
async fn no_innocent_access_of_ten_thousand_is_called_grave() {
    let size = Size { posts: 12_000, ..Size::TINY };
    let pages = Pages::of_size(size, Wishes::default(), Admin::default(), None).await;
    nights(&pages).await;
    let database = &pages.service.database;
    let judged = "select sum(posts)::bigint from verdict_days";
    assert!(database.count(judged).await > 11_000);
    let grave = "select count(*) from verdicts where class in ('against_block', 'no_ground')";
    assert_eq!(database.count(grave).await, 6);
    let planted: BTreeSet<String> = [5, 6, 7, 8, 9, 15].map(|story| pages.story(story)).into();
    let pool = database.pool().await;
    let found: Vec<String> = sqlx::query_scalar(
        "select distinct patient_extension from verdicts join log_entries using (entry_number)
         where class in ('against_block', 'no_ground')",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), planted);
    // What is kept carries the version of the rules, and is not judged again the same week.
    let versions = "select count(distinct rules_version) from verdicts";
    assert_eq!(database.count(versions).await, 1);
}

#[tokio::test]
async fn the_log_is_searched_by_verdict_and_no_address_names_anybody() {
    let pages = Pages::start().await;
    nights(&pages).await;
    let mut admin = pages.logged_in(LOG).await;
    admin.get("/logg").await;
    let too_long = [("from", "2026-09-01"), ("to", "2026-11-22")];
    assert!(text(&admin.post("/logg", &too_long).await).contains("högst 31 dagar"));
    let number = pages.story(7);
    let fields = [
        ("from", "2026-10-25"),
        ("to", "2026-11-22"),
        ("class", "no_ground"),
        ("patient", &number),
        ("anyway", "yes"),
    ];
    let found = admin.post("/logg", &fields).await;
    let path = found.header("location").unwrap().to_owned();
    assert!(path.starts_with("/logg/") && !path.contains(&number));
    let page = text(&admin.get(&path).await);
    assert!(page.contains("Grund saknas") && page.contains(&number[..8]), "{page}");
    assert_eq!(page.matches("Ingen registrerad grund hittades.").count(), 1, "{page}");
    let own = [("from", "2026-10-25"), ("to", "2026-11-22"), ("class", "own"), ("by_day", "yes")];
    let found = admin.post("/logg", &own).await;
    let path = found.header("location").unwrap().to_owned();
    let page = text(&admin.get(&path).await);
    assert!(page.contains("Per dag") && page.contains("2026-11-"), "{page}");
    // It is this login's.
    let mut other = pages.logged_in(SECURITY).await;
    assert_eq!(other.get(&path).await.status, 404);
    assert_eq!(pages.logged_in(REVIEWER).await.get("/logg").await.status, 403);
}
