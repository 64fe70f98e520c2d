//! What a block is, and when it bites.
//!
//! A block (spärr) is the patient's wish that information held by one care unit or care
//! provider stays closed to those outside it. A temporary revoke (tillfällig hävning) lifts
//! a block for one unit's staff, or one employee there, until a given moment. What may
//! happen to a block is in `block_change`.
//!
//! # Rules
//! A block stops an actor from a piece of information when all of these hold
//! [TKB blocking 4.0.4, `CheckBlocks`]:
//! - **B1** The block is active: neither revoked for good nor annulled nor unregistered.
//! - **B2** It is the asked patient's block.
//! - **B3** It guards the information's source: the same care provider, and for an inner
//!   block (inre spärr) also the same care unit.
//! - **B4** The actor is an outsider: for an outer block (yttre spärr) somebody of another
//!   care provider, for an inner block somebody of another care unit, whatever the provider.
//! - **B5** The information was registered within the block's period: the closed intervals
//!   share at least one instant; a missing bound is unbounded.
//! - **B6** The information's type is not among the types that the block exempts. Only `lak`
//!   and `upp` are types; every other value counts as none.
//! - **B7** No temporary revoke of this block is in force for the actor: not cancelled, its
//!   end still to come, for the actor's unit, and for everybody there or this employee.

use super::identity::{AccessingActor, HsaId, PatientId, RecordId};
use super::time::{Period, Timestamp};

/// Against whom a block protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockType {
    /// Other care units.
    Inner,
    /// Other care providers.
    Outer,
}

/// The information types that a block can exempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InformationType {
    /// Medication, ordination and prescription.
    Lak,
    /// Attention information.
    Upp,
}

impl InformationType {
    /// The type that a code names, or `None` for every other value.
    pub fn of_code(code: &str) -> Option<Self> {
        match code {
            "lak" => Some(Self::Lak),
            "upp" => Some(Self::Upp),
            _ => None,
        }
    }

    /// The code on the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::Lak => "lak",
            Self::Upp => "upp",
        }
    }

    /// The text that answers carry beside the code.
    pub fn description(self) -> &'static str {
        match self {
            Self::Lak => "Läkemedel - Ordination/förskrivning",
            Self::Upp => "Uppmärksamhetsinformation",
        }
    }
}

/// A temporary revoke of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemporaryRevoke {
    /// Made by the caller.
    pub id: RecordId,
    /// When it stops applying.
    pub end: Timestamp,
    /// The unit whose staff may see.
    pub care_unit: HsaId,
    /// Only this employee; `None` is all authorised staff of the unit.
    pub employee: Option<HsaId>,
    /// Taken back before its end.
    pub cancelled: bool,
    /// The system that created it; for technical tracing only.
    pub owner_id: Option<String>,
}

/// A block, as access decisions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Made by the caller.
    pub id: RecordId,
    /// Against whom it protects.
    pub block_type: BlockType,
    /// Whose information it closes.
    pub patient: PatientId,
    /// Which information, by when that was registered. Not a validity period.
    pub period: Period,
    /// The care unit that holds the information; on inner blocks only.
    pub care_unit: Option<HsaId>,
    /// The care provider that holds the information.
    pub care_provider: HsaId,
    /// Types that stay open, sorted and without doubles.
    pub exempted: Vec<InformationType>,
    /// Revoked for good, annulled or unregistered.
    pub removed: bool,
    /// Its temporary revokes.
    pub revokes: Vec<TemporaryRevoke>,
    /// The system that created it; for technical tracing only.
    pub owner_id: Option<String>,
}

/// A piece of information somebody wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Information {
    /// The time span in which it was registered.
    pub period: Period,
    /// The unit that holds it.
    pub care_unit: HsaId,
    /// The care provider that holds it.
    pub care_provider: HsaId,
    /// Its type, where it is one that blocks can exempt.
    pub information_type: Option<InformationType>,
}

/// Whether any of the blocks closes `information` about `patient` to `actor` at `now`.
pub fn is_blocked(
    blocks: &[Block],
    patient: &PatientId,
    information: &Information,
    actor: &AccessingActor,
    now: Timestamp,
) -> bool {
    blocks.iter().any(|block| block.bites(patient, information, actor, now))
}

impl Block {
    /// A block bites when every rule above says so; each line is one rule.
    pub fn bites(
        &self,
        patient: &PatientId,
        information: &Information,
        actor: &AccessingActor,
        now: Timestamp,
    ) -> bool {
        !self.removed                                          // B1
            && self.patient == *patient                        // B2
            && self.guards_source_of(information)              // B3
            && self.shuts_out(actor)                           // B4
            && self.period.overlaps(&information.period)       // B5
            && !self.exempts_type_of(information)              // B6
            && !self.is_lifted_for(actor, now) // B7
    }

    fn guards_source_of(&self, information: &Information) -> bool {
        self.care_provider == information.care_provider
            && match self.block_type {
                BlockType::Inner => self.care_unit.as_ref() == Some(&information.care_unit),
                BlockType::Outer => true,
            }
    }

    fn shuts_out(&self, actor: &AccessingActor) -> bool {
        match self.block_type {
            BlockType::Inner => self.care_unit.as_ref() != Some(&actor.care_unit),
            BlockType::Outer => self.care_provider != actor.care_provider,
        }
    }

    fn exempts_type_of(&self, information: &Information) -> bool {
        information.information_type.is_some_and(|t| self.exempted.contains(&t))
    }

    fn is_lifted_for(&self, actor: &AccessingActor, now: Timestamp) -> bool {
        self.revokes.iter().any(|revoke| revoke.lifts_for(actor, now))
    }
}

impl TemporaryRevoke {
    /// Whether it has neither been cancelled nor reached its end.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        !self.cancelled && now < self.end
    }

    fn lifts_for(&self, actor: &AccessingActor, now: Timestamp) -> bool {
        self.is_in_force(now)
            && self.care_unit == actor.care_unit
            && self.employee.as_ref().is_none_or(|employee| *employee == actor.employee)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> HsaId {
        HsaId::new(text).unwrap()
    }

    fn at(hour: u32) -> Timestamp {
        format!("2026-01-01T{hour:02}:00:00Z").parse().unwrap()
    }

    fn patient(number: &str) -> PatientId {
        PatientId::new("1.2.752.129.2.1.3.1", number).unwrap()
    }

    /// An inner block of unit A1 at provider A, of what was registered from 2 to 4.
    fn inner() -> Block {
        Block {
            id: RecordId::new("b").unwrap(),
            block_type: BlockType::Inner,
            patient: patient("191212121212"),
            period: Period { start: Some(at(2)), end: Some(at(4)) },
            care_unit: Some(id("A1")),
            care_provider: id("A"),
            exempted: Vec::new(),
            removed: false,
            revokes: Vec::new(),
            owner_id: None,
        }
    }

    fn outer() -> Block {
        Block { block_type: BlockType::Outer, care_unit: None, ..inner() }
    }

    fn actor(provider: &str, unit: &str) -> AccessingActor {
        AccessingActor { employee: id("P"), care_provider: id(provider), care_unit: id(unit) }
    }

    fn information() -> Information {
        Information {
            period: Period { start: Some(at(3)), end: Some(at(3)) },
            care_unit: id("A1"),
            care_provider: id("A"),
            information_type: None,
        }
    }

    fn bites(block: &Block, information: &Information, actor: &AccessingActor) -> bool {
        block.bites(&patient("191212121212"), information, actor, at(10))
    }

    #[test]
    fn b1_a_removed_block_does_not_bite() {
        assert!(bites(&inner(), &information(), &actor("B", "B1")));
        assert!(!bites(&Block { removed: true, ..inner() }, &information(), &actor("B", "B1")));
    }

    #[test]
    fn b2_a_block_is_its_patients_only() {
        let other = patient("191212121213");
        assert!(!inner().bites(&other, &information(), &actor("B", "B1"), at(10)));
    }

    #[test]
    fn b3_a_block_guards_its_source() {
        let elsewhere = Information { care_unit: id("A2"), ..information() };
        assert!(!bites(&inner(), &elsewhere, &actor("B", "B1")));
        assert!(bites(&outer(), &elsewhere, &actor("B", "B1")));
        // The same unit id at another provider is another source.
        let foreign = Information { care_provider: id("B"), ..information() };
        assert!(!bites(&inner(), &foreign, &actor("C", "C1")));
        assert!(!bites(&outer(), &foreign, &actor("C", "C1")));
    }

    #[test]
    fn b4_outsiders_are_shut_out_and_insiders_are_not() {
        assert!(!bites(&inner(), &information(), &actor("A", "a1")));
        assert!(bites(&inner(), &information(), &actor("A", "A2")));
        assert!(bites(&inner(), &information(), &actor("B", "B1")));
        assert!(!bites(&outer(), &information(), &actor("a", "A2")));
        assert!(bites(&outer(), &information(), &actor("B", "A1")));
    }

    #[test]
    fn b5_periods_that_share_an_instant_are_blocked() {
        let spans = |start, end| {
            let period = Period { start: Some(at(start)), end: Some(at(end)) };
            bites(&inner(), &Information { period, ..information() }, &actor("B", "B1"))
        };
        assert!(spans(3, 3) && spans(1, 2) && spans(4, 5) && spans(1, 9));
        assert!(!spans(0, 1) && !spans(5, 6));
        let unbounded = Block { period: Period::default(), ..inner() };
        assert!(bites(&unbounded, &information(), &actor("B", "B1")));
    }

    #[test]
    fn b6_each_exempted_type_passes_by_itself() {
        let lak = Block { exempted: vec![InformationType::Lak], ..inner() };
        let of = |information_type| Information { information_type, ..information() };
        assert!(!bites(&lak, &of(Some(InformationType::Lak)), &actor("B", "B1")));
        assert!(bites(&lak, &of(Some(InformationType::Upp)), &actor("B", "B1")));
        assert!(bites(&lak, &of(None), &actor("B", "B1")));
        assert_eq!(InformationType::of_code("LAK"), None);
    }

    #[test]
    fn b7_a_temporary_revoke_lifts_its_own_block_until_its_end() {
        let revoke = |unit: &str, employee: Option<&str>, end, cancelled| TemporaryRevoke {
            id: RecordId::new("r").unwrap(),
            end: at(end),
            care_unit: id(unit),
            employee: employee.map(id),
            cancelled,
            owner_id: None,
        };
        let lifted = |revoke| {
            let block = Block { revokes: vec![revoke], ..inner() };
            !bites(&block, &information(), &actor("B", "B1"))
        };
        assert!(lifted(revoke("b1", None, 11, false)));
        assert!(lifted(revoke("B1", Some("p"), 11, false)));
        assert!(!lifted(revoke("B1", Some("Q"), 11, false)));
        assert!(!lifted(revoke("B2", None, 11, false)));
        assert!(!lifted(revoke("B1", None, 11, true)));
        assert!(!lifted(revoke("B1", None, 10, false)), "at its end it has ended");
        let lifted = Block { revokes: vec![revoke("B1", None, 11, false)], ..inner() };
        let both = [lifted, outer()];
        let (patient, now) = (patient("191212121212"), at(10));
        assert!(is_blocked(&both, &patient, &information(), &actor("B", "B1"), now));
    }
}
