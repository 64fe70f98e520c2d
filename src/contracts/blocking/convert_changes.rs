//! Changes of blocks and temporary revokes: wire to domain.

use super::convert::{action, period};
use crate::contracts::convert::{hsa_id, instant, optional_hsa_id, owned, patient, record_id};
use crate::contracts::generated::blocking::v4 as wire;
use crate::contracts::place::Place;
use crate::domain::block::{Block, BlockType, TemporaryRevoke};
use crate::domain::block_change::{self, Registration, ReplicationWait};
use crate::domain::block_lifecycle::{Removal, RevokeDetails, RevokeHistory, RevokeReason};
use crate::domain::identity::RecordId;
use crate::domain::rejection::Rejection;
use crate::domain::time::Ambiguous;
use crate::soap::xml::{DateTime, Rule, Text};

/// What RegisterBlock and RegisterExtendedBlock say alike.
pub(super) struct BlockFields<'r, 'a> {
    pub block_id: &'r Text<'a>,
    pub block_type: wire::BlockType,
    pub patient_id: &'r wire::II<'a>,
    pub start: Option<DateTime>,
    pub end: Option<DateTime>,
    pub care_unit: Option<&'r Text<'a>>,
    pub care_provider: &'r Text<'a>,
    pub exempted: &'r [&'r Text<'a>],
}

/// A block as it is registered.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn block(
    root: Place<'_>,
    fields: &BlockFields<'_, '_>,
    owner_id: Option<&str>,
) -> Result<Block, Rejection> {
    let id = fields.patient_id;
    let types = fields.exempted.iter().map(|code| &***code);
    let block = Block {
        id: record_id(root.child("blockId"), fields.block_id)?,
        block_type: match fields.block_type {
            wire::BlockType::Inner => BlockType::Inner,
            wire::BlockType::Outer => BlockType::Outer,
        },
        patient: patient(root.child("patientId"), &id.root, id.extension.as_ref())?,
        period: period(fields.start, fields.end),
        care_unit: optional_hsa_id(root.child("informationCareUnitId"), fields.care_unit)?,
        care_provider: hsa_id(root.child("informationCareProviderId"), fields.care_provider)?,
        exempted: block_change::exempted(types).map_err(|rejection| root.under(&rejection))?,
        removed: false,
        revokes: Vec::new(),
        owner_id: owner_id.map(str::to_owned),
    };
    block_change::check(&block).map_err(|rejection| root.under(&rejection))?;
    Ok(block)
}

/// What RegisterBlock describes: a block and its temporary revokes.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn copy(
    request: &wire::RegisterBlock<'_>,
    owner_id: Option<&str>,
) -> Result<(Registration, Vec<RevokeHistory>), Rejection> {
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
    let block = block(root, &fields, owner_id)?;
    let mut revokes = Vec::new();
    for (index, registration) in request.temporary_revoke_registration.iter().enumerate() {
        let place = root.item("temporaryRevokeRegistration", index + 1);
        let new = revoke(place, registration, owner_id)?;
        if new.block != block.id {
            let rule = Rule::Stated("är inte spärrens blockId".into());
            return Err(place.child("blockId").wrong(rule));
        }
        revokes.push(new);
    }
    Ok((Registration { block, action: None }, revokes))
}

/// A temporary revoke in the basic format.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn revoke(
    place: Place<'_>,
    registration: &wire::TemporaryRevokeRegistration<'_>,
    owner_id: Option<&str>,
) -> Result<RevokeHistory, Rejection> {
    let employee = registration.revoked_for_employee_id.as_ref();
    Ok(RevokeHistory {
        revoke: TemporaryRevoke {
            id: record_id(place.child("temporaryRevokeId"), &registration.temporary_revoke_id)?,
            end: instant(registration.end_date, Ambiguous::Later),
            care_unit: hsa_id(
                place.child("revokedForCareUnitId"),
                &registration.revoked_for_care_unit_id,
            )?,
            employee: optional_hsa_id(place.child("revokedForEmployeeId"), employee)?,
            cancelled: false,
            owner_id: owner_id.map(str::to_owned),
        },
        block: record_id(place.child("blockId"), &registration.block_id)?,
        details: None,
        cancelled: None,
    })
}

/// What RegisterTemporaryExtendedRevoke describes.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn extended_revoke(
    request: &wire::RegisterTemporaryExtendedRevoke<'_>,
    owner_id: Option<&str>,
) -> Result<(RevokeHistory, ReplicationWait), Rejection> {
    let root = Place::root("RegisterTemporaryExtendedRevoke");
    let basic = wire::TemporaryRevokeRegistration {
        temporary_revoke_id: request.temporary_revoke_id.clone(),
        block_id: request.block_id.clone(),
        end_date: request.end_date,
        revoked_for_care_unit_id: request.revoked_for_care_unit_id.clone(),
        revoked_for_employee_id: request.revoked_for_employee_id.clone(),
    };
    let basic = revoke(root, &basic, owner_id)?;
    let wait = replication_wait(root, request.replication_timeout)?;
    let details = RevokeDetails {
        reason: match request.revoke_reason {
            wire::TemporaryRevokeReason::PatientsConsent => RevokeReason::PatientsConsent,
            wire::TemporaryRevokeReason::Emergency => RevokeReason::Emergency,
        },
        reason_text: owned(request.revoke_reason_text.as_ref()),
        action: action(root.child("registerAction"), &request.register_action)?,
    };
    Ok((RevokeHistory { details: Some(details), ..basic }, wait))
}

/// How long the caller waits for replication.
///
/// # Errors
/// A value below -1.
pub(super) fn replication_wait(
    root: Place<'_>,
    timeout: i32,
) -> Result<ReplicationWait, Rejection> {
    block_change::replication_wait(timeout).map_err(|rejection| root.under(&rejection))
}

/// Who takes what away, and why: the three removals of the local service say it alike, under
/// names of their own.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn removal(
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
