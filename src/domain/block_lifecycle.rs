//! How a block and its temporary revokes are taken away, and by whom.
//!
//! The local service is master of what was registered in it with who asked and who registered
//! (the extended contracts); the national service keeps copies in the basic format.
//!
//! # Rules
//! - **BL1** An id that the service has never seen is not found.
//! - **BL2** A removal that repeats what was said in the same way is done already; in other
//!   words it comes too late.
//! - **BL3** A block that is annulled cannot be revoked; one that is revoked can be annulled.
//! - **BL4** What was registered here is changed by the extended contracts only, and a copy by
//!   the basic ones only.
//! - **BL5** A temporary revoke is registered for an active block, with an end to come. Repeated
//!   in the same words it is done already, whatever has happened since.
//! - **BL6** A temporary revoke that has run out can still be cancelled.
//! - **BL7** The care provider's policy may limit how long a block is lifted, and whether an
//!   outer block is.

use super::block::{Block, BlockType, TemporaryRevoke};
use super::block_change::Registration;
use super::identity::{Action, HsaId, RecordId};
use super::outcome::Outcome;
use super::rejection::{Class, Rejection};
use super::time::Timestamp;
use chrono::Duration;

/// Who took something away, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Who asked and who registered.
    pub action: Action,
    /// The reason given beside the action; wins over the action's own.
    pub reason: Option<String>,
}

/// A block with what has happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHistory {
    /// As it was registered; its block tells whether it is active.
    pub registration: Registration,
    /// Revoked for good.
    pub revoked: Option<Removal>,
    /// Annulled.
    pub deleted: Option<Removal>,
}

/// Why a block was lifted for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokeReason {
    /// The patient agreed.
    PatientsConsent,
    /// The patient could not be asked.
    Emergency,
}

/// What only the extended format tells of a temporary revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeDetails {
    /// Why.
    pub reason: RevokeReason,
    /// Why, in free text.
    pub reason_text: Option<String>,
    /// Who asked and who registered.
    pub action: Action,
}

/// A temporary revoke with what has happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeHistory {
    /// The revoke itself; it tells whether it is cancelled.
    pub revoke: TemporaryRevoke,
    /// The block that it lifts.
    pub block: RecordId,
    /// In the extended format only.
    pub details: Option<RevokeDetails>,
    /// Cancelled, in the extended format.
    pub cancelled: Option<Removal>,
}

/// How a care provider lets its blocks be lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiftPolicy {
    /// The longest that a block may be lifted, from now; `None` is as long as one likes.
    pub longest: Option<Duration>,
    /// Whether outer blocks may be lifted at all.
    pub outer_blocks: bool,
}

/// The policies of an installation.
#[derive(Debug, Clone)]
pub struct LiftPolicies {
    /// For every care provider that has none of its own.
    pub default: LiftPolicy,
    /// Those that have.
    pub own: Vec<(HsaId, LiftPolicy)>,
}

impl LiftPolicies {
    /// A care provider's policy.
    pub fn of(&self, care_provider: &HsaId) -> LiftPolicy {
        let own = self.own.iter().find(|(id, _)| id == care_provider);
        own.map_or(self.default, |(_, policy)| *policy)
    }
}

impl Default for LiftPolicies {
    fn default() -> Self {
        let default = LiftPolicy { longest: Some(Duration::days(7)), outer_blocks: true };
        Self { default, own: Vec::new() }
    }
}

/// Which contracts a change came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Those of the national service.
    Basic,
    /// Those of the local service.
    Extended,
}

impl Format {
    fn of(extended: bool) -> Self {
        if extended { Self::Extended } else { Self::Basic }
    }

    /// Whether the change comes the way that the object came (BL4).
    fn check(self, object: Self) -> Result<(), Rejection> {
        match (self, object) {
            (Self::Basic, Self::Extended) => Err(wrong_state(
                "Objektet är registrerat i den här tjänsten och ändras bara med de lokala kontrakten.",
            )),
            (Self::Extended, Self::Basic) => Err(wrong_state(
                "Objektet är en kopia från en annan tjänst och kan bara ändras där det skapades.",
            )),
            _ => Ok(()),
        }
    }
}

fn wrong_state(text: &'static str) -> Rejection {
    Rejection::new(Class::InvalidState, text)
}

fn no_block() -> Rejection {
    Rejection::new(Class::NotFound, "Det finns ingen spärr med detta blockId.")
}

fn no_revoke() -> Rejection {
    Rejection::new(
        Class::NotFound,
        "Det finns ingen tillfällig hävning med detta temporaryRevokeId.",
    )
}

/// Revokes a block for good (BL1 to BL4).
///
/// # Errors
/// Why it cannot be done.
pub fn revoke(stored: Option<&BlockHistory>, new: &Removal) -> Result<Outcome, Rejection> {
    let stored = stored.ok_or_else(no_block)?;
    Format::Extended.check(stored.format())?;
    match (&stored.revoked, &stored.deleted) {
        (Some(old), _) => repeated(old, new, "Spärren är redan hävd."),
        (None, Some(_)) => Err(wrong_state("Spärren är makulerad och kan inte hävas.")),
        (None, None) => Ok(Outcome::Store),
    }
}

/// Annuls a block (BL1 to BL4).
///
/// # Errors
/// Why it cannot be done.
pub fn delete(stored: Option<&BlockHistory>, new: &Removal) -> Result<Outcome, Rejection> {
    let stored = stored.ok_or_else(no_block)?;
    Format::Extended.check(stored.format())?;
    match &stored.deleted {
        Some(old) => repeated(old, new, "Spärren är redan makulerad."),
        None => Ok(Outcome::Store),
    }
}

/// Removes a copy of a block (BL1, BL2, BL4).
///
/// # Errors
/// Why it cannot be done.
pub fn unregister(stored: Option<&BlockHistory>) -> Result<Outcome, Rejection> {
    let stored = stored.ok_or_else(no_block)?;
    if stored.registration.block.removed {
        return Ok(Outcome::Repeated);
    }
    Format::Basic.check(stored.format())?;
    Ok(Outcome::Store)
}

/// Lifts a block for a time (BL1, BL4, BL5).
///
/// # Errors
/// Why it cannot be done.
pub fn register_revoke(
    block: Option<&BlockHistory>,
    stored: Option<&RevokeHistory>,
    new: &RevokeHistory,
    now: Timestamp,
) -> Result<Outcome, Rejection> {
    if let Some(stored) = stored {
        return match stored.says_the_same_as(new) {
            true => Ok(Outcome::Repeated),
            false => Err(Rejection::new(
                Class::AlreadyExists,
                "En tillfällig hävning med samma temporaryRevokeId men annat innehåll finns redan.",
            )),
        };
    }
    let block = block.ok_or_else(no_block)?;
    Format::of(new.details.is_some()).check(block.format())?;
    if block.registration.block.removed {
        return Err(wrong_state("Spärren är redan hävd eller makulerad."));
    }
    check_end(new, now)?;
    Ok(Outcome::Store)
}

/// Whether the end is still to come (BL5).
///
/// # Errors
/// That it is not.
pub fn check_end(new: &RevokeHistory, now: Timestamp) -> Result<(), Rejection> {
    match now < new.revoke.end {
        true => Ok(()),
        false => Err(Rejection::validation("endDate: måste ligga i framtiden")),
    }
}

/// Takes a temporary revoke back in the local service (BL1, BL2, BL4, BL6).
///
/// # Errors
/// Why it cannot be done.
pub fn cancel(stored: Option<&RevokeHistory>, new: &Removal) -> Result<Outcome, Rejection> {
    let stored = stored.ok_or_else(no_revoke)?;
    Format::Extended.check(stored.format())?;
    match &stored.cancelled {
        Some(old) => repeated(old, new, "Den tillfälliga hävningen är redan återkallad."),
        None => Ok(Outcome::Store),
    }
}

/// Removes a copy of a temporary revoke (BL1, BL2, BL4, BL6).
///
/// # Errors
/// Why it cannot be done.
pub fn unregister_revoke(stored: Option<&RevokeHistory>) -> Result<Outcome, Rejection> {
    let stored = stored.ok_or_else(no_revoke)?;
    if stored.revoke.cancelled {
        return Ok(Outcome::Repeated);
    }
    Format::Basic.check(stored.format())?;
    Ok(Outcome::Store)
}

impl LiftPolicy {
    /// Whether the policy lets this block be lifted until `end` (BL7).
    ///
    /// # Errors
    /// What the policy forbids.
    pub fn allows(&self, block: &Block, end: Timestamp, now: Timestamp) -> Result<(), Rejection> {
        let refused = |text: String| Err(Rejection::new(Class::Error, text));
        if block.block_type == BlockType::Outer && !self.outer_blocks {
            return refused("Vårdgivaren tillåter inte tillfällig hävning av yttre spärr.".into());
        }
        match self.longest {
            Some(longest) if end - now > longest => refused(format!(
                "Vårdgivaren tillåter tillfällig hävning i högst {} dygn.",
                longest.num_days()
            )),
            _ => Ok(()),
        }
    }
}

impl BlockHistory {
    fn format(&self) -> Format {
        Format::of(self.registration.action.is_some())
    }
}

impl RevokeHistory {
    fn format(&self) -> Format {
        Format::of(self.details.is_some())
    }

    fn says_the_same_as(&self, other: &Self) -> bool {
        let said = |r: &Self| Self {
            revoke: TemporaryRevoke { cancelled: false, owner_id: None, ..r.revoke.clone() },
            cancelled: None,
            ..r.clone()
        };
        said(self) == said(other)
    }
}

fn repeated(old: &Removal, new: &Removal, too_late: &'static str) -> Result<Outcome, Rejection> {
    if old == new { Ok(Outcome::Repeated) } else { Err(wrong_state(too_late)) }
}

#[cfg(test)]
mod tests {
    use super::super::identity::{Actor, PatientId};
    use super::super::time::Period;
    use super::*;

    fn at(day: u32) -> Timestamp {
        format!("2026-01-{day:02}T00:00:00Z").parse().unwrap()
    }

    fn action() -> Action {
        let by =
            Actor { employee: HsaId::new("P").unwrap(), assignment: None, assignment_name: None };
        Action {
            requested_at: at(1),
            requested_by: by.clone(),
            registered_at: at(1),
            registered_by: by,
            reason: None,
        }
    }

    fn removal(reason: &str) -> Removal {
        Removal { action: action(), reason: Some(reason.into()) }
    }

    fn copy() -> BlockHistory {
        let block = Block {
            id: RecordId::new("b").unwrap(),
            block_type: BlockType::Outer,
            patient: PatientId::new("1.2.3", "1").unwrap(),
            period: Period::default(),
            care_unit: None,
            care_provider: HsaId::new("A").unwrap(),
            exempted: Vec::new(),
            removed: false,
            revokes: Vec::new(),
            owner_id: None,
        };
        let registration = Registration { block, action: None };
        BlockHistory { registration, revoked: None, deleted: None }
    }

    fn original() -> BlockHistory {
        let mut history = copy();
        history.registration.action = Some(action());
        history
    }

    fn removed(mut history: BlockHistory) -> BlockHistory {
        history.registration.block.removed = true;
        history
    }

    fn revoked() -> BlockHistory {
        BlockHistory { revoked: Some(removal("x")), ..removed(original()) }
    }

    fn deleted() -> BlockHistory {
        BlockHistory { deleted: Some(removal("x")), ..removed(original()) }
    }

    fn basic_revoke(end: Timestamp) -> RevokeHistory {
        RevokeHistory {
            revoke: TemporaryRevoke {
                id: RecordId::new("r").unwrap(),
                end,
                care_unit: HsaId::new("U").unwrap(),
                employee: None,
                cancelled: false,
                owner_id: None,
            },
            block: RecordId::new("b").unwrap(),
            details: None,
            cancelled: None,
        }
    }

    fn extended_revoke(end: Timestamp) -> RevokeHistory {
        let details =
            RevokeDetails { reason: RevokeReason::Emergency, reason_text: None, action: action() };
        RevokeHistory { details: Some(details), ..basic_revoke(end) }
    }

    fn class<T: std::fmt::Debug>(outcome: Result<T, Rejection>) -> Class {
        outcome.unwrap_err().class
    }

    #[test]
    fn bl1_what_was_never_seen_is_not_found() {
        assert_eq!(class(revoke(None, &removal("x"))), Class::NotFound);
        assert_eq!(class(delete(None, &removal("x"))), Class::NotFound);
        assert_eq!(class(unregister(None)), Class::NotFound);
        assert_eq!(class(cancel(None, &removal("x"))), Class::NotFound);
        assert_eq!(class(unregister_revoke(None)), Class::NotFound);
        let new = extended_revoke(at(9));
        assert_eq!(class(register_revoke(None, None, &new, at(2))), Class::NotFound);
    }

    #[test]
    fn bl2_only_the_same_words_repeat_a_removal() {
        assert_eq!(revoke(Some(&original()), &removal("x")), Ok(Outcome::Store));
        assert_eq!(revoke(Some(&revoked()), &removal("x")), Ok(Outcome::Repeated));
        assert_eq!(class(revoke(Some(&revoked()), &removal("y"))), Class::InvalidState);
        assert_eq!(delete(Some(&deleted()), &removal("x")), Ok(Outcome::Repeated));
        assert_eq!(class(delete(Some(&deleted()), &removal("y"))), Class::InvalidState);
        assert_eq!(unregister(Some(&removed(copy()))), Ok(Outcome::Repeated));
        let mut cancelled = extended_revoke(at(9));
        cancelled.revoke.cancelled = true;
        cancelled.cancelled = Some(removal("x"));
        assert_eq!(cancel(Some(&cancelled), &removal("x")), Ok(Outcome::Repeated));
        assert_eq!(class(cancel(Some(&cancelled), &removal("y"))), Class::InvalidState);
    }

    #[test]
    fn bl3_annulled_is_final_but_revoked_can_be_annulled() {
        assert_eq!(class(revoke(Some(&deleted()), &removal("x"))), Class::InvalidState);
        assert_eq!(delete(Some(&revoked()), &removal("x")), Ok(Outcome::Store));
    }

    #[test]
    fn bl4_originals_and_copies_are_changed_by_their_own_contracts() {
        assert_eq!(class(revoke(Some(&copy()), &removal("x"))), Class::InvalidState);
        assert_eq!(class(delete(Some(&copy()), &removal("x"))), Class::InvalidState);
        assert_eq!(unregister(Some(&copy())), Ok(Outcome::Store));
        assert_eq!(class(unregister(Some(&original()))), Class::InvalidState);
        assert_eq!(class(cancel(Some(&basic_revoke(at(9))), &removal("x"))), Class::InvalidState);
        assert_eq!(class(unregister_revoke(Some(&extended_revoke(at(9))))), Class::InvalidState);
        let lift = |block: BlockHistory, new: RevokeHistory| {
            register_revoke(Some(&block), None, &new, at(2))
        };
        assert_eq!(lift(copy(), basic_revoke(at(9))), Ok(Outcome::Store));
        assert_eq!(lift(original(), extended_revoke(at(9))), Ok(Outcome::Store));
        assert_eq!(class(lift(copy(), extended_revoke(at(9)))), Class::InvalidState);
        assert_eq!(class(lift(original(), basic_revoke(at(9)))), Class::InvalidState);
    }

    #[test]
    fn bl5_only_active_blocks_are_lifted_until_an_end_to_come() {
        let lift = |block: BlockHistory, end| {
            register_revoke(Some(&block), None, &extended_revoke(end), at(2))
        };
        assert_eq!(class(lift(revoked(), at(9))), Class::InvalidState);
        assert_eq!(class(lift(deleted(), at(9))), Class::InvalidState);
        assert_eq!(class(lift(original(), at(2))), Class::Validation);
        // Repeated after the block was revoked and the end has passed.
        let mut stored = extended_revoke(at(9));
        stored.revoke.cancelled = true;
        stored.cancelled = Some(removal("x"));
        let again =
            |new: &RevokeHistory| register_revoke(Some(&revoked()), Some(&stored), new, at(20));
        assert_eq!(again(&extended_revoke(at(9))), Ok(Outcome::Repeated));
        assert_eq!(class(again(&extended_revoke(at(8)))), Class::AlreadyExists);
    }

    #[test]
    fn bl6_a_revoke_that_has_run_out_can_be_cancelled() {
        assert_eq!(cancel(Some(&extended_revoke(at(1))), &removal("x")), Ok(Outcome::Store));
        assert_eq!(unregister_revoke(Some(&basic_revoke(at(1)))), Ok(Outcome::Store));
    }

    #[test]
    fn bl7_the_policy_limits_how_long_and_what_is_lifted() {
        let outer = original().registration.block;
        let inner = Block { block_type: BlockType::Inner, ..outer.clone() };
        let week = LiftPolicies::default().of(&outer.care_provider);
        assert!(week.allows(&outer, at(9), at(2)).is_ok());
        let second = Duration::seconds(1);
        assert_eq!(class(week.allows(&outer, at(9) + second, at(2))), Class::Error);
        let strict = LiftPolicy { longest: None, outer_blocks: false };
        let policies = LiftPolicies {
            own: vec![(HsaId::new("a").unwrap(), strict)],
            ..LiftPolicies::default()
        };
        let own = policies.of(&outer.care_provider);
        assert_eq!(class(own.allows(&outer, at(3), at(2))), Class::Error);
        assert!(own.allows(&inner, at(30), at(2)).is_ok());
    }
}
