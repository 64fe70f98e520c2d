//! Reads for those who administer blocks: GetPatientIds and GetExtendedBlocksForPatient, 4.0.

use super::convert::{basic, wire_action};
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::convert::{hsa_id, patient, wire_time};
use crate::contracts::generated::blocking::v4 as wire;
use crate::contracts::place::Place;
use crate::contracts::result::blocking_result;
use crate::domain::block_lifecycle::{BlockHistory, Removal, RevokeHistory, RevokeReason};
use crate::domain::identity::{Action, HsaId, PatientId};
use crate::domain::rejection::Rejection;
use crate::store::StoreError;

/// GetPatientIds: the patients who have an active block at a care provider.
///
/// # Errors
/// The store's.
pub async fn get_patient_ids(
    context: &Context<'_>,
    request: wire::GetPatientIds<'_>,
) -> Result<Answer, StoreError> {
    let place = Place::root("GetPatientIds");
    let patients = match hsa_id(place.child("careProviderId"), &request.care_provider_id) {
        Ok(provider) => {
            context.services.store.patients_with_blocks(context.tenant.id, &provider).await?
        }
        Err(rejection) => return Ok(patient_ids_refused(&rejection)),
    };
    Ok(patient_ids(Ok(()), &patients))
}

/// The answer of GetPatientIds to a request that could not be read.
pub fn patient_ids_refused(rejection: &Rejection) -> Answer {
    patient_ids(Err(rejection), &[])
}

fn patient_ids(outcome: Result<(), &Rejection>, patients: &[PatientId]) -> Answer {
    let response = wire::GetPatientIdsResponse {
        get_patient_id_result: wire::GetPatientIdResult {
            result: blocking_result(outcome),
            patient_ids: patients.iter().map(wire_patient).collect(),
        },
    };
    let code = response.get_patient_id_result.result.result_code.as_str();
    Answer::whole(code, patients.len(), |out| response.write_root(out))
}

fn wire_patient(patient: &PatientId) -> wire::II<'_> {
    wire::II { root: patient.root().into(), extension: Some(patient.extension().into()) }
}

/// GetExtendedBlocksForPatient: everything that has happened to the patient's blocks at a care
/// provider, in order of registration.
///
/// # Errors
/// The store's.
pub async fn get_extended_blocks_for_patient(
    context: &Context<'_>,
    request: wire::GetExtendedBlocksForPatient<'_>,
) -> Result<Answer, StoreError> {
    let (provider, patient) = match question(&request) {
        Ok(question) => question,
        Err(rejection) => return Ok(histories_refused(&rejection)),
    };
    let store = &context.services.store;
    let mut found = store.block_histories(context.tenant.id, &provider, &patient).await?;
    found.sort_by_cached_key(|(history, _)| {
        let registered = history.registration.action.as_ref().map(|a| a.registered_at);
        (registered, history.registration.block.id.key())
    });
    Ok(histories(Ok(()), &found))
}

fn question(
    request: &wire::GetExtendedBlocksForPatient<'_>,
) -> Result<(HsaId, PatientId), Rejection> {
    let root = Place::root("GetExtendedBlocksForPatient");
    let provider = hsa_id(root.child("careProviderId"), &request.care_provider_id)?;
    let id = &request.patient_id;
    Ok((provider, patient(root.child("patientId"), &id.root, id.extension.as_ref())?))
}

/// The answer of GetExtendedBlocksForPatient to a request that could not be read.
pub fn histories_refused(rejection: &Rejection) -> Answer {
    histories(Err(rejection), &[])
}

fn histories(
    outcome: Result<(), &Rejection>,
    found: &[(BlockHistory, Vec<RevokeHistory>)],
) -> Answer {
    let blocks = found.iter().filter_map(|(history, revokes)| {
        let registered = history.registration.action.as_ref()?;
        Some(extended(history, registered, revokes))
    });
    let response = wire::GetExtendedBlocksForPatientResponse {
        get_extended_blocks_result: wire::GetExtendedBlocksResult {
            result: blocking_result(outcome),
            blocks: blocks.collect(),
        },
    };
    let code = response.get_extended_blocks_result.result.result_code.as_str();
    Answer::whole(code, found.len(), |out| response.write_root(out))
}

fn extended<'r>(
    history: &'r BlockHistory,
    registered: &'r Action,
    revokes: &'r [RevokeHistory],
) -> wire::ExtendedBlock<'r> {
    let basic = basic(&history.registration.block);
    wire::ExtendedBlock {
        block_id: basic.block_id,
        block_type: basic.block_type,
        information_start_date: basic.information_start_date,
        information_end_date: basic.information_end_date,
        information_care_unit_id: basic.information_care_unit_id,
        information_care_provider_id: basic.information_care_provider_id,
        patient_id: basic.patient_id,
        excluded_information_types: basic.excluded_information_types,
        registration_info: wire_action(registered, None),
        permanent_revoked_info: history.revoked.as_ref().map(removal),
        deletion_info: history.deleted.as_ref().map(removal),
        temporary_revokes: revokes.iter().filter_map(revoke).collect(),
        owner_id: basic.owner_id,
        locally_created: true,
    }
}

fn removal(removal: &Removal) -> wire::Action<'_> {
    wire_action(&removal.action, removal.reason.as_deref())
}

fn revoke(history: &RevokeHistory) -> Option<wire::ExtendedTemporaryRevoke<'_>> {
    let details = history.details.as_ref()?;
    let revoke = &history.revoke;
    Some(wire::ExtendedTemporaryRevoke {
        temporary_revoke_id: revoke.id.as_str().into(),
        end_date: wire_time(revoke.end),
        revoked_for_care_unit_id: revoke.care_unit.as_str().into(),
        revoked_for_employee_id: revoke.employee.as_ref().map(|id| id.as_str().into()),
        revocation_reason: Some(match details.reason {
            RevokeReason::PatientsConsent => wire::TemporaryRevokeReason::PatientsConsent,
            RevokeReason::Emergency => wire::TemporaryRevokeReason::Emergency,
        }),
        revocation_reason_text: details.reason_text.as_deref().map(Into::into),
        registration_info: wire_action(&details.action, None),
        cancellation_info: history.cancelled.as_ref().map(removal),
        owner_id: revoke.owner_id.as_deref().map(Into::into),
    })
}
