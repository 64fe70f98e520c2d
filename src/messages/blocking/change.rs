//! Changes of blocks and temporary revokes: wire to domain, and to the national service's wire.

use super::block::{BlockFields, action, content, wire_content};
use crate::domain::blocking::block::Lift;
use crate::domain::blocking::history::Removal;
use crate::domain::blocking::history::{RevokeDetails, RevokeReason};
use crate::domain::blocking::registration::{
    self, BlockRegistration, ReplicationWait, RevokeRegistration,
};
use crate::domain::identity::RecordId;
use crate::domain::rejection::Rejection;
use crate::domain::time::Ambiguous;
use crate::messages::generated::blocking::v4 as wire;
use crate::messages::identity::{hsa_id, optional_hsa_id, owned, record_id};
use crate::messages::place::Place;
use crate::messages::time::{instant, wire_not_later};
use crate::soap::xml::{Rule, Text};

/// Temporary revokes that the copy of a block may bring with it; all are stored while others wait.
const EMBEDDED_REVOKES_MAX: usize = 100;

/// The block that `RegisterExtendedBlock` describes.
///
/// # Errors
/// The first value that breaks a rule.
pub fn extended_registration(
    request: &wire::RegisterExtendedBlock<'_>,
    owner_id: Option<&str>,
) -> Result<(BlockRegistration, ReplicationWait), Rejection> {
    let root = Place::root("RegisterExtendedBlock");
    let fields = BlockFields {
        block_id: &request.block_id,
        block_type: request.block_type,
        patient_id: &request.patient_id,
        start: request.information_start_date,
        end: request.information_end_date,
        care_unit: request.information_care_unit_id.as_ref(),
        care_provider: &request.information_care_provider_id,
        exempted: &request.excluded_information_types.iter().collect::<Vec<_>>(),
    };
    let (id, content) = content(root, &fields)?;
    let action = Some(action(root.child("registerAction"), &request.register_action)?);
    let wait = replication_wait(root, request.replication_timeout)?;
    Ok((BlockRegistration { id, content, owner_id: owner_id.map(str::to_owned), action }, wait))
}

/// What RegisterBlock describes: the copy of a block, and its temporary revokes.
///
/// # Errors
/// The first value that breaks a rule.
pub fn basic_registration(
    request: &wire::RegisterBlock<'_>,
    owner_id: Option<&str>,
) -> Result<(BlockRegistration, Vec<RevokeRegistration>), Rejection> {
    let root = Place::root("RegisterBlock");
    let fields = BlockFields {
        block_id: &request.block_id,
        block_type: request.block_type,
        patient_id: &request.patient_id,
        start: request.information_start_date,
        end: request.information_end_date,
        care_unit: request.information_care_unit_id.as_ref(),
        care_provider: &request.information_care_provider_id,
        exempted: &request.excluded_information_types.iter().collect::<Vec<_>>(),
    };
    let (id, content) = content(root, &fields)?;
    if request.temporary_revoke_registration.len() > EMBEDDED_REVOKES_MAX {
        let place = root.child("temporaryRevokeRegistration");
        return Err(place.wrong(Rule::TooMany(EMBEDDED_REVOKES_MAX)));
    }
    let mut revokes = Vec::new();
    for (index, registration) in request.temporary_revoke_registration.iter().enumerate() {
        let place = root.item("temporaryRevokeRegistration", index + 1);
        let new = basic_revoke(place, registration, owner_id)?;
        if new.block != id {
            let rule = Rule::Stated("är inte spärrens blockId".into());
            return Err(place.child("blockId").wrong(rule));
        }
        revokes.push(new);
    }
    let owner_id = owner_id.map(str::to_owned);
    Ok((BlockRegistration { id, content, owner_id, action: None }, revokes))
}

/// A temporary revoke in the basic format.
///
/// # Errors
/// The first value that breaks a rule.
pub fn basic_revoke(
    place: Place<'_>,
    registration: &wire::TemporaryRevokeRegistration<'_>,
    owner_id: Option<&str>,
) -> Result<RevokeRegistration, Rejection> {
    let employee = registration.revoked_for_employee_id.as_ref();
    Ok(RevokeRegistration {
        id: record_id(place.child("temporaryRevokeId"), &registration.temporary_revoke_id)?,
        lift: Lift {
            end: instant(registration.end_date, Ambiguous::Later),
            care_unit: hsa_id(
                place.child("revokedForCareUnitId"),
                &registration.revoked_for_care_unit_id,
            )?,
            employee: optional_hsa_id(place.child("revokedForEmployeeId"), employee)?,
        },
        owner_id: owner_id.map(str::to_owned),
        block: record_id(place.child("blockId"), &registration.block_id)?,
        details: None,
    })
}

/// What RegisterTemporaryExtendedRevoke describes.
///
/// # Errors
/// The first value that breaks a rule.
pub fn extended_revoke(
    root: Place<'_>,
    request: &wire::RegisterTemporaryExtendedRevoke<'_>,
    owner_id: Option<&str>,
) -> Result<(RevokeRegistration, ReplicationWait), Rejection> {
    let basic = wire::TemporaryRevokeRegistration {
        temporary_revoke_id: request.temporary_revoke_id.clone(),
        block_id: request.block_id.clone(),
        end_date: request.end_date,
        revoked_for_care_unit_id: request.revoked_for_care_unit_id.clone(),
        revoked_for_employee_id: request.revoked_for_employee_id.clone(),
    };
    let basic = basic_revoke(root, &basic, owner_id)?;
    let wait = replication_wait(root, request.replication_timeout)?;
    let details = RevokeDetails {
        reason: match request.revoke_reason {
            wire::TemporaryRevokeReason::PatientsConsent => RevokeReason::PatientsConsent,
            wire::TemporaryRevokeReason::Emergency => RevokeReason::Emergency,
        },
        reason_text: owned(request.revoke_reason_text.as_ref()),
        action: action(root.child("registerAction"), &request.register_action)?,
    };
    Ok((RevokeRegistration { details: Some(details), ..basic }, wait))
}

/// How long the caller waits for replication.
fn replication_wait(root: Place<'_>, timeout: i32) -> Result<ReplicationWait, Rejection> {
    registration::replication_wait(timeout).map_err(|rejection| root.under(&rejection))
}

/// Who takes what away, and why: the three removals of the local service say it alike, under
/// names of their own.
///
/// # Errors
/// The first value that breaks a rule.
pub fn removal(
    root: Place<'_>,
    (id_name, id): (&'static str, &Text<'_>),
    (action_name, by): (&'static str, &wire::Action<'_>),
    reason: Option<&Text<'_>>,
    replication_timeout: i32,
) -> Result<(RecordId, Removal, ReplicationWait), Rejection> {
    let id = record_id(root.child(id_name), id)?;
    let action = action(root.child(action_name), by)?;
    let wait = replication_wait(root, replication_timeout)?;
    Ok((id, Removal { action, reason: owned(reason) }, wait))
}

/// RegisterBlock as a local service sends it.
pub fn wire_registration<'r>(
    new: &'r BlockRegistration,
    revokes: &'r [RevokeRegistration],
) -> wire::RegisterBlock<'r> {
    let block = wire_content(&new.id, &new.content, Vec::new(), None);
    wire::RegisterBlock {
        block_id: block.block_id,
        block_type: block.block_type,
        patient_id: block.patient_id,
        information_start_date: block.information_start_date,
        information_end_date: block.information_end_date,
        information_care_unit_id: block.information_care_unit_id,
        information_care_provider_id: block.information_care_provider_id,
        excluded_information_types: new.content.exempted.iter().map(|t| t.code().into()).collect(),
        temporary_revoke_registration: revokes.iter().map(wire_revoke_registration).collect(),
    }
}

/// A temporary revoke as a local service sends it.
pub fn wire_revoke_registration(new: &RevokeRegistration) -> wire::TemporaryRevokeRegistration<'_> {
    let Lift { end, care_unit, employee } = &new.lift;
    wire::TemporaryRevokeRegistration {
        temporary_revoke_id: new.id.as_str().into(),
        block_id: new.block.as_str().into(),
        end_date: wire_not_later(*end),
        revoked_for_care_unit_id: care_unit.as_str().into(),
        revoked_for_employee_id: employee.as_ref().map(|id| id.as_str().into()),
    }
}
