//! A year of reviews of a demonstration, by the procedures that make them elsewhere: every unit has its plan, and each month its
//! notice, draw, list, judgements and conclusion. A few are late, one has lapsed, two wait.

use crate::config::tenant::DEMO_TENANT;
use crate::demo::region::{Region, SEED, Size};
use crate::demo::stories;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::review::calendar::{ReviewMonth, begins};
use crate::domain::review::lifecycle::conclusion;
use crate::domain::review::watch::{WatchKind, latest};
use crate::domain::time::{Timestamp, local};
use crate::procedures::failure::StoreError;
use crate::procedures::people::on_duty::{People, SharedPeople};
use crate::procedures::tenants::Tenant;
use crate::store::review::cases::{NewCase, NewCaseEvent};
use crate::store::review::judgements::{CaseOfRemark, JudgedBy, NewJudgement, StoredJudgement};
use crate::store::review::plans::StoredPlan;
use crate::store::review::reviews::StoredReview;
use crate::store::review::visits::StoredVisit;
use chrono::{Days, NaiveDate, SubsecRound, TimeDelta};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// Months of reviews, with the current one.
const MONTHS: usize = 12;
/// How often it is looked whether the log has signed what decides, and for how long.
const STEP: Duration = Duration::from_millis(500);
const STEPS: usize = 240;
/// Who judges in a demonstration.
const REVIEWER: &str = "Nils Grahn";
/// Every so many flagged visits has a remark.
const REMARKS: usize = 60;

/// Makes a year of reviews, unless there are plans already.
pub async fn run(people: SharedPeople, mut stop: watch::Receiver<bool>) {
    let made = tokio::select! {
        made = year(&people) => made,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match made {
        Ok(true) => tracing::info!("the demonstration has a year of reviews"),
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "the demonstration has no reviews"),
    }
}

async fn year(people: &People) -> Result<bool, StoreError> {
    let tenants = people.services.tenants.all();
    let Some(tenant) = tenants.into_iter().find(|tenant| &*tenant.name == DEMO_TENANT) else {
        return Ok(false);
    };
    let store = &people.services.store;
    if !store.review_plans(tenant.id, None).await?.is_empty() {
        return Ok(false);
    }
    let now = people.clock.now().trunc_subsecs(3);
    let region = Region::new(SEED, Size::SMALL);
    let mut months = vec![ReviewMonth::at(now)];
    while months.len() < MONTHS {
        months.extend(months.last().map(|month| month.before()));
    }
    months.reverse();
    plans(people, tenant, &region, months.first().copied(), now).await?;
    watched(people, tenant, &region, now).await?;
    for month in &months {
        let at = drawn_at(*month).min(now);
        people.owe_reviews(tenant, at).await?;
        people.announce_reviews(tenant, at).await?;
    }
    let when = |review: &StoredReview| {
        (drawn_at(ReviewMonth::of(review.month)) + TimeDelta::minutes(2)).min(now)
    };
    // A checkpoint over the notices decides.
    for _ in 0..STEPS {
        people.draw_reviews(tenant, when).await?;
        if store.reviews_in_state(tenant.id, "announced", 1, now).await?.is_empty() {
            break;
        }
        sleep(STEP).await;
    }
    people.list_due(tenant, when).await?;
    judged(people, tenant, now).await?;
    people.seal_conclusions(tenant, now).await?;
    store.lapse_reviews(tenant.id, ReviewMonth::at(now).first()).await?;
    Ok(true)
}

fn drawn_at(month: ReviewMonth) -> Timestamp {
    month.drawn_at() + TimeDelta::minutes(1)
}

async fn plans(
    people: &People,
    tenant: &Tenant,
    region: &Region,
    from: Option<ReviewMonth>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for (at, unit) in region.units.iter().enumerate() {
        let (provider_id, provider_name) = region.providers[unit.provider].clone();
        let deputy = unit.staff.first().map(|at| region.staff[*at].id.clone());
        let plan = StoredPlan {
            plan_number: 0,
            provider_id,
            provider_name,
            unit_id: unit.id.clone(),
            unit_key: HsaId::new(&unit.id).map(|id| id.key()).unwrap_or_default(),
            unit_name: unit.name.clone(),
            mode: if at % 4 == 3 { "sample" } else { "all" }.to_owned(),
            share_percent: if at % 4 == 3 { 10 } else { 100 },
            reviewer_id: format!("SE2321000016-A{}4", unit.provider),
            deputy_id: deputy,
            active_from: from.map_or_else(Default::default, ReviewMonth::first),
            set_by: format!("SE2321000016-A{}2", unit.provider),
            set_at: now,
        };
        people.services.store.set_plan(tenant.id, &plan).await?;
    }
    Ok(())
}

/// A known person and a protected one are watched.
async fn watched(
    people: &People,
    tenant: &Tenant,
    region: &Region,
    now: Timestamp,
) -> Result<(), StoreError> {
    let store = &people.services.store;
    let named = |text: &str| HsaId::new(text);
    for (story, kind, reason, provider) in [
        (3, WatchKind::Public, "Känd från teve", 1_usize),
        (14, WatchKind::Protected, "Skyddade personuppgifter", 0),
    ] {
        let patient: Option<PatientId> = region.patients[stories::patient(region, story)].id();
        let (id, name) = &region.providers[provider];
        let added = named(&format!("SE2321000016-A{provider}5"));
        let approved = named(&format!("SE2321000016-A{provider}7"));
        let (Some(patient), Some(provider), Some(added), Some(approved)) =
            (patient, named(id), added, approved)
        else {
            continue;
        };
        let entry = (kind.name(), reason, latest(local(now).date()));
        let number =
            store.add_watch(tenant.id, (&provider, name), &patient, entry, (&added, now)).await?;
        let Some(number) = number else { continue };
        store.settle_watch(tenant.id, &provider, (number, false), (&approved, now)).await?;
    }
    Ok(())
}

/// Judges and concludes what people would have by now.
async fn judged(people: &People, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
    let store = &people.services.store;
    let this = ReviewMonth::at(now).first();
    let mut flagged = 0;
    let listed = store.reviews_in_state(tenant.id, "listed", 10_000, now).await?;
    let mut waiting = 0;
    for (at, review) in listed.iter().enumerate() {
        let is_current = review.month == this;
        // Two of the month wait at the first care provider, and one of an earlier month has lapsed.
        let waits = is_current && review.provider_id.ends_with("V01") && waiting < 2;
        waiting += usize::from(waits);
        if waits || at == 40 || review.kind != "systematic" {
            continue;
        }
        let late = at % 23 == 5;
        let day = review.due_on + Days::new(u64::from(late) * 4) - Days::new(2);
        let when = noon(day).min(now);
        flagged = one(people, tenant, review, when, flagged).await?;
    }
    Ok(())
}

fn noon(day: NaiveDate) -> Timestamp {
    begins(day) + TimeDelta::hours(12)
}

/// Judges a review's visits and concludes it; returns how many flagged visits there have been.
async fn one(
    people: &People,
    tenant: &Tenant,
    review: &StoredReview,
    when: Timestamp,
    mut flagged: usize,
) -> Result<usize, StoreError> {
    let store = &people.services.store;
    let reviewer = review.reviewer_id.as_deref().and_then(HsaId::new);
    let Some(reviewer) = reviewer else { return Ok(flagged) };
    let visits = store.visits_of_review(review.review_number, (0, 10_000), "all").await?;
    let (mut plain, mut remarks) = (Vec::new(), 0);
    for visit in &visits {
        flagged += usize::from(!visit.flags.is_empty());
        let has_remark = !visit.flags.is_empty() && flagged.is_multiple_of(REMARKS);
        if has_remark {
            remark(people, tenant, (review, visit), (&reviewer, when), flagged / REMARKS).await?;
            remarks += 1;
        } else {
            plain.push(visit.visit_number);
        }
    }
    let by = JudgedBy { employee: &reviewer, name: REVIEWER, at: when };
    store
        .judge_together(review.review_number, &plain, &judgement("no_remark", "", when), by)
        .await?;
    let count = i64::try_from(visits.len()).unwrap_or(i64::MAX);
    let Ok(result) = conclusion(count, count, remarks) else { return Ok(flagged) };
    let concluded = (result.name(), "", (people.new_id)());
    store.conclude_review(review.review_number, concluded, &reviewer, when).await?;
    Ok(flagged)
}

fn judgement(what: &str, text: &str, at: Timestamp) -> StoredJudgement {
    StoredJudgement {
        judgement_number: 0,
        judgement: what.to_owned(),
        text: text.to_owned(),
        yes: Vec::new(),
        declined: String::new(),
        control: None,
        case_number: None,
        by_name: REVIEWER.to_owned(),
        at,
    }
}

/// A remark with its case; most cases are closed by now.
async fn remark(
    people: &People,
    tenant: &Tenant,
    (review, visit): (&StoredReview, &StoredVisit),
    (reviewer, when): (&HsaId, Timestamp),
    number: usize,
) -> Result<(), StoreError> {
    let store = &people.services.store;
    let text = "Oklart vilken uppgift som krävde läsningen.";
    let case = NewCase {
        provider: &review.provider_id,
        unit: (&review.unit_id, &review.unit_name),
        employee: &visit.employee_id,
        title: text,
    };
    let new = NewJudgement {
        review: review.review_number,
        visit: visit.visit_number,
        seen: 0,
        judgement: judgement("remark", text, when),
        patient: &visit.patient_key,
        case: CaseOfRemark::New(case),
        control: None,
    };
    let by = JudgedBy { employee: reviewer, name: REVIEWER, at: when };
    store.judge_visit(tenant.id, &new, by).await?;
    let kept = store.judgements(visit.visit_number).await?;
    let Some(case) = kept.first().and_then(|kept| kept.case_number) else { return Ok(()) };
    let told = |kind, state, text| NewCaseEvent { kind, state, text, ..NewCaseEvent::default() };
    let by = (reviewer, REVIEWER);
    let asked = when + TimeDelta::days(1);
    let inquiry = told("state", Some("inquiry"), "Medarbetaren har tillfrågats om läsningen.");
    let outcome = told(
        "state",
        Some("no_suspicion"),
        "Medarbetaren vikarierade i jouren. Arbetsledaren bekräftar schemat.",
    );
    let closed = told("state", Some("closed"), "Ingen åtgärd.");
    let steps = [("open", inquiry), ("inquiry", outcome), ("no_suspicion", closed)];
    for (was, event) in steps.into_iter().take(number % 4) {
        store.add_to_case(case, was, &event, by, asked).await?;
    }
    Ok(())
}
