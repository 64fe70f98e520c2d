//! What a block is, and when it bites.
//!
//! A block (spärr) is the patient's wish that information held by one care unit or care
//! provider stays closed to those outside it. A temporary revoke (tillfällig hävning) lifts
//! a block for one unit's staff, or one employee there, until a given moment. What may
//! happen to a block is in `registration` and `lifecycle`.
//!
//! # Rules
//! A block stops an actor from a piece of information when all of these hold
//! [TKB blocking 4.0.4, `CheckBlocks`]:
//! - **B1** The block is in force: neither revoked for good nor annulled nor unregistered.
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

use crate::domain::identity::{AccessingActor, HsaId, PatientId, RecordId};
use crate::domain::lifetime::Lifetime;
use crate::domain::period::Period;
use crate::domain::time::{Moment, Timestamp};
use std::collections::HashMap;

/// Which source a block guards, and so against whom it protects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guards {
    /// An inner block: one care unit, against everybody outside it.
    Unit {
        /// The unit's care provider.
        provider: HsaId,
        /// The unit.
        unit: HsaId,
    },
    /// An outer block: a care provider, against other care providers.
    Provider(HsaId),
}

impl Guards {
    /// The care provider that holds the information.
    pub fn provider(&self) -> &HsaId {
        match self {
            Self::Unit { provider, .. } | Self::Provider(provider) => provider,
        }
    }

    /// The care unit that holds the information, on inner blocks.
    pub fn unit(&self) -> Option<&HsaId> {
        match self {
            Self::Unit { unit, .. } => Some(unit),
            Self::Provider(_) => None,
        }
    }
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

/// Whom a temporary revoke lets see, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lift {
    /// When it stops applying.
    pub end: Timestamp,
    /// The unit whose staff may see.
    pub care_unit: HsaId,
    /// Only this employee; `None` is all authorised staff of the unit.
    pub employee: Option<HsaId>,
}

/// A temporary revoke of a block; `How` is what is known of its cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemporaryRevoke<How = ()> {
    /// Made by the caller.
    pub id: RecordId,
    /// What it says.
    pub lift: Lift,
    /// When it was stored, and whether it has been cancelled.
    pub lifetime: Lifetime<How>,
    /// The system that created it; for technical tracing only.
    pub owner_id: Option<String>,
}

/// What a block closes: what decides about access, and so what a repetition must repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockContent {
    /// Whose information it closes.
    pub patient: PatientId,
    /// Which source it guards.
    pub guards: Guards,
    /// Which information, by when that was registered. Not a validity period.
    pub period: Period,
    /// Types that stay open, sorted and without doubles.
    pub exempted: Vec<InformationType>,
}

/// A block with its temporary revokes; `How` is what is known of its removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block<How = ()> {
    /// Made by the caller.
    pub id: RecordId,
    /// What it closes.
    pub content: BlockContent,
    /// When it was stored, and whether it has been taken away.
    pub lifetime: Lifetime<How>,
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

/// Whether any of the blocks closes `information` about `patient` to `actor` at a moment.
pub fn is_blocked<'b>(
    blocks: impl IntoIterator<Item = &'b Block>,
    patient: &PatientId,
    information: &Information,
    actor: &AccessingActor,
    moment: Moment,
) -> bool {
    blocks.into_iter().any(|block| block.bites(patient, information, actor, moment))
}

/// Blocks by the source that they guard (B3): of many, only some concern a piece of information.
#[derive(Debug, Default)]
pub struct BlocksBySource<'b> {
    of_provider: HashMap<String, Vec<&'b Block>>,
    of_unit: HashMap<(String, String), Vec<&'b Block>>,
}

impl<'b> BlocksBySource<'b> {
    /// These blocks.
    pub fn of(blocks: &'b [Block]) -> Self {
        let mut found = Self::default();
        for block in blocks {
            let guards = &block.content.guards;
            let provider = guards.provider().key();
            let like = match guards.unit() {
                Some(unit) => found.of_unit.entry((provider, unit.key())).or_default(),
                None => found.of_provider.entry(provider).or_default(),
            };
            like.push(block);
        }
        found
    }

    /// Those that guard the source of `information`.
    pub fn guarding(&self, information: &Information) -> impl Iterator<Item = &'b Block> {
        let (mut outer, mut inner) = (None, None);
        // Most patients have no blocks at all.
        if !self.of_provider.is_empty() || !self.of_unit.is_empty() {
            let source = (information.care_provider.key(), information.care_unit.key());
            outer = self.of_provider.get(&source.0);
            inner = self.of_unit.get(&source);
        }
        outer.into_iter().chain(inner).flatten().copied()
    }
}

impl<How> Block<How> {
    /// A block bites when every rule above says so; each line is one rule.
    pub fn bites(
        &self,
        patient: &PatientId,
        information: &Information,
        actor: &AccessingActor,
        moment: Moment,
    ) -> bool {
        self.lifetime.stood(moment)                                // B1
            && self.content.patient == *patient                    // B2
            && self.content.guards.source_of(information)          // B3
            && self.content.guards.against(actor)                  // B4
            && self.content.period.overlaps(&information.period)   // B5
            && !self.content.exempts_type_of(information)          // B6
            && !self.is_lifted_for(actor, moment) // B7
    }

    fn is_lifted_for(&self, actor: &AccessingActor, moment: Moment) -> bool {
        self.revokes.iter().any(|revoke| revoke.lifts_for(actor, moment))
    }
}

impl Guards {
    fn source_of(&self, information: &Information) -> bool {
        *self.provider() == information.care_provider
            && self.unit().is_none_or(|unit| *unit == information.care_unit)
    }

    fn against(&self, actor: &AccessingActor) -> bool {
        match self {
            Self::Unit { unit, .. } => *unit != actor.care_unit,
            Self::Provider(provider) => *provider != actor.care_provider,
        }
    }
}

impl BlockContent {
    fn exempts_type_of(&self, information: &Information) -> bool {
        information.information_type.is_some_and(|t| self.exempted.contains(&t))
    }
}

impl<How> TemporaryRevoke<How> {
    /// Whether it had neither been cancelled nor reached its end.
    pub fn is_in_force(&self, moment: Moment) -> bool {
        self.lifetime.stood(moment) && moment.at() < self.lift.end
    }

    fn lifts_for(&self, actor: &AccessingActor, moment: Moment) -> bool {
        self.is_in_force(moment)
            && self.lift.care_unit == actor.care_unit
            && self.lift.employee.as_ref().is_none_or(|employee| *employee == actor.employee)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lifetime::{FirstRemoval, State};

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
            content: BlockContent {
                patient: patient("191212121212"),
                guards: Guards::Unit { provider: id("A"), unit: id("A1") },
                period: Period { start: Some(at(2)), end: Some(at(4)) },
                exempted: Vec::new(),
            },
            lifetime: Lifetime::from(at(1)),
            revokes: Vec::new(),
            owner_id: None,
        }
    }

    fn with(change: impl FnOnce(&mut BlockContent)) -> Block {
        let mut block = inner();
        change(&mut block.content);
        block
    }

    fn outer() -> Block {
        with(|content| content.guards = Guards::Provider(id("A")))
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
        block.bites(&patient("191212121212"), information, actor, Moment::Now(at(10)))
    }

    #[test]
    fn b1_a_block_bites_while_it_stands() {
        assert!(bites(&inner(), &information(), &actor("B", "B1")));
        let mut gone = inner();
        gone.lifetime.state = State::Removed { first: FirstRemoval::At(at(6)), how: () };
        assert!(!bites(&gone, &information(), &actor("B", "B1")));
        let asked = |moment| {
            gone.bites(&patient("191212121212"), &information(), &actor("B", "B1"), moment)
        };
        assert!(asked(Moment::Then(at(5))) && !asked(Moment::Then(at(6))), "as it was");
        assert!(!asked(Moment::Then(at(0))), "before it was stored");
    }

    #[test]
    fn b2_a_block_is_its_patients_only() {
        let other = patient("191212121213");
        assert!(!inner().bites(&other, &information(), &actor("B", "B1"), Moment::Now(at(10))));
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
        let unbounded = with(|content| content.period = Period::default());
        assert!(bites(&unbounded, &information(), &actor("B", "B1")));
    }

    #[test]
    fn b6_each_exempted_type_passes_by_itself() {
        let lak = with(|content| content.exempted = vec![InformationType::Lak]);
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
            lift: Lift { end: at(end), care_unit: id(unit), employee: employee.map(id) },
            lifetime: Lifetime {
                stored_at: at(5),
                state: match cancelled {
                    true => State::Removed { first: FirstRemoval::At(at(8)), how: () },
                    false => State::Standing,
                },
            },
            owner_id: None,
        };
        let lifted_at = |revoke, moment| {
            let block = Block { revokes: vec![revoke], ..inner() };
            !block.bites(&patient("191212121212"), &information(), &actor("B", "B1"), moment)
        };
        let lifted = |revoke| lifted_at(revoke, Moment::Now(at(10)));
        assert!(lifted(revoke("b1", None, 11, false)));
        assert!(lifted(revoke("B1", Some("p"), 11, false)));
        assert!(!lifted(revoke("B1", Some("Q"), 11, false)));
        assert!(!lifted(revoke("B2", None, 11, false)));
        assert!(!lifted(revoke("B1", None, 11, true)));
        assert!(!lifted(revoke("B1", None, 10, false)), "at its end it has ended");
        let then = |hour| lifted_at(revoke("B1", None, 11, true), Moment::Then(at(hour)));
        assert!(!then(4) && then(5) && then(7) && !then(8), "as it was");
        let lifted = Block { revokes: vec![revoke("B1", None, 11, false)], ..inner() };
        let both = [lifted, outer()];
        let (patient, now) = (patient("191212121212"), Moment::Now(at(10)));
        assert!(is_blocked(&both, &patient, &information(), &actor("B", "B1"), now));
    }
}
