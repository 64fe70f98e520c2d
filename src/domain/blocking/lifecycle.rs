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

use super::history::{
    BlockHistory, BlockRemoval, RevokeHistory, check_format, no_block, wrong_state,
};
use crate::domain::decision::Decision;
use crate::domain::rejection::{Class, Rejection};

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

#[cfg(test)]
mod tests {
    use super::super::history::tests::{
        at, copy, deleted, extended_revoke, original, removal, removed, revoke_copy, revoked,
        unregistered,
    };
    use super::*;
    use crate::domain::lifetime::{FirstRemoval, State};

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
