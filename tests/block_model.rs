//! The rule of blocks against a second model that was written without looking at the first:
//! time is a list of minutes, a block a set of minutes, and identities are lower-case text.
//! Generated histories of registrations, revokes, cancellations and removals are played
//! through both.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use chrono::Duration;
use proptest::prelude::*;
use sigill::domain::block::{
    Block, BlockType, Information, InformationType, TemporaryRevoke, is_blocked,
};
use sigill::domain::identity::{AccessingActor, HsaId, PatientId, RecordId};
use sigill::domain::time::{Period, Timestamp};

/// Minutes that a history can tell apart.
const MINUTES: u32 = 6;
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
}

fn plans() -> impl Strategy<Value = Vec<BlockPlan>> {
    let revoke = (0..2_u8, proptest::option::of(0..2_u8), 0..MINUTES, any::<bool>());
    let bounds = (proptest::option::of(0..MINUTES), proptest::option::of(0..MINUTES));
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
    // A period that ends before it starts cannot be registered.
    let ordered = |(from, to)| match (from, to) {
        (Some(a), Some(b)) => (Some(u32::min(a, b)), Some(u32::max(a, b))),
        other => other,
    };
    let plan = block.prop_map(
        move |((inner, lak, upp, removed), patient, unit, provider, bounds, revokes, upper)| {
            let (from, to) = ordered(bounds);
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
    (0..2_u8, 0..2_u8, 0..2_u8, 0..MINUTES, 0..MINUTES, 0..3_u8, actor, 0..MINUTES, any::<bool>())
        .prop_map(|(patient, unit, provider, a, b, kind, actor, now, upper)| Question {
            patient,
            unit,
            provider,
            from: a.min(b),
            to: a.max(b),
            kind,
            actor,
            now,
            upper,
        })
}

/// The naive answer: for every block, every minute that it closes is looked at one by one.
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
            !cancelled && q.now < *end && *unit == actor_unit && only.is_none_or(|o| o == employee)
        });
        let closed = (q.from..=q.to).any(|minute| {
            plan.from.is_none_or(|from| minute >= from) && plan.to.is_none_or(|to| minute <= to)
        });
        if closed && !lifted {
            return true;
        }
    }
    false
}

fn minute(n: u32) -> Timestamp {
    "2026-03-29T00:57:00Z".parse::<Timestamp>().unwrap() + Duration::minutes(n.into())
}

fn named(kind: &str, n: u8, upper: bool) -> HsaId {
    let text = format!("se-{kind}{n}");
    HsaId::new(&if upper { text.to_uppercase() } else { text }).unwrap()
}

fn patient(n: u8, hyphen: bool) -> PatientId {
    let number = if hyphen { format!("19121212-121{n}") } else { format!("19121212121{n}") };
    PatientId::new("1.2.752.129.2.1.3.1", &number).unwrap()
}

fn block(plan: &BlockPlan) -> Block {
    let revokes = plan.revokes.iter().map(|(unit, only, end, cancelled)| TemporaryRevoke {
        id: RecordId::new("r").unwrap(),
        end: minute(*end),
        care_unit: named("u", *unit, !plan.upper),
        employee: only.map(|o| named("e", o, plan.upper)),
        cancelled: *cancelled,
        owner_id: None,
    });
    let mut exempted = Vec::new();
    if plan.lak {
        exempted.push(InformationType::Lak);
    }
    if plan.upp {
        exempted.push(InformationType::Upp);
    }
    Block {
        id: RecordId::new("b").unwrap(),
        block_type: if plan.inner { BlockType::Inner } else { BlockType::Outer },
        patient: patient(plan.patient, plan.upper),
        period: Period { start: plan.from.map(minute), end: plan.to.map(minute) },
        care_unit: plan.inner.then(|| named("u", plan.unit, plan.upper)),
        care_provider: named("p", plan.provider, plan.upper),
        exempted,
        removed: plan.removed,
        revokes: revokes.collect(),
        owner_id: None,
    }
}

fn ours(plans: &[BlockPlan], q: &Question) -> bool {
    let blocks: Vec<Block> = plans.iter().map(block).collect();
    let (employee, unit, provider) = q.actor;
    let actor = AccessingActor {
        employee: named("e", employee, q.upper),
        care_unit: named("u", unit, q.upper),
        care_provider: named("p", provider, !q.upper),
    };
    let information = Information {
        period: Period { start: Some(minute(q.from)), end: Some(minute(q.to)) },
        care_unit: named("u", q.unit, q.upper),
        care_provider: named("p", q.provider, q.upper),
        information_type: [None, Some(InformationType::Lak), Some(InformationType::Upp)]
            [usize::from(q.kind)],
    };
    is_blocked(&blocks, &patient(q.patient, q.upper), &information, &actor, minute(q.now))
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
