//! The rule of blocks against a second model that was written without looking at the first:
//! time is a list of half hours, a block a set of half hours, and identities are lower-case
//! text. Generated histories of registrations, revokes, cancellations and removals are played
//! through both, in the nights when Swedish clocks go forward and back.

use super::nights::{STEPS, first, last, named_by, now, ordered};
use proptest::prelude::*;
use sigill::domain::blocking::block::{
    Block, BlockContent, BlocksBySource, Guards, Information, InformationType, Lift,
    TemporaryRevoke, is_blocked,
};
use sigill::domain::identity::{AccessingActor, HsaId, PatientId, RecordId};
use sigill::domain::lifetime::{FirstRemoval, Lifetime, State};
use sigill::domain::period::Period;
use sigill::domain::time::{Ambiguous, Moment, Timestamp};

const CASES: u32 = 100_000;

/// What a history is made of; small numbers stand for identities.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "what can be so or not")]
struct BlockPlan {
    inner: bool,
    patient: u8,
    unit: u8,
    provider: u8,
    from: Option<u32>,
    to: Option<u32>,
    lak: bool,
    upp: bool,
    removed: bool,
    revokes: Vec<(u8, Option<u8>, u32, bool)>,
    upper: bool,
}

#[derive(Debug, Clone)]
struct Question {
    patient: u8,
    unit: u8,
    provider: u8,
    from: u32,
    to: u32,
    kind: u8,
    actor: (u8, u8, u8),
    now: u32,
    upper: bool,
    autumn: bool,
}

fn plans() -> impl Strategy<Value = Vec<BlockPlan>> {
    let revoke = (0..2_u8, proptest::option::of(0..2_u8), 0..STEPS, any::<bool>());
    let bounds = (proptest::option::of(0..STEPS), proptest::option::of(0..STEPS));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), proptest::bool::weighted(0.2));
    let block = (
        flags,
        0..2_u8,
        0..2_u8,
        0..2_u8,
        bounds,
        proptest::collection::vec(revoke, 0..3),
        any::<bool>(),
    );
    let plan = block.prop_map(
        move |((inner, lak, upp, removed), patient, unit, provider, bounds, revokes, upper)| {
            let (from, to) = bounds;
            BlockPlan {
                inner,
                patient,
                unit,
                provider,
                from,
                to,
                lak,
                upp,
                removed,
                revokes,
                upper,
            }
        },
    );
    proptest::collection::vec(plan, 0..3)
}

fn questions() -> impl Strategy<Value = Question> {
    let actor = (0..2_u8, 0..2_u8, 0..2_u8);
    let clocks = (0..STEPS, 0..STEPS);
    let flags = (any::<bool>(), any::<bool>());
    (0..2_u8, 0..2_u8, 0..2_u8, clocks, 0..3_u8, actor, 0..STEPS, flags).prop_map(
        |(patient, unit, provider, (a, b), kind, actor, now, (upper, autumn))| {
            let (from, to) = ordered(autumn, a, b);
            Question { patient, unit, provider, from, to, kind, actor, now, upper, autumn }
        },
    )
}

/// The naive answer: for every block, every half hour that it closes is looked at one by one.
fn naive(plans: &[BlockPlan], q: &Question) -> bool {
    let (employee, actor_unit, actor_provider) = q.actor;
    for plan in plans {
        if plan.removed || plan.patient != q.patient || plan.provider != q.provider {
            continue;
        }
        if plan.inner && (plan.unit != q.unit || actor_unit == plan.unit) {
            continue;
        }
        if !plan.inner && actor_provider == plan.provider {
            continue;
        }
        if (q.kind == 1 && plan.lak) || (q.kind == 2 && plan.upp) {
            continue;
        }
        let lifted = plan.revokes.iter().any(|(unit, only, end, cancelled)| {
            let over = last(q.autumn, *end);
            !cancelled
                && i32::try_from(q.now).unwrap() < over
                && *unit == actor_unit
                && only.is_none_or(|o| o == employee)
        });
        let asked = first(q.autumn, q.from)..=last(q.autumn, q.to);
        let (from, to) = bounds(plan, q.autumn);
        let closed = asked.into_iter().any(|step| {
            from.is_none_or(|from| step >= first(q.autumn, from))
                && to.is_none_or(|to| step <= last(q.autumn, to))
        });
        if closed && !lifted {
            return true;
        }
    }
    false
}

/// The bounds of a block's period, the right way round in this night.
fn bounds(plan: &BlockPlan, autumn: bool) -> (Option<u32>, Option<u32>) {
    match (plan.from, plan.to) {
        (Some(a), Some(b)) => {
            let (from, to) = ordered(autumn, a, b);
            (Some(from), Some(to))
        }
        other => other,
    }
}

fn named(kind: &str, n: u8, upper: bool) -> HsaId {
    let text = format!("se-{kind}{n}");
    HsaId::new(&if upper { text.to_uppercase() } else { text }).unwrap()
}

fn patient(n: u8, hyphen: bool) -> PatientId {
    let number = if hyphen { format!("19121212-121{n}") } else { format!("19121212121{n}") };
    PatientId::new("1.2.752.129.2.1.3.1", &number).unwrap()
}

/// Stored long before the night, and perhaps removed before it.
fn lifetime(removed: bool) -> Lifetime {
    let first = FirstRemoval::At(Timestamp::UNIX_EPOCH);
    let state = if removed { State::Removed { first, how: () } } else { State::Standing };
    Lifetime { stored_at: Timestamp::UNIX_EPOCH, state }
}

fn block(plan: &BlockPlan, autumn: bool) -> Block {
    let revokes = plan.revokes.iter().map(|(unit, only, end, cancelled)| TemporaryRevoke {
        id: RecordId::new("r").unwrap(),
        lift: Lift {
            end: named_by(autumn, *end, Ambiguous::Later),
            care_unit: named("u", *unit, !plan.upper),
            employee: only.map(|o| named("e", o, plan.upper)),
        },
        lifetime: lifetime(*cancelled),
        owner_id: None,
    });
    let mut exempted = Vec::new();
    if plan.lak {
        exempted.push(InformationType::Lak);
    }
    if plan.upp {
        exempted.push(InformationType::Upp);
    }
    let (from, to) = bounds(plan, autumn);
    let period = Period {
        start: from.map(|clock| named_by(autumn, clock, Ambiguous::Earlier)),
        end: to.map(|clock| named_by(autumn, clock, Ambiguous::Later)),
    };
    let provider = named("p", plan.provider, plan.upper);
    let guards = match plan.inner {
        true => Guards::Unit { provider, unit: named("u", plan.unit, plan.upper) },
        false => Guards::Provider(provider),
    };
    let patient = patient(plan.patient, plan.upper);
    Block {
        id: RecordId::new("b").unwrap(),
        content: BlockContent { patient, guards, period, exempted },
        lifetime: lifetime(plan.removed),
        revokes: revokes.collect(),
        owner_id: None,
    }
}

fn ours(plans: &[BlockPlan], q: &Question) -> bool {
    let blocks: Vec<Block> = plans.iter().map(|plan| block(plan, q.autumn)).collect();
    let (employee, unit, provider) = q.actor;
    let actor = AccessingActor {
        employee: named("e", employee, q.upper),
        care_unit: named("u", unit, q.upper),
        care_provider: named("p", provider, !q.upper),
    };
    let information = Information {
        period: Period {
            start: Some(named_by(q.autumn, q.from, Ambiguous::Earlier)),
            end: Some(named_by(q.autumn, q.to, Ambiguous::Later)),
        },
        care_unit: named("u", q.unit, q.upper),
        care_provider: named("p", q.provider, q.upper),
        information_type: [None, Some(InformationType::Lak), Some(InformationType::Upp)]
            [usize::from(q.kind)],
    };
    let patient = patient(q.patient, q.upper);
    let asked = |moment| is_blocked(&blocks, &patient, &information, &actor, moment);
    // Sorted by source the blocks say the same.
    let guarding = || BlocksBySource::of(&blocks).guarding(&information).collect::<Vec<_>>();
    let sorted = |moment| is_blocked(guarding(), &patient, &information, &actor, moment);
    let asked = |moment| {
        assert_eq!(asked(moment), sorted(moment));
        asked(moment)
    };
    let now = now(q.autumn, q.now);
    let answer = asked(Moment::Now(now));
    assert_eq!(asked(Moment::Then(now)), answer, "for the past as for now");
    answer
}

#[test]
fn both_models_answer_alike() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let blocked = std::cell::Cell::new(0_u32);
    runner
        .run(&(plans(), questions()), |(plans, q)| {
            let expected = naive(&plans, &q);
            blocked.set(blocked.get() + u32::from(expected));
            prop_assert_eq!(ours(&plans, &q), expected);
            Ok(())
        })
        .unwrap();
    // Neither answer may be so rare that the test says nothing.
    assert!(blocked.get() > CASES / 50 && blocked.get() < CASES / 2, "{}", blocked.get());
}
