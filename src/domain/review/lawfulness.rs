//! Whether the registers tell a ground for an access, at the second when it was made.
//!
//! # Rules
//! - **V1** Each resource that names a patient has a verdict; the post has its gravest.
//! - **V2** Facts are those in force at the activity's time; how blocks and assertions stood then is theirs to tell
//!   (`Moment::Then`).
//! - **V3** The decision is `may_read` on those facts. There is no second copy of the rule here.
//! - **V4** What the post does not tell is decided both ways: with the blocks that surely bite, and with those that may. The
//!   same class both times is the class; else it is undecided, and what is lacking is named.
//! - **V5** It is also decided a minute earlier and a minute later, and in the hour that autumn repeats at both instants.
//! - **V6** Where this service does not hold the blocks of the information's provider, an unknown block may bite.
//! - **V7** Within the own care provider any purpose will do. An inner block closes all the same.
//! - **V8** At another care provider, with a purpose other than care, a consent does not decide: undecided, unless a block
//!   surely bites.
//! - **V9** No ground for a patient under 18 that day is undecided: a guardian may have asked.
//! - **V10** No ground stays so where a fitting assertion was registered within a day after, and that is told.
//! - **V11** What was annulled later was in force then, and that is told.
//! - **V12** An access that says *Nödöppning* without an emergency being registered stays what it is, and that is told.
//! - **V13** Before the oldest complete history of a register nothing is decided.
//! - **V14** A verdict speaks of blocks and consents only: not of care relation, nor of need.
//! - **V15** The same post, facts and version of the rules give the same verdict.

use super::verdict::{AccessVerdict, Remark, VerdictClass};
use crate::domain::access::{Access, may_read};
use crate::domain::blocking::block::{Block, Information, InformationType};
use crate::domain::consent::assertion::{Assertion, AssertionType};
use crate::domain::identity::{AccessingActor, HsaId, PatientId, RecordId};
use crate::domain::people::number::age_of;
use crate::domain::people::roles::CARE;
use crate::domain::period::Period;
use crate::domain::time::{Ambiguous, Moment, Timestamp, instant, local};
use chrono::TimeDelta;
use std::collections::BTreeSet;

/// The version of these rules, which a kept verdict carries (V15).
pub const RULES: i32 = 2;
/// How exact clocks are taken to be (V5).
pub const CLOCKS: TimeDelta = TimeDelta::seconds(60);
/// How long after an access an assertion may be registered and still be told of (V10).
const LATE: TimeDelta = TimeDelta::hours(24);
/// From this age nobody's guardian asks (V9).
const OF_AGE: u32 = 18;
/// The activity of an emergency (V12).
const EMERGENCY: &str = "Nödöppning";

/// An access to one resource of a patient, as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedAccess {
    /// Whose.
    pub patient: PatientId,
    /// Who, of which unit and care provider.
    pub actor: AccessingActor,
    /// When.
    pub at: Timestamp,
    /// What for.
    pub purpose: String,
    /// What was done.
    pub activity: String,
    /// The care provider that holds the information.
    pub holder: HsaId,
    /// The unit that does, if that is told.
    pub holder_unit: Option<HsaId>,
    /// The kind of information.
    pub resource_type: String,
}

/// What the registers have of a patient, with all that has happened to it, and how far they reach.
#[derive(Clone, Copy)]
pub struct RegisterFacts<'f> {
    /// Every block that there ever was.
    pub blocks: &'f [Block],
    /// The ids, as keys, of blocks and assertions that were annulled.
    pub annulled: &'f BTreeSet<String>,
    /// Every assertion that there ever was.
    pub assertions: &'f [Assertion],
    /// From when both registers are complete; `None`: from the first record on.
    pub complete_from: Option<Timestamp>,
    /// Whether a care provider's blocks are kept here.
    pub holds_blocks_of: &'f (dyn Fn(&HsaId) -> bool + Sync),
}

/// The verdict of an access; each step is a rule.
pub fn verdict(access: &LoggedAccess, facts: &RegisterFacts<'_>) -> AccessVerdict {
    let mut at_once = decided(access, facts, access.at);
    // V5
    for moment in around(access.at) {
        let other = decided(access, facts, moment);
        if at_once.class != VerdictClass::Undecided && other.class != at_once.class {
            let (one, two) = (at_once.class.min(other.class), at_once.class.max(other.class));
            at_once = AccessVerdict { class: VerdictClass::Undecided, ..at_once };
            at_once.remarks.push(Remark::AtTheEdge(one, two));
            break;
        }
    }
    // V12
    let has_emergency = facts.assertions.iter().any(|assertion| {
        assertion.content.assertion_type == AssertionType::Emergency
            && assertion.opens(&access.patient, &access.actor, Moment::Then(access.at))
    });
    if access.activity == EMERGENCY && !has_emergency {
        at_once.remarks.push(Remark::ClaimsEmergency);
    }
    at_once.remarks.sort();
    at_once.remarks.dedup();
    at_once
}

/// The verdict of a post: that of its gravest resource (V1); `None`: it names no patient.
pub fn of_post(of_resources: impl IntoIterator<Item = AccessVerdict>) -> Option<AccessVerdict> {
    of_resources.into_iter().min_by_key(|verdict| verdict.class)
}

/// The instants that the activity's time may have been.
fn around(at: Timestamp) -> Vec<Timestamp> {
    let mut all = vec![at - CLOCKS, at + CLOCKS];
    let told = local(at);
    for which in [Ambiguous::Earlier, Ambiguous::Later] {
        let other = instant(told, which);
        // Without its fraction: the text has none that tells them apart.
        if (other - at).abs() > TimeDelta::minutes(30) {
            all.push(other);
        }
    }
    all
}

/// What `may_read` says at an instant, with what the post does not tell decided both ways (V3, V4).
fn decided(access: &LoggedAccess, facts: &RegisterFacts<'_>, at: Timestamp) -> AccessVerdict {
    let moment = Moment::Then(at);
    // V13
    if facts.complete_from.is_some_and(|from| at < from) {
        return AccessVerdict { class: VerdictClass::Undecided, remarks: vec![Remark::History] };
    }
    let mut remarks = Vec::new();
    let mut sure: Vec<Block> = Vec::new();
    let mut possible: Vec<Block> = Vec::new();
    for block in facts.blocks {
        match bites(access, block, moment) {
            Bites::No => {}
            // V13: when it was removed is not known.
            Bites::Surely if block.lifetime.is_uncertain(at) => {
                possible.push(block.clone());
                remarks.push(Remark::History);
            }
            Bites::Surely => sure.push(block.clone()),
            Bites::Perhaps(lacking) => {
                possible.push(block.clone());
                remarks.push(lacking);
            }
        }
    }
    let (patient, actor) = (&access.patient, &access.actor);
    let by = |unit: Option<HsaId>, blocks: &[Block], assertions: &[Assertion]| {
        let information = information(access, unit);
        class(may_read(patient, &information, actor, blocks, assertions, moment))
    };
    let read = |unit, blocks: &[Block]| by(unit, blocks, facts.assertions);
    let least = read(access.holder_unit.clone(), &sure);
    // Each as if the information were such as it closes.
    let closes = |block: &Block| {
        let unit = access.holder_unit.as_ref().or(block.content.guards.unit()).cloned();
        read(unit, std::slice::from_ref(block)) == VerdictClass::AgainstBlock
    };
    let most = match possible.iter().any(closes) {
        true => VerdictClass::AgainstBlock,
        false => least,
    };
    let is_own = access.holder == access.actor.care_provider;
    let mut found = least;
    if least == most {
        // What may bite as well changes nothing.
        remarks.clear();
    } else {
        found = VerdictClass::Undecided;
    }
    let is_closed = found == VerdictClass::AgainstBlock;
    // V13: the same of what opens.
    let is_doubtful = |a: &&Assertion| a.lifetime.is_uncertain(at) && a.is_for(patient, actor);
    if facts.assertions.iter().any(|a| is_doubtful(&a)) {
        let certain: Vec<Assertion> =
            facts.assertions.iter().filter(|a| !is_doubtful(a)).cloned().collect();
        if by(access.holder_unit.clone(), &sure, &certain) != least {
            found = VerdictClass::Undecided;
            remarks.push(Remark::History);
        }
    }
    // V6
    if !(facts.holds_blocks_of)(&access.holder) && !is_closed {
        found = VerdictClass::Undecided;
        remarks.push(Remark::BlocksElsewhere);
    }
    // V8; V7 is that the own provider is not asked for a purpose.
    if !is_own && access.purpose != CARE && !is_closed {
        found = VerdictClass::Undecided;
        remarks.push(Remark::Purpose);
    }
    // V9
    let is_child = age_of(&access.patient, local(at).date()).is_some_and(|age| age < OF_AGE);
    if found == VerdictClass::NoGround && is_child {
        found = VerdictClass::Undecided;
        remarks.push(Remark::Child);
    }
    remarks.extend(told(access, facts, (found, at), &sure));
    AccessVerdict { class: found, remarks }
}

/// Facts beside the class: what decided, and what became of it later.
fn told(
    access: &LoggedAccess,
    facts: &RegisterFacts<'_>,
    (found, at): (VerdictClass, Timestamp),
    sure: &[Block],
) -> Vec<Remark> {
    let moment = Moment::Then(at);
    let mut remarks = Vec::new();
    if found == VerdictClass::AgainstBlock {
        for block in sure {
            remarks.push(Remark::ClosedBy(named(&block.id)));
            // V11
            if facts.annulled.contains(&block.id.key()) {
                remarks.push(Remark::AnnulledLater(named(&block.id)));
            }
        }
    }
    let (patient, actor) = (&access.patient, &access.actor);
    if [VerdictClass::Consent, VerdictClass::Emergency].contains(&found) {
        for assertion in facts.assertions.iter().filter(|a| a.opens(patient, actor, moment)) {
            remarks.push(Remark::OpenedBy(named(&assertion.id)));
            // V11
            if facts.annulled.contains(&assertion.id.key()) {
                remarks.push(Remark::AnnulledLater(named(&assertion.id)));
            }
        }
    }
    if found == VerdictClass::NoGround {
        // V10: as it would have opened, had it been registered then; what starts later would not have.
        let later = facts.assertions.iter().filter(|assertion| {
            let (stored, starts) = (assertion.lifetime.stored_at, assertion.starts_at());
            let ends = assertion.ends_at(Moment::Then(stored));
            let opens = match starts <= at {
                true => ends.is_none_or(|end| at <= end),
                false => starts <= stored + CLOCKS && ends.is_none_or(|end| stored <= end),
            };
            at < stored && stored <= at + LATE && opens && assertion.is_for(patient, actor)
        });
        for assertion in later {
            let minutes = (assertion.lifetime.stored_at - at).num_minutes().max(1);
            remarks.push(Remark::RegisteredLater(named(&assertion.id), minutes));
        }
    }
    let lifted = facts.blocks.iter().filter(|block| {
        let lifts = block.revokes.iter().any(|revoke| {
            let lift = &revoke.lift;
            revoke.is_in_force(moment)
                && lift.care_unit == actor.care_unit
                && lift.employee.as_ref().is_none_or(|employee| *employee == actor.employee)
        });
        let without = Block { revokes: Vec::new(), ..(*block).clone() };
        lifts && !matches!(bites(access, &without, moment), Bites::No)
    });
    if found > VerdictClass::Undecided {
        remarks.extend(lifted.map(|block| Remark::Lifted(named(&block.id))));
    }
    remarks
}

fn named(id: &RecordId) -> String {
    id.as_str().to_owned()
}

fn class(access: Access) -> VerdictClass {
    match access {
        Access::Own => VerdictClass::Own,
        Access::Opened(AssertionType::Consent) => VerdictClass::Consent,
        Access::Opened(AssertionType::Emergency) => VerdictClass::Emergency,
        Access::Blocked => VerdictClass::AgainstBlock,
        Access::NoConsent => VerdictClass::NoGround,
    }
}

/// Whether a block closed, as far as the post tells.
enum Bites {
    No,
    Surely,
    Perhaps(Remark),
}

/// How a block decides about information of which the post leaves something out (V4).
fn bites(access: &LoggedAccess, block: &Block, moment: Moment) -> Bites {
    let unit = access.holder_unit.as_ref().or(block.content.guards.unit()).cloned();
    let type_is_told = InformationType::of_code(&access.resource_type).is_some();
    // Of no told type an exemption does not count, and no told time is all time: this is the most that it can close.
    if !block.bites(&access.patient, &information(access, unit), &access.actor, moment) {
        return Bites::No;
    }
    let period = &block.content.period;
    if period.start.is_some() || period.end.is_some() {
        return Bites::Perhaps(Remark::NoInformationTime(named(&block.id)));
    }
    if access.holder_unit.is_none() && block.content.guards.unit().is_some() {
        return Bites::Perhaps(Remark::NoUnit(named(&block.id)));
    }
    if !type_is_told && !block.content.exempted.is_empty() {
        return Bites::Perhaps(Remark::NoType(named(&block.id)));
    }
    Bites::Surely
}

fn information(access: &LoggedAccess, unit: Option<HsaId>) -> Information {
    Information {
        period: Period::default(),
        // Where nobody tells the unit the provider stands for it: no inner block guards that.
        care_unit: unit.unwrap_or_else(|| access.holder.clone()),
        care_provider: access.holder.clone(),
        information_type: InformationType::of_code(&access.resource_type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::blocking::block::{BlockContent, Guards, Lift, TemporaryRevoke};
    use crate::domain::consent::assertion::{AssertionContent, Start};
    use crate::domain::lifetime::{FirstRemoval, Lifetime, State};

    fn id(text: &str) -> HsaId {
        HsaId::new(text).unwrap()
    }

    fn record(text: &str) -> RecordId {
        RecordId::new(text).unwrap()
    }

    fn at(minute: i64) -> Timestamp {
        "2026-03-10T10:00:00Z".parse::<Timestamp>().unwrap() + TimeDelta::minutes(minute)
    }

    fn patient(number: &str) -> PatientId {
        PatientId::new("1.2.752.129.2.1.3.1", number).unwrap()
    }

    /// P of unit V2 at provider V reads a unit of a provider at minute 0.
    fn access(holder: &str, unit: Option<&str>) -> LoggedAccess {
        LoggedAccess {
            patient: patient("191212121212"),
            actor: AccessingActor {
                employee: id("P"),
                care_provider: id("V"),
                care_unit: id("V2"),
            },
            at: at(0),
            purpose: CARE.to_owned(),
            activity: "Läsa".to_owned(),
            holder: id(holder),
            holder_unit: unit.map(id),
            resource_type: "Journaltext".to_owned(),
        }
    }

    fn block(name: &str, guards: Guards, stored: i64) -> Block {
        Block {
            id: record(name),
            content: BlockContent {
                patient: patient("191212121212"),
                guards,
                period: Period::default(),
                exempted: Vec::new(),
            },
            lifetime: Lifetime::from(at(stored)),
            revokes: Vec::new(),
            owner_id: None,
        }
    }

    fn inner(provider: &str, unit: &str) -> Block {
        block("b", Guards::Unit { provider: id(provider), unit: id(unit) }, -1_000)
    }

    fn outer(provider: &str) -> Block {
        block("b", Guards::Provider(id(provider)), -1_000)
    }

    fn consent(stored: i64) -> Assertion {
        Assertion {
            id: record("a"),
            content: AssertionContent {
                assertion_type: AssertionType::Consent,
                patient: patient("191212121212"),
                care_provider: id("V"),
                care_unit: id("V2"),
                employee: None,
                start: None,
                end: None,
                represented_by: None,
            },
            start: Start::AtOnce,
            patient_ends: Vec::new(),
            lifetime: Lifetime::from(at(stored)),
            source: None,
            owner_id: None,
        }
    }

    struct Facts {
        blocks: Vec<Block>,
        assertions: Vec<Assertion>,
        annulled: BTreeSet<String>,
        complete_from: Option<Timestamp>,
        holds_blocks_of: fn(&HsaId) -> bool,
    }

    fn facts(blocks: Vec<Block>, assertions: Vec<Assertion>) -> Facts {
        let annulled = BTreeSet::new();
        Facts { blocks, assertions, annulled, complete_from: None, holds_blocks_of: |_| true }
    }

    fn judged(access: &LoggedAccess, facts: &Facts) -> AccessVerdict {
        let facts = RegisterFacts {
            blocks: &facts.blocks,
            annulled: &facts.annulled,
            assertions: &facts.assertions,
            complete_from: facts.complete_from,
            holds_blocks_of: &facts.holds_blocks_of,
        };
        verdict(access, &facts)
    }

    fn class_of(access: &LoggedAccess, facts: &Facts) -> VerdictClass {
        judged(access, facts).class
    }

    #[test]
    fn v1_a_post_has_its_gravest_verdict() {
        let of = |class| AccessVerdict { class, remarks: Vec::new() };
        let gravest = of_post([VerdictClass::Own, VerdictClass::NoGround].map(of)).unwrap();
        assert_eq!(gravest.class, VerdictClass::NoGround);
        assert_eq!(of_post([]), None);
    }

    #[test]
    fn v2_facts_are_those_of_the_time() {
        let later = block("b", Guards::Provider(id("W")), 10);
        let open = facts(vec![later], vec![consent(-100)]);
        assert_eq!(class_of(&access("W", Some("W1")), &open), VerdictClass::Consent);
        let mut gone = outer("W");
        gone.lifetime.state = State::Removed { first: FirstRemoval::At(at(50)), how: () };
        let closed = facts(vec![gone], vec![consent(-100)]);
        assert_eq!(class_of(&access("W", Some("W1")), &closed), VerdictClass::AgainstBlock);
    }

    #[test]
    fn v3_what_is_told_wholly_is_decided_by_may_read() {
        let annulled = BTreeSet::new();
        for holder in ["V", "W"] {
            for blocks in [vec![], vec![inner(holder, "X1")], vec![outer(holder)]] {
                for assertions in [vec![], vec![consent(-100)], vec![consent(100)]] {
                    let read = access(holder, Some("X1"));
                    let information = information(&read, read.holder_unit.clone());
                    let then = Moment::Then(read.at);
                    let (patient, actor) = (&read.patient, &read.actor);
                    let rule = may_read(patient, &information, actor, &blocks, &assertions, then);
                    let all =
                        Facts { annulled: annulled.clone(), ..facts(blocks.clone(), assertions) };
                    assert_eq!(class_of(&read, &all), class(rule), "{read:?}");
                }
            }
        }
    }

    #[test]
    fn v4_what_is_not_told_is_decided_both_ways() {
        let mut dated = outer("W");
        dated.content.period.start = Some(at(-90_000));
        let told = judged(&access("W", Some("W1")), &facts(vec![dated], vec![consent(-100)]));
        assert_eq!(told.class, VerdictClass::Undecided);
        assert_eq!(told.remarks[0], Remark::NoInformationTime("b".to_owned()));
        let told = judged(&access("V", None), &facts(vec![inner("V", "V1")], vec![]));
        assert_eq!(told.class, VerdictClass::Undecided);
        assert_eq!(told.remarks, [Remark::NoUnit("b".to_owned())]);
        let mut exempting = outer("W");
        exempting.content.exempted = vec![InformationType::Lak];
        let with = facts(vec![exempting], vec![consent(-100)]);
        assert_eq!(class_of(&access("W", Some("W1")), &with), VerdictClass::Undecided);
        let lak = LoggedAccess { resource_type: "lak".into(), ..access("W", Some("W1")) };
        assert_eq!(class_of(&lak, &with), VerdictClass::Consent);
        let upp = LoggedAccess { resource_type: "upp".into(), ..access("W", Some("W1")) };
        assert_eq!(class_of(&upp, &with), VerdictClass::AgainstBlock);
        // One that surely closes leaves nothing open.
        let mut dated = outer("W");
        dated.id = record("c");
        dated.content.period.end = Some(at(0));
        let both = facts(vec![dated, outer("W")], vec![]);
        assert_eq!(class_of(&access("W", Some("W1")), &both), VerdictClass::AgainstBlock);
    }

    #[test]
    fn v5_a_minute_more_or_less_decides_nothing() {
        let consented = |minute| facts(vec![], vec![consent(minute)]);
        let read = access("W", Some("W1"));
        assert_eq!(class_of(&read, &consented(-2)), VerdictClass::Consent);
        let told = judged(&read, &consented(0));
        assert_eq!(told.class, VerdictClass::Undecided);
        let edge = Remark::AtTheEdge(VerdictClass::NoGround, VerdictClass::Consent);
        assert!(told.remarks.contains(&edge), "{told:?}");
        assert_eq!(class_of(&read, &consented(2)), VerdictClass::NoGround);
        // 02:30 of the night when the clock is put back is two instants.
        let night: Timestamp = "2026-10-25T00:30:00Z".parse().unwrap();
        let mut between = consent(0);
        between.lifetime = Lifetime::from(night + TimeDelta::minutes(30));
        let read = LoggedAccess { at: night, ..read };
        let told = judged(&read, &facts(vec![], vec![between]));
        assert_eq!(told.class, VerdictClass::Undecided);
    }

    #[test]
    fn v6_blocks_that_are_kept_elsewhere_may_bite() {
        let elsewhere = Facts { holds_blocks_of: |_| false, ..facts(vec![], vec![]) };
        let told = judged(&access("V", Some("V1")), &elsewhere);
        assert_eq!(
            (told.class, &told.remarks[..]),
            (VerdictClass::Undecided, &[Remark::BlocksElsewhere][..])
        );
        let closed = Facts { holds_blocks_of: |_| false, ..facts(vec![inner("V", "V1")], vec![]) };
        assert_eq!(class_of(&access("V", Some("V1")), &closed), VerdictClass::AgainstBlock);
    }

    /// For quality control, of unit X1 at a provider.
    fn controlled(holder: &str) -> LoggedAccess {
        LoggedAccess { purpose: "Kvalitetssäkring".into(), ..access(holder, Some("X1")) }
    }

    #[test]
    fn v7_within_the_provider_any_purpose_will_do() {
        assert_eq!(class_of(&controlled("V"), &facts(vec![], vec![])), VerdictClass::Own);
        let closed = facts(vec![inner("V", "X1")], vec![]);
        assert_eq!(class_of(&controlled("V"), &closed), VerdictClass::AgainstBlock);
    }

    #[test]
    fn v8_between_providers_no_consent_decides_for_other_purposes() {
        let told = judged(&controlled("W"), &facts(vec![], vec![consent(-100)]));
        assert_eq!(told.class, VerdictClass::Undecided);
        assert!(told.remarks.contains(&Remark::Purpose));
        let closed = facts(vec![outer("W")], vec![consent(-100)]);
        assert_eq!(class_of(&controlled("W"), &closed), VerdictClass::AgainstBlock);
    }

    #[test]
    fn v9_a_childs_is_undecided() {
        let child = |number| LoggedAccess { patient: patient(number), ..access("W", Some("W1")) };
        let none = facts(vec![], vec![]);
        // 18 on the day itself is of age.
        assert_eq!(class_of(&child("200803105678"), &none), VerdictClass::NoGround);
        let told = judged(&child("200803115678"), &none);
        assert_eq!(
            (told.class, &told.remarks[..]),
            (VerdictClass::Undecided, &[Remark::Child][..])
        );
        assert_eq!(
            class_of(&child("201203715678"), &none),
            VerdictClass::Undecided,
            "a coordination number"
        );
        let unknown = LoggedAccess {
            patient: PatientId::new("1.2.3", "x").unwrap(),
            ..access("W", Some("W1"))
        };
        assert_eq!(class_of(&unknown, &none), VerdictClass::NoGround, "unknown age is no child");
    }

    #[test]
    fn v10_what_is_registered_later_is_told() {
        let told = judged(&access("W", Some("W1")), &facts(vec![], vec![consent(4)]));
        let later = Remark::RegisteredLater("a".to_owned(), 4);
        assert_eq!((told.class, &told.remarks[..]), (VerdictClass::NoGround, &[later][..]));
        let much = judged(&access("W", Some("W1")), &facts(vec![], vec![consent(24 * 60 + 1)]));
        assert_eq!((much.class, much.remarks.len()), (VerdictClass::NoGround, 0));
        // Afterwards, for a time that is over by then, is told; what was to start later would not have opened.
        let mut emergency = consent(90);
        emergency.content.assertion_type = AssertionType::Emergency;
        (emergency.start, emergency.content.end) = (Start::At(at(-30)), Some(at(30)));
        let told = judged(&access("W", Some("W1")), &facts(vec![], vec![emergency]));
        assert_eq!(told.remarks, [Remark::RegisteredLater("a".to_owned(), 90)]);
        let mut future = consent(4);
        future.start = Start::At(at(7 * 24 * 60));
        let told = judged(&access("W", Some("W1")), &facts(vec![], vec![future]));
        assert_eq!((told.class, told.remarks.len()), (VerdictClass::NoGround, 0));
    }

    #[test]
    fn v11_what_was_annulled_later_was_in_force() {
        let mut gone = outer("W");
        gone.lifetime.state = State::Removed { first: FirstRemoval::At(at(50)), how: () };
        let annulled = Facts { annulled: ["b".to_owned()].into(), ..facts(vec![gone], vec![]) };
        let told = judged(&access("W", Some("W1")), &annulled);
        assert_eq!(told.class, VerdictClass::AgainstBlock);
        assert!(told.remarks.contains(&Remark::AnnulledLater("b".to_owned())));
    }

    #[test]
    fn v12_a_claimed_emergency_is_told() {
        let claims = LoggedAccess { activity: "Nödöppning".into(), ..access("W", Some("W1")) };
        let told = judged(&claims, &facts(vec![], vec![]));
        assert_eq!(
            (told.class, &told.remarks[..]),
            (VerdictClass::NoGround, &[Remark::ClaimsEmergency][..])
        );
        let mut emergency = consent(-100);
        emergency.content.assertion_type = AssertionType::Emergency;
        let told = judged(&claims, &facts(vec![], vec![emergency]));
        assert_eq!(told.class, VerdictClass::Emergency);
        assert!(!told.remarks.contains(&Remark::ClaimsEmergency));
        // One that is registered is registered, whatever else opens or closes.
        let mut emergency = consent(-100);
        emergency.content.assertion_type = AssertionType::Emergency;
        for all in [
            facts(vec![], vec![emergency.clone(), consent(-50)]),
            facts(vec![outer("W")], vec![emergency]),
        ] {
            let told = judged(&claims, &all);
            assert_ne!(told.class, VerdictClass::Emergency);
            assert!(!told.remarks.contains(&Remark::ClaimsEmergency), "{told:?}");
        }
    }

    #[test]
    fn v13_before_the_registers_nothing_is_decided() {
        let young = Facts { complete_from: Some(at(1)), ..facts(vec![], vec![]) };
        assert_eq!(judged(&access("V", None), &young).remarks, [Remark::History]);
        let old = Facts { complete_from: Some(at(-2)), ..facts(vec![], vec![]) };
        assert_eq!(class_of(&access("V", None), &old), VerdictClass::Own);
        // What was removed twice before the first time was kept may have stood.
        let twice = || State::Removed { first: FirstRemoval::NotAfter(at(50)), how: () };
        let mut doubtful = outer("W");
        doubtful.lifetime.state = twice();
        let told = judged(&access("W", Some("W1")), &facts(vec![doubtful], vec![consent(-100)]));
        assert_eq!(
            (told.class, &told.remarks[..1]),
            (VerdictClass::Undecided, &[Remark::History][..])
        );
        let mut doubtful = consent(-100);
        doubtful.lifetime.state = twice();
        let told = judged(&access("W", Some("W1")), &facts(vec![], vec![doubtful.clone()]));
        assert_eq!(
            (told.class, &told.remarks[..1]),
            (VerdictClass::Undecided, &[Remark::History][..])
        );
        let sure = facts(vec![], vec![doubtful, consent(-90)]);
        assert_eq!(class_of(&access("W", Some("W1")), &sure), VerdictClass::Consent);
    }

    #[test]
    fn v14_no_word_calls_an_access_unlawful() {
        for class in VerdictClass::ALL {
            assert!(!class.words().to_lowercase().contains("olovlig"));
        }
    }

    #[test]
    fn v15_the_same_facts_in_any_order_give_the_same_verdict() {
        let mut more = outer("W");
        more.id = record("c");
        let one = facts(vec![outer("W"), more.clone()], vec![consent(-5), consent(-100)]);
        let other = facts(vec![more, outer("W")], vec![consent(-100), consent(-5)]);
        let read = access("W", Some("W1"));
        assert_eq!(judged(&read, &one), judged(&read, &other));
    }

    #[test]
    fn a_lifted_block_is_told_beside_what_opens() {
        let mut lifted = outer("W");
        lifted.revokes.push(TemporaryRevoke {
            id: record("r"),
            lift: Lift { end: at(100), care_unit: id("V2"), employee: None },
            lifetime: Lifetime::from(at(-10)),
            owner_id: None,
        });
        let told = judged(&access("W", Some("W1")), &facts(vec![lifted], vec![consent(-100)]));
        assert_eq!(told.class, VerdictClass::Consent);
        assert!(told.remarks.contains(&Remark::Lifted("b".to_owned())));
    }
}
