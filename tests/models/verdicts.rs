//! The verdict of an access against a second model that was written without looking at the first: minutes are numbers, and
//! every fact is asked about minute by minute.

use proptest::prelude::*;
use sigill::domain::blocking::block::{Block, BlockContent, Guards, Lift, TemporaryRevoke};
use sigill::domain::consent::assertion::{Assertion, AssertionContent, AssertionType, Start};
use sigill::domain::identity::{AccessingActor, HsaId, PatientId, RecordId};
use sigill::domain::lifetime::{FirstRemoval, Lifetime, State};
use sigill::domain::period::Period;
use sigill::domain::review::lawfulness::{LoggedAccess, RegisterFacts, verdict};
use sigill::domain::review::verdict::VerdictClass;
use sigill::domain::time::Timestamp;
use std::collections::BTreeSet;

const CASES: u32 = 100_000;
const MINUTES: i64 = 12;

#[derive(Debug, Clone)]
struct PlannedBlock {
    inner: bool,
    provider: u8,
    unit: u8,
    stored: i64,
    removed: Option<i64>,
    dated: bool,
    /// For which unit, from when until when.
    lift: Option<(u8, i64, i64)>,
}

#[derive(Debug, Clone)]
struct PlannedConsent {
    emergency: bool,
    unit: u8,
    employee: Option<u8>,
    stored: i64,
    until: Option<i64>,
    removed: Option<i64>,
}

#[derive(Debug, Clone)]
struct PlannedAccess {
    /// Of provider 0.
    unit: u8,
    employee: u8,
    at: i64,
    holder: u8,
    holder_unit: Option<u8>,
    cares: bool,
}

fn moments() -> impl Strategy<Value = i64> {
    0..MINUTES
}

fn blocks() -> impl Strategy<Value = Vec<PlannedBlock>> {
    let lift = proptest::option::of((0..2_u8, moments(), moments()));
    let one = (
        any::<bool>(),
        0..2_u8,
        0..2_u8,
        moments(),
        proptest::option::of(moments()),
        proptest::bool::weighted(0.2),
        lift,
    );
    let one = one.prop_map(|(inner, provider, unit, stored, removed, dated, lift)| PlannedBlock {
        inner,
        provider,
        unit,
        stored,
        removed: removed.filter(|removed| *removed >= stored),
        dated,
        lift,
    });
    proptest::collection::vec(one, 0..3)
}

fn consents() -> impl Strategy<Value = Vec<PlannedConsent>> {
    let one = (
        any::<bool>(),
        0..2_u8,
        proptest::option::of(0..2_u8),
        moments(),
        proptest::option::of(moments()),
        proptest::option::of(moments()),
    );
    let one = one.prop_map(|(emergency, unit, employee, stored, until, removed)| PlannedConsent {
        emergency,
        unit,
        employee,
        stored,
        until,
        removed: removed.filter(|removed| *removed >= stored),
    });
    proptest::collection::vec(one, 0..3)
}

fn accesses() -> impl Strategy<Value = PlannedAccess> {
    let one = (
        0..2_u8,
        0..2_u8,
        moments(),
        0..2_u8,
        proptest::option::weighted(0.8, 0..2_u8),
        proptest::bool::weighted(0.8),
    );
    one.prop_map(|(unit, employee, at, holder, holder_unit, cares)| PlannedAccess {
        unit,
        employee,
        at,
        holder,
        holder_unit,
        cares,
    })
}

/// What the model says of one minute: whether it is surely closed, perhaps closed, and what opens it.
fn naive_at(
    blocks: &[PlannedBlock],
    consents: &[PlannedConsent],
    access: &PlannedAccess,
    minute: i64,
) -> VerdictClass {
    let (mut surely, mut perhaps) = (false, false);
    for block in blocks {
        let stands = minute >= block.stored && block.removed.is_none_or(|gone| minute < gone);
        if !stands || block.provider != access.holder {
            continue;
        }
        // Units are numbered within each provider: provider 0's unit 1 is not provider 1's.
        let own_unit = block.provider == 0 && access.unit == block.unit;
        let outsider = if block.inner { !own_unit } else { block.provider != 0 };
        let source = !block.inner || access.holder_unit.is_none_or(|unit| unit == block.unit);
        let lifted = block.lift.is_some_and(|(unit, from, until)| {
            unit == access.unit && minute >= from && minute < until
        });
        if !outsider || !source || lifted {
            continue;
        }
        let vague = block.dated || (block.inner && access.holder_unit.is_none());
        surely |= !vague;
        perhaps |= vague;
    }
    if surely {
        return VerdictClass::AgainstBlock;
    }
    let mut latest: Option<(i64, usize, bool)> = None;
    for (at, consent) in consents.iter().enumerate() {
        let stands = minute >= consent.stored
            && consent.removed.is_none_or(|gone| minute < gone)
            && consent.until.is_none_or(|until| minute <= until);
        let fits = consent.unit == access.unit
            && consent.employee.is_none_or(|employee| employee == access.employee);
        if stands && fits && latest.is_none_or(|(stored, ..)| consent.stored >= stored) {
            latest = Some((consent.stored, at, consent.emergency));
        }
    }
    if perhaps {
        return VerdictClass::Undecided;
    }
    if access.holder != 0 && !access.cares {
        return VerdictClass::Undecided;
    }
    match (access.holder, latest) {
        (0, _) => VerdictClass::Own,
        (_, Some((.., true))) => VerdictClass::Emergency,
        (_, Some((.., false))) => VerdictClass::Consent,
        (_, None) => VerdictClass::NoGround,
    }
}

fn naive(
    blocks: &[PlannedBlock],
    consents: &[PlannedConsent],
    access: &PlannedAccess,
) -> VerdictClass {
    let around = [0, -1, 1].map(|off| naive_at(blocks, consents, access, access.at + off));
    match around.iter().all(|class| *class == around[0]) {
        true => around[0],
        false => VerdictClass::Undecided,
    }
}

fn at(minute: i64) -> Timestamp {
    "2026-03-10T10:00:00Z".parse::<Timestamp>().unwrap() + chrono::TimeDelta::minutes(minute)
}

fn unit(provider: u8, unit: u8) -> HsaId {
    HsaId::new(&format!("SE-V{provider}-U{unit}")).unwrap()
}

fn provider(provider: u8) -> HsaId {
    HsaId::new(&format!("SE-V{provider}")).unwrap()
}

fn employee(employee: u8) -> HsaId {
    HsaId::new(&format!("SE-P{employee}")).unwrap()
}

fn patient() -> PatientId {
    PatientId::new("1.2.752.129.2.1.3.1", "191212121212").unwrap()
}

fn lifetime(stored: i64, removed: Option<i64>) -> Lifetime {
    let state = removed.map_or(State::Standing, |gone| State::Removed {
        first: FirstRemoval::At(at(gone)),
        how: (),
    });
    Lifetime { stored_at: at(stored), state }
}

fn block((number, plan): (usize, &PlannedBlock)) -> Block {
    let guards = match plan.inner {
        true => {
            Guards::Unit { provider: provider(plan.provider), unit: unit(plan.provider, plan.unit) }
        }
        false => Guards::Provider(provider(plan.provider)),
    };
    let lift = plan.lift.iter().map(|(of, from, until)| TemporaryRevoke {
        id: RecordId::new("r").unwrap(),
        lift: Lift { end: at(*until), care_unit: unit(0, *of), employee: None },
        lifetime: Lifetime::from(at(*from)),
        owner_id: None,
    });
    Block {
        id: RecordId::new(&format!("b{number}")).unwrap(),
        content: BlockContent {
            patient: patient(),
            guards,
            period: Period { start: plan.dated.then(|| at(-90_000)), end: None },
            exempted: Vec::new(),
        },
        lifetime: lifetime(plan.stored, plan.removed),
        revokes: lift.collect(),
        owner_id: None,
    }
}

fn assertion((number, plan): (usize, &PlannedConsent)) -> Assertion {
    Assertion {
        id: RecordId::new(&format!("a{number}")).unwrap(),
        content: AssertionContent {
            assertion_type: match plan.emergency {
                true => AssertionType::Emergency,
                false => AssertionType::Consent,
            },
            patient: patient(),
            care_provider: provider(0),
            care_unit: unit(0, plan.unit),
            employee: plan.employee.map(employee),
            start: None,
            end: plan.until.map(at),
            represented_by: None,
        },
        start: Start::AtOnce,
        patient_ends: Vec::new(),
        lifetime: lifetime(plan.stored, plan.removed),
        source: None,
        owner_id: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_models_agree_about_verdicts(
        planned in blocks(),
        consented in consents(),
        access in accesses(),
    ) {
        let (blocks, assertions): (Vec<Block>, Vec<Assertion>) = (
            planned.iter().enumerate().map(block).collect(),
            consented.iter().enumerate().map(assertion).collect(),
        );
        let annulled = BTreeSet::new();
        let facts = RegisterFacts {
            blocks: &blocks,
            annulled: &annulled,
            assertions: &assertions,
            complete_from: None,
            holds_blocks_of: &|_| true,
        };
        let logged = LoggedAccess {
            patient: patient(),
            actor: AccessingActor {
                employee: employee(access.employee),
                care_provider: provider(0),
                care_unit: unit(0, access.unit),
            },
            at: at(access.at),
            purpose: if access.cares { "Vård och behandling" } else { "Statistik" }.to_owned(),
            activity: "Läsa".to_owned(),
            holder: provider(access.holder),
            holder_unit: access.holder_unit.map(|of| unit(access.holder, of)),
            resource_type: "Journaltext".to_owned(),
        };
        let found = verdict(&logged, &facts).class;
        let expected = naive(&planned, &consented, &access);
        prop_assert_eq!(found, expected);
    }
}
