//! Several at one review at once, forms that are sent twice, and processes that died in between.

use super::review::{DRAWN, UNIT, at, between, busy, plan, rounds, the_review};
use super::{LOG, REVIEWER, hidden, text};

#[tokio::test]
async fn what_was_judged_meanwhile_is_not_overwritten() {
    let pages = busy().await;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "all", "").await;
    pages.service.set_clock(DRAWN);
    rounds(&pages.site.people, at(DRAWN)).await;
    let mut reviewer = pages.logged_in(REVIEWER).await;
    let path = the_review(&mut reviewer).await;
    let list = text(&reviewer.get(&path).await);
    let visits = between(&list, "name=\"visit\" value=\"", "\"");
    let visit = format!("{path}/tillfalle/{}", visits[0]);
    let mut admin = pages.logged_in(LOG).await;
    admin.get(&visit).await;
    let remark = [("step", "judge"), ("judgement", "remark"), ("text", "Oklart."), ("seen", "0")];
    assert_eq!(admin.post(&visit, &remark).await.status, 303);
    // The same form again, and the list as it was before.
    let again = admin.post(&visit, &remark).await;
    assert!(text(&again).contains("har ändrats"), "{}", text(&again));
    let stale = reviewer.post(&path, &[("step", "judge"), ("visit", visits[0])]).await;
    assert!(stale.status == 422 && text(&stale).contains("har ändrats"));
    let all = visits.join(",");
    reviewer.post(&path, &[("step", "together"), ("visits", &all)]).await;
    let count = async |sql| pages.service.database.count(sql).await;
    assert_eq!(count("select count(*) from review_visits where judgement = 'remark'").await, 1);
    assert_eq!(count("select count(*) from cases").await, 1);
    assert_eq!(count("select count(*) from legal_holds").await, 1);
    // Taken back with a reason only.
    let page = reviewer.get(&visit).await;
    let seen = hidden(&page, "seen");
    let bare = [("step", "judge"), ("judgement", "no_remark"), ("seen", seen.as_str())];
    let refused = text(&reviewer.post(&visit, &bare).await);
    assert!(refused.contains("Skriv varför anmärkningen tas tillbaka."), "{refused}");
    // Only those that the form counted are judged together.
    let left = "select count(*) from review_visits where judgement is null";
    let before = count(left).await;
    reviewer.post(&path, &[("step", "together"), ("visits", "")]).await;
    assert_eq!(count(left).await, before);
}

#[tokio::test]
async fn those_without_a_flag_are_judged_together_by_the_pages_own_form() {
    let pages = busy().await;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "all", "").await;
    pages.service.set_clock(DRAWN);
    rounds(&pages.site.people, at(DRAWN)).await;
    let mut reviewer = pages.logged_in(REVIEWER).await;
    let path = the_review(&mut reviewer).await;
    let plain = "update review_visits set flags = '{}', class = 'own'
        where visit_number <> (select min(visit_number) from review_visits)";
    let asks = "update review_visits set flags = '{q3-own}'
        where visit_number = (select min(visit_number) from review_visits)";
    let pool = pages.service.database.pool().await;
    for sql in [plain, asks] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    let page = reviewer.get(&path).await;
    let visits = hidden(&page, "visits");
    let all = pages.service.database.count("select count(*) from review_visits").await;
    assert_eq!(i64::try_from(visits.split(',').count()).unwrap(), all - 1);
    let reply = reviewer.post(&path, &[("step", "together"), ("visits", &visits)]).await;
    assert_eq!(reply.status, 303, "{}", text(&reply));
    let left = "select count(*) from review_visits where judgement is null";
    assert_eq!(pages.service.database.count(left).await, 1);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_opens_one_control() {
    let pages = busy().await;
    let mut admin = pages.logged_in(LOG).await;
    let form = admin.get("/granskning/ny").await;
    let opening = super::hidden(&form, "opening");
    let fields = [
        ("employee", "SE2321000016-P0001"),
        ("from", "2026-10-01"),
        ("reason", "prov"),
        ("opening", opening.as_str()),
    ];
    let first = admin.post("/granskning/ny", &fields).await;
    let second = admin.post("/granskning/ny", &fields).await;
    assert!(first.header("location").is_some());
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(pages.service.database.count("select count(*) from reviews").await, 1);
    let list = text(&admin.get(first.header("location").unwrap()).await);
    assert!(list.contains("name=\"visit\""), "{list}");
    for wrong in ["Amina Björk", "nonsens åäö"] {
        let refused = admin.post("/granskning/ny", &[("employee", wrong), ("reason", "x")]).await;
        assert!(text(&refused).contains("HSA-id"), "{wrong}");
    }
}

#[tokio::test]
async fn what_a_process_left_undone_the_next_round_does_once() {
    let pages = busy().await;
    let people = &pages.site.people;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, UNIT, "all", "").await;
    pages.service.set_clock(DRAWN);
    let pool = pages.service.database.pool().await;
    // It died when the notice was in the log, and nobody had said so.
    people.owe_reviews(people.services.tenants.all()[0], at(DRAWN)).await.unwrap();
    people.announce_reviews(people.services.tenants.all()[0], at(DRAWN)).await.unwrap();
    sqlx::query(
        "update reviews set state = 'planned', announced_at = null where kind = 'systematic'",
    )
    .execute(&pool)
    .await
    .unwrap();
    rounds(people, at("2026-12-01T05:06:00Z")).await;
    let count = async |sql| pages.service.database.count(sql).await;
    let notices = "select count(*) from log_entries where activity_level = 'granskning: kungörelse av dragning'";
    assert_eq!(count(notices).await, 1, "it is found by its id");
    assert_eq!(
        count("select count(*) from reviews where kind = 'systematic' and state = 'listed'").await,
        1
    );
    let mut reviewer = pages.logged_in(REVIEWER).await;
    let page = text(&reviewer.get("/granskning").await);
    let number: i64 =
        sqlx::query_scalar("select review_number from reviews where kind = 'systematic'")
            .fetch_one(&pool)
            .await
            .unwrap();
    let path = format!("/granskning/{number}");
    assert!(page.contains(&path));
    let list = text(&reviewer.get(&path).await);
    for visit in between(&list, "name=\"visit\" value=\"", "\"") {
        reviewer.post(&path, &[("step", "judge"), ("visit", visit)]).await;
    }
    assert_eq!(reviewer.post(&path, &[("step", "conclude")]).await.status, 303);
    let ends = "select count(*) from log_entries where activity_type = 'Granskning' and activity_level = 'granskning: avslut'";
    assert_eq!(count(ends).await, 1);
    // It died before it had kept that the conclusion is sealed, and another before it was sealed at all.
    sqlx::query("update reviews set conclusion_sealed_at = null").execute(&pool).await.unwrap();
    let later = "2026-12-01T05:20:00Z";
    pages.service.set_clock(later);
    rounds(people, at(later)).await;
    assert_eq!(count(ends).await, 1);
    sqlx::query("update reviews set conclusion_sealed_at = null, conclusion_log_id = gen_random_uuid() where review_number = $1")
        .bind(number)
        .execute(&pool)
        .await
        .unwrap();
    rounds(people, at(later)).await;
    rounds(people, at(later)).await;
    assert_eq!(count(ends).await, 2);
}
