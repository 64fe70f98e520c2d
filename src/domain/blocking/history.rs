//! What has happened to blocks and temporary revokes, and to which format they belong.

use super::block::{Block, TemporaryRevoke};
use crate::domain::identity::{Action, RecordId};
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::{Moment, Timestamp};

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
#[expect(clippy::large_enum_variant, reason = "it lives as long as one answer's row")]
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

pub(super) fn wrong_state(text: &'static str) -> Rejection {
    Rejection::new(Class::InvalidState, text)
}

pub(super) fn no_block() -> Rejection {
    Rejection::new(Class::NotFound, "Det finns ingen spärr med detta blockId.")
}

/// Whether a change comes the way that its object came: what was registered here is changed by the
/// extended contracts only, a copy by the basic ones only.
pub(super) fn check_format(
    object_is_extended: bool,
    change_is_extended: bool,
) -> Result<(), Rejection> {
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

impl BlockHistory {
    pub(super) fn check_format(&self, change_is_extended: bool) -> Result<(), Rejection> {
        check_format(self.action.is_some(), change_is_extended)
    }
}

impl RevokeHistory {
    /// Whether it is still in force.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.revoke.is_in_force(Moment::Now(now))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::block::{BlockContent, Guards, Lift};
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

    pub fn removed(mut history: BlockHistory, how: BlockRemoval) -> BlockHistory {
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
}
