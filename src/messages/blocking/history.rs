//! Blocks with what has happened to them: domain to wire, in the extended format.
//!
//! The format demands who asked and who registered. Of a copy nobody here knows: its source
//! system stands for both, and the time of storing for when.

use super::block::{wire_action, wire_content};
use crate::domain::blocking::history::RevokeReason;
use crate::domain::blocking::history::{BlockHistory, BlockRemoval, Removal, RevokeHistory};
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::messages::generated::blocking::v4 as wire;
use crate::messages::time::{wire_not_later, wire_time};

/// Characters of an HSA-id on the wire; owner ids may be longer.
const HSA_ID_CHARS_MAX: usize = 32;

/// A block with its temporary revokes.
pub fn wire_history<'r>(
    history: &'r BlockHistory,
    revokes: &'r [RevokeHistory],
) -> wire::ExtendedBlock<'r> {
    let block = &history.block;
    let basic = wire_content(&block.id, &block.content, Vec::new(), block.owner_id.as_deref());
    let provider = block.content.guards.provider();
    let (revoked, deleted) = match block.lifetime.removal() {
        None | Some(BlockRemoval::Unregistered) => (None, None),
        Some(BlockRemoval::Revoked(removal)) => (Some(removal), None),
        Some(BlockRemoval::Deleted { removal, revoked }) => (revoked.as_ref(), Some(removal)),
    };
    wire::ExtendedBlock {
        block_id: basic.block_id,
        block_type: basic.block_type,
        information_start_date: basic.information_start_date,
        information_end_date: basic.information_end_date,
        information_care_unit_id: basic.information_care_unit_id,
        information_care_provider_id: basic.information_care_provider_id,
        patient_id: basic.patient_id,
        excluded_information_types: basic.excluded_information_types,
        registration_info: match &history.action {
            Some(action) => wire_action(action, None),
            None => by_source(block.owner_id.as_deref(), provider, block.lifetime.stored_at),
        },
        permanent_revoked_info: revoked.map(wire_removal),
        deletion_info: deleted.map(wire_removal),
        temporary_revokes: revokes.iter().map(|revoke| wire_revoke(revoke, provider)).collect(),
        owner_id: basic.owner_id,
        locally_created: history.action.is_some(),
    }
}

fn wire_removal(removal: &Removal) -> wire::Action<'_> {
    wire_action(&removal.action, removal.reason.as_deref())
}

fn wire_revoke<'r>(
    history: &'r RevokeHistory,
    provider: &'r HsaId,
) -> wire::ExtendedTemporaryRevoke<'r> {
    let (revoke, details) = (&history.revoke, history.details.as_ref());
    let cancelled = revoke.lifetime.removal().and_then(Option::as_ref);
    wire::ExtendedTemporaryRevoke {
        temporary_revoke_id: revoke.id.as_str().into(),
        end_date: wire_not_later(revoke.lift.end),
        revoked_for_care_unit_id: revoke.lift.care_unit.as_str().into(),
        revoked_for_employee_id: revoke.lift.employee.as_ref().map(|id| id.as_str().into()),
        revocation_reason: details.map(|details| match details.reason {
            RevokeReason::PatientsConsent => wire::TemporaryRevokeReason::PatientsConsent,
            RevokeReason::Emergency => wire::TemporaryRevokeReason::Emergency,
        }),
        revocation_reason_text: details.and_then(|d| d.reason_text.as_deref()).map(Into::into),
        registration_info: match details {
            Some(details) => wire_action(&details.action, None),
            None => by_source(revoke.owner_id.as_deref(), provider, revoke.lifetime.stored_at),
        },
        cancellation_info: cancelled.map(wire_removal),
        owner_id: revoke.owner_id.as_deref().map(Into::into),
    }
}

/// A registration of which only the system is known, or else the care provider whose it is.
fn by_source<'r>(
    owner_id: Option<&'r str>,
    provider: &'r HsaId,
    stored_at: Timestamp,
) -> wire::Action<'r> {
    let fits = |owner: &&str| owner.chars().count() <= HSA_ID_CHARS_MAX;
    let source = owner_id.filter(fits).unwrap_or(provider.as_str());
    let actor =
        || wire::Actor { employee_id: source.into(), assignment_id: None, assignment_name: None };
    wire::Action {
        request_date: wire_time(stored_at),
        requested_by: actor(),
        registration_date: wire_time(stored_at),
        registered_by: actor(),
        reason_text: None,
    }
}
