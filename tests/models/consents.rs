//! The rules of assertions against a second model that was written without looking at the
//! first: what an assertion opens is a set of half hours, and whoever ends it takes half hours
//! out. Generated histories of registrations, endings by staff and by the patient and
//! annulments are played through both, in the nights when Swedish clocks go forward and back.

use super::nights::{STEPS, first, last, named_by, now, ordered};
use proptest::prelude::*;
use sigill::domain::consent::assertion::{
    Assertion, AssertionContent, AssertionType, Start, opens,
};
use sigill::domain::consent::lifecycle::{
    AssertionHistory, AssertionRemoval, PatientDecision, PatientWish, cancel, delete,
    end_by_patient,
};
use sigill::domain::consent::registration::start_of;
use sigill::domain::decision::Decision;
use sigill::domain::identity::{AccessingActor, Action, Actor, HsaId, PatientId, RecordId};
use sigill::domain::lifetime::{FirstRemoval, Lifetime, State};
use sigill::domain::time::{Ambiguous, Moment, Timestamp};
use std::collections::BTreeSet;

const CASES: u32 = 50_000;
/// Later than any half hour of the night.
const FOR_EVER: i32 = 100;

#[derive(Debug, Clone)]
struct Plan {
    patient: u8,
    provider: u8,
    unit: u8,
    employee: Option<u8>,
    emergency: bool,
    from: Option<u32>,
    to: Option<u32>,
    stored: u32,
    upper: bool,
    events: Vec<(u32, Event)>,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Cancel,
    Delete,
    /// By which patient, to which clock time.
    Patient(u8, Option<u32>),
}

#[derive(Debug, Clone)]
struct Question {
    patient: u8,
    actor: (u8, u8, u8),
    now: u32,
    autumn: bool,
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let event = prop_oneof![
        Just(Event::Cancel),
        Just(Event::Delete),
        (0..2_u8, proptest::option::of(0..STEPS)).prop_map(|(p, end)| Event::Patient(p, end)),
    ];
    let who = (0..2_u8, 0..2_u8, 0..2_u8, proptest::option::of(0..2_u8));
    let when = (proptest::option::of(0..STEPS), proptest::option::of(0..STEPS), 0..STEPS);
    let flags = (any::<bool>(), any::<bool>());
    let events = proptest::collection::vec((0..STEPS, event), 0..4);
    let plan = (who, when, flags, events).prop_map(|(who, when, flags, mut events)| {
        events.sort_by_key(|(at, _)| *at);
        let (patient, provider, unit, employee) = who;
        let ((from, to, stored), (emergency, upper)) = (when, flags);
        Plan { patient, provider, unit, employee, emergency, from, to, stored, upper, events }
    });
    proptest::collection::vec(plan, 0..3)
}

fn questions() -> impl Strategy<Value = Question> {
    (0..2_u8, (0..2_u8, 0..2_u8, 0..2_u8), 0..STEPS, any::<bool>())
        .prop_map(|(patient, actor, now, autumn)| Question { patient, actor, now, autumn })
}

/// The bounds as they can be registered in this night.
fn bounds(plan: &Plan, autumn: bool) -> (Option<u32>, Option<u32>) {
    match (plan.from, plan.to) {
        (Some(a), Some(b)) => {
            let (from, to) = ordered(autumn, a, b);
            (Some(from), Some(to))
        }
        other => other,
    }
}

/// The naive model: the half hours in which an assertion opens, and which events took effect.
fn naive(plan: &Plan, q: &Question) -> (BTreeSet<i32>, Vec<bool>) {
    let (from, to) = bounds(plan, q.autumn);
    let begin = from.map_or(i32::try_from(plan.stored).unwrap(), |from| first(q.autumn, from));
    let mut limit = to.map_or(FOR_EVER, |to| last(q.autumn, to));
    let mut open: BTreeSet<i32> = (begin..=limit.min(10)).collect();
    let (mut ended, mut annulled, mut gone) = (false, false, false);
    let mut effects = Vec::new();
    let mut wishes: Vec<Option<i32>> = Vec::new();
    for (at, event) in plan.events.iter().filter(|(at, _)| *at >= plan.stored && *at <= q.now) {
        let at = i32::try_from(*at).unwrap();
        let took_effect = match event {
            Event::Cancel if !ended && !annulled && !gone && at <= limit => {
                ended = true;
                open.retain(|step| *step < at);
                true
            }
            Event::Delete if !annulled => {
                annulled = true;
                open.retain(|step| *step < at);
                true
            }
            Event::Patient(patient, wish) => {
                let wish = wish.map(|clock| last(q.autumn, clock));
                let end = wish.unwrap_or(at);
                let at_once = end == at;
                let mine = *patient == plan.patient && !plan.emergency;
                let alive = !ended && !annulled && !gone && at <= limit;
                let sooner = end < limit || (at_once && end == limit);
                let new = wishes.last() != Some(&wish);
                let fine = mine && alive && new && end >= at && sooner;
                if fine {
                    wishes.push(wish);
                    limit = end;
                    // What ends at once has ended when anybody asks.
                    gone |= at_once;
                    open.retain(|step| *step < end + i32::from(!at_once));
                }
                fine
            }
            _ => false,
        };
        effects.push(took_effect);
    }
    (open, effects)
}

fn id(kind: &str, n: u8, upper: bool) -> HsaId {
    let text = format!("se-{kind}{n}");
    HsaId::new(&if upper { text.to_uppercase() } else { text }).unwrap()
}

fn patient(n: u8) -> PatientId {
    PatientId::new("1.2.752.129.2.1.3.1", &format!("19121212121{n}")).unwrap()
}

fn action() -> Action {
    let employee = Actor { employee: id("e", 0, false), assignment: None, assignment_name: None };
    let at = now(false, 0);
    Action {
        requested_at: at,
        requested_by: employee.clone(),
        registered_at: at,
        registered_by: employee,
        reason: None,
    }
}

/// A first removal stays the first.
fn remove(history: &mut AssertionHistory, at: Timestamp, how: AssertionRemoval) {
    let first = match &history.assertion.lifetime.state {
        State::Standing => FirstRemoval::At(at),
        State::Removed { first, .. } => *first,
    };
    history.assertion.lifetime.state = State::Removed { first, how };
}

/// The history as the rules make it, and which events took effect.
fn ours(plan: &Plan, q: &Question) -> (AssertionHistory, Vec<bool>) {
    let (from, to) = bounds(plan, q.autumn);
    let content = AssertionContent {
        assertion_type: match plan.emergency {
            true => AssertionType::Emergency,
            false => AssertionType::Consent,
        },
        patient: patient(plan.patient),
        care_provider: id("p", plan.provider, plan.upper),
        care_unit: id("u", plan.unit, !plan.upper),
        employee: plan.employee.map(|e| id("e", e, plan.upper)),
        start: from.map(|clock| named_by(q.autumn, clock, Ambiguous::Earlier)),
        end: to.map(|clock| named_by(q.autumn, clock, Ambiguous::Later)),
        represented_by: None,
    };
    let stored_at = now(q.autumn, plan.stored);
    let start = start_of(&content, stored_at);
    assert_eq!(start == Start::AtOnce, from.is_none(), "half hours are no minute");
    let assertion = Assertion {
        id: RecordId::new("a").unwrap(),
        content,
        start,
        patient_ends: Vec::new(),
        lifetime: Lifetime::from(stored_at),
        source: None,
        owner_id: None,
    };
    let mut history = AssertionHistory { assertion, action: action(), patient_wish: None };
    let mut effects = Vec::new();
    for (at, event) in plan.events.iter().filter(|(at, _)| *at >= plan.stored && *at <= q.now) {
        let at = now(q.autumn, *at);
        let stored = history.clone();
        effects.push(match event {
            Event::Cancel => {
                let done = cancel(Some(&stored), at) == Ok(Decision::Store);
                if done {
                    remove(&mut history, at, AssertionRemoval::Cancelled(action()));
                }
                done
            }
            Event::Delete => {
                let done = delete(Some(&stored)) == Ok(Decision::Store);
                if done {
                    let how = AssertionRemoval::Deleted { action: action(), cancelled: None };
                    remove(&mut history, at, how);
                }
                done
            }
            Event::Patient(by, end) => {
                let end = end.map(|clock| named_by(q.autumn, clock, Ambiguous::Later));
                let wish = PatientWish { end, represented_by: None };
                match end_by_patient(Some(&stored), &patient(*by), &wish, at, at) {
                    Ok(PatientDecision::End(end)) => {
                        history.assertion.patient_ends.push(end);
                        history.patient_wish = Some(wish);
                        true
                    }
                    _ => false,
                }
            }
        });
    }
    (history, effects)
}

/// The assertion as access decisions need it.
fn known(history: AssertionHistory) -> Assertion {
    let of = history.assertion;
    let state = match of.lifetime.state {
        State::Standing => State::Standing,
        State::Removed { first, .. } => State::Removed { first, how: () },
    };
    Assertion {
        lifetime: Lifetime { stored_at: of.lifetime.stored_at, state },
        id: of.id,
        content: of.content,
        start: of.start,
        patient_ends: of.patient_ends,
        source: of.source,
        owner_id: of.owner_id,
    }
}

fn check(plans: &[Plan], q: &Question) -> Result<bool, TestCaseError> {
    let (employee, unit, provider) = q.actor;
    let (mut assertions, mut expected) = (Vec::new(), false);
    for plan in plans.iter().filter(|plan| plan.stored <= q.now) {
        let (open, effects) = naive(plan, q);
        let (history, our_effects) = ours(plan, q);
        prop_assert_eq!(our_effects, effects);
        let for_actor = plan.patient == q.patient
            && (plan.provider, plan.unit) == (provider, unit)
            && plan.employee.is_none_or(|e| e == employee);
        expected |= for_actor && open.contains(&i32::try_from(q.now).unwrap());
        assertions.push(known(history));
    }
    let actor = AccessingActor {
        employee: id("e", employee, false),
        care_provider: id("p", provider, true),
        care_unit: id("u", unit, false),
    };
    let asked = |moment| opens(&assertions, &patient(q.patient), &actor, moment).is_some();
    let now = now(q.autumn, q.now);
    prop_assert_eq!(asked(Moment::Now(now)), expected);
    Ok(expected)
}

#[test]
fn both_models_answer_alike() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let opened = std::cell::Cell::new(0_u32);
    runner
        .run(&(plans(), questions()), |(plans, q)| {
            opened.set(opened.get() + u32::from(check(&plans, &q)?));
            Ok(())
        })
        .unwrap();
    // Neither answer may be so rare that the test says nothing.
    assert!(opened.get() > CASES / 100 && opened.get() < CASES / 2, "{}", opened.get());
}
