//! How a block and its temporary revokes are taken away, and by whom.
//!
//! The local service is master of what was registered in it with who asked and who registered
//! (the extended contracts); the national service keeps copies in the basic format.
//!
//! # Rules
//! - **BL1** An id that the service has never seen is not found.
//! - **BL2** A removal of what has been removed in that same way is done already, whoever asks and
//!   whenever; of what has been removed in another way it is in the wrong state.
//! - **BL3** A block that is annulled cannot be revoked; one that is revoked can be annulled.
//! - **BL4** What was registered here is taken away by the extended contracts only, and a copy by
//!   the basic ones only.
//! - **BL5** A temporary revoke that has run out can still be cancelled.

use super::block::{Block, TemporaryRevoke};
use super::registration::RevokeDetails;
use crate::domain::decision::Decision;
use crate::domain::identity::{Action, RecordId};
use crate::domain::rejection::{Class, Rejection};

/// Who took something away, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Who asked and who registered.
    pub action: Action,
    /// The reason given beside the action; wins over the action's own.
    pub reason: Option<String>,
}

/// How a block was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockRemoval {
    /// The original is gone, and this was its copy.
    Unregistered,
    /// For good, on the patient's wish.
    Revoked(Removal),
    /// It was a mistake.
    Deleted {
        /// Who annulled it.
        removal: Removal,
        /// Who had revoked it before, if anybody had.
        revoked: Option<Removal>,
    },
}

/// A block with what has happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHistory {
    /// The block itself.
    pub block: Block<BlockRemoval>,
    /// Who asked for and who registered it; `None` makes it a copy.
    pub action: Option<Action>,
}

/// A temporary revoke with what has happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeHistory {
    /// The revoke itself; of a copy that was unregistered nobody knows who did it.
    pub revoke: TemporaryRevoke<Option<Removal>>,
    /// The block that it lifts.
    pub block: RecordId,
    /// In the extended format only; `None` makes it a copy.
    pub details: Option<RevokeDetails>,
}

pub(super) fn wrong_state(text: &'static str) -> Rejection {
    Rejection::new(Class::InvalidState, text)
}

pub(super) fn no_block() -> Rejection {
    Rejection::new(Class::NotFound, "Det finns ingen spärr med detta blockId.")
}

fn no_revoke() -> Rejection {
    Rejection::new(
        Class::NotFound,
        "Det finns ingen tillfällig hävning med detta temporaryRevokeId.",
    )
}

/// Whether a change comes the way that its object came (BL4).
fn check_format(object_is_extended: bool, change_is_extended: bool) -> Result<(), Rejection> {
    match (object_is_extended, change_is_extended) {
        (true, false) => Err(wrong_state(
            "Objektet är registrerat i den här tjänsten och ändras bara med de lokala kontrakten.",
        )),
        (false, true) => Err(wrong_state(
            "Objektet är en kopia från en annan tjänst och kan bara ändras där det skapades.",
        )),
        (true, true) | (false, false) => Ok(()),
    }
}

/// Revokes a block for good (BL1 to BL4).
///
/// # Errors
/// Why it cannot be done.
pub fn revoke(stored: Option<&BlockHistory>) -> Result<Decision, Rejection> {
    let stored = stored.ok_or_else(no_block)?;
    stored.check_format(true)?;
    match stored.block.lifetime.removal() {
        None => Ok(Decision::Store),
        Some(BlockRemoval::Revoked(_)) => Ok(Decision::Repeated),
        Some(BlockRemoval::Deleted { .. } | BlockRemoval::Unregistered) => {
            Err(wrong_state("Spärren är makulerad och kan inte hävas."))
        }
    }
}

/// Annuls a block (BL1 to BL4).
///
/// # Errors
/// Why it cannot be done.
pub fn delete(stored: Option<&BlockHistory>) -> Result<Decision, Rejection> {
    let stored = stored.ok_or_else(no_block)?;
    stored.check_format(true)?;
    match stored.block.lifetime.removal() {
        None | Some(BlockRemoval::Revoked(_)) => Ok(Decision::Store),
        Some(BlockRemoval::Deleted { .. }) => Ok(Decision::Repeated),
        Some(BlockRemoval::Unregistered) => Err(wrong_state("Spärren är avregistrerad.")),
    }
}

/// Removes a copy of a block (BL1, BL2, BL4).
///
/// # Errors
/// Why it cannot be done.
pub fn unregister(stored: Option<&BlockHistory>) -> Result<Decision, Rejection> {
    let stored = stored.ok_or_else(no_block)?;
    stored.check_format(false)?;
    match stored.block.lifetime.stands() {
        true => Ok(Decision::Store),
        false => Ok(Decision::Repeated),
    }
}

/// Takes a temporary revoke back in the local service (BL1, BL2, BL4, BL5).
///
/// # Errors
/// Why it cannot be done.
pub fn cancel(stored: Option<&RevokeHistory>) -> Result<Decision, Rejection> {
    remove_revoke(stored, true)
}

/// Removes a copy of a temporary revoke (BL1, BL2, BL4, BL5).
///
/// # Errors
/// Why it cannot be done.
pub fn unregister_revoke(stored: Option<&RevokeHistory>) -> Result<Decision, Rejection> {
    remove_revoke(stored, false)
}

fn remove_revoke(stored: Option<&RevokeHistory>, extended: bool) -> Result<Decision, Rejection> {
    let stored = stored.ok_or_else(no_revoke)?;
    check_format(stored.details.is_some(), extended)?;
    match stored.revoke.lifetime.stands() {
        true => Ok(Decision::Store),
        false => Ok(Decision::Repeated),
    }
}

impl BlockHistory {
    pub(super) fn check_format(&self, change_is_extended: bool) -> Result<(), Rejection> {
        check_format(self.action.is_some(), change_is_extended)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::block::{BlockContent, Guards, Lift};
    use super::super::registration::RevokeReason;
    use super::*;
    use crate::domain::identity::{Actor, HsaId, PatientId};
    use crate::domain::lifetime::{FirstRemoval, Lifetime, State};
    use crate::domain::period::Period;
    use crate::domain::time::Timestamp;

    pub fn at(day: u32) -> Timestamp {
        format!("2026-01-{day:02}T00:00:00Z").parse().unwrap()
    }

    pub fn action() -> Action {
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

    pub fn removal(reason: &str) -> Removal {
        Removal { action: action(), reason: Some(reason.into()) }
    }

    pub fn copy() -> BlockHistory {
        let block = Block {
            id: RecordId::new("b").unwrap(),
            content: BlockContent {
                patient: PatientId::new("1.2.3", "1").unwrap(),
                guards: Guards::Provider(HsaId::new("A").unwrap()),
                period: Period::default(),
                exempted: Vec::new(),
            },
            lifetime: Lifetime::from(at(1)),
            revokes: Vec::new(),
            owner_id: None,
        };
        BlockHistory { block, action: None }
    }

    pub fn original() -> BlockHistory {
        BlockHistory { action: Some(action()), ..copy() }
    }

    fn removed(mut history: BlockHistory, how: BlockRemoval) -> BlockHistory {
        history.block.lifetime.state = State::Removed { first: FirstRemoval::At(at(2)), how };
        history
    }

    pub fn unregistered() -> BlockHistory {
        removed(copy(), BlockRemoval::Unregistered)
    }

    pub fn revoked() -> BlockHistory {
        removed(original(), BlockRemoval::Revoked(removal("x")))
    }

    pub fn deleted() -> BlockHistory {
        let removal = removal("x");
        removed(original(), BlockRemoval::Deleted { removal, revoked: None })
    }

    pub fn revoke_copy(end: Timestamp) -> RevokeHistory {
        RevokeHistory {
            revoke: TemporaryRevoke {
                id: RecordId::new("r").unwrap(),
                lift: Lift { end, care_unit: HsaId::new("U").unwrap(), employee: None },
                lifetime: Lifetime::from(at(1)),
                owner_id: None,
            },
            block: RecordId::new("b").unwrap(),
            details: None,
        }
    }

    pub fn extended_revoke(end: Timestamp) -> RevokeHistory {
        let details =
            RevokeDetails { reason: RevokeReason::Emergency, reason_text: None, action: action() };
        RevokeHistory { details: Some(details), ..revoke_copy(end) }
    }

    fn class<T: std::fmt::Debug>(decision: Result<T, Rejection>) -> Class {
        decision.unwrap_err().class
    }

    #[test]
    fn bl1_what_was_never_seen_is_not_found() {
        for unknown in
            [revoke(None), delete(None), unregister(None), cancel(None), unregister_revoke(None)]
        {
            assert_eq!(class(unknown), Class::NotFound);
        }
    }

    #[test]
    fn bl2_the_same_removal_is_done_already_whoever_asks() {
        assert_eq!(revoke(Some(&original())), Ok(Decision::Store));
        assert_eq!(revoke(Some(&revoked())), Ok(Decision::Repeated));
        assert_eq!(delete(Some(&deleted())), Ok(Decision::Repeated));
        assert_eq!(unregister(Some(&unregistered())), Ok(Decision::Repeated));
        let mut cancelled = extended_revoke(at(9));
        let how = Some(removal("x"));
        cancelled.revoke.lifetime.state = State::Removed { first: FirstRemoval::At(at(2)), how };
        assert_eq!(cancel(Some(&cancelled)), Ok(Decision::Repeated));
    }

    #[test]
    fn bl3_annulled_is_final_but_revoked_can_be_annulled() {
        assert_eq!(class(revoke(Some(&deleted()))), Class::InvalidState);
        assert_eq!(delete(Some(&revoked())), Ok(Decision::Store));
        let both = removed(
            original(),
            BlockRemoval::Deleted { removal: removal("y"), revoked: Some(removal("x")) },
        );
        assert_eq!(class(revoke(Some(&both))), Class::InvalidState);
    }

    #[test]
    fn bl4_originals_and_copies_are_taken_away_by_their_own_contracts() {
        assert_eq!(class(revoke(Some(&copy()))), Class::InvalidState);
        assert_eq!(class(delete(Some(&copy()))), Class::InvalidState);
        assert_eq!(unregister(Some(&copy())), Ok(Decision::Store));
        assert_eq!(class(unregister(Some(&original()))), Class::InvalidState);
        assert_eq!(class(unregister(Some(&revoked()))), Class::InvalidState);
        assert_eq!(class(cancel(Some(&revoke_copy(at(9))))), Class::InvalidState);
        assert_eq!(class(unregister_revoke(Some(&extended_revoke(at(9))))), Class::InvalidState);
    }

    #[test]
    fn bl5_a_revoke_that_has_run_out_can_be_cancelled() {
        assert_eq!(cancel(Some(&extended_revoke(at(1)))), Ok(Decision::Store));
        assert_eq!(unregister_revoke(Some(&revoke_copy(at(1)))), Ok(Decision::Store));
    }
}
