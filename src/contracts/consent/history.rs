//! Reads in the extended format: GetExtendedConsentsForPatient 2.0 for staff, and
//! GetAllExtendedConsentsForPatient 1.0 for the patient.

use super::convert;
use super::patient::approved;
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::convert::{hsa_id, patient};
use crate::contracts::generated::consent::{v1, v2 as wire};
use crate::contracts::place::Place;
use crate::contracts::result::consent_result;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::assertion_history::StoredAssertion;

/// GetExtendedConsentsForPatient: a patient's assertions at one care provider.
///
/// # Errors
/// The store's.
pub async fn get_extended_consents_for_patient(
    context: &Context<'_>,
    request: wire::GetExtendedConsentsForPatient<'_>,
) -> Result<Answer, StoreError> {
    let (provider, patient) = match question(&request) {
        Ok(question) => question,
        Err(rejection) => return Ok(refused(&rejection)),
    };
    let store = &context.services.store;
    let found = store.assertion_histories(context.tenant.id, &patient, Some(&provider)).await?;
    Ok(answer(Ok(()), &chosen(found, request.get_cancelled_flag, context.now)))
}

fn question(
    request: &wire::GetExtendedConsentsForPatient<'_>,
) -> Result<(HsaId, PatientId), Rejection> {
    let root = Place::root("GetExtendedConsentsForPatient");
    let provider = hsa_id(root.child("careProviderId"), &request.care_provider_id)?;
    let id = &request.patient_id;
    Ok((provider, patient(root.child("patientId"), &id.root, id.extension.as_ref())?))
}

/// GetAllExtendedConsentsForPatient: a patient's assertions at every care provider.
///
/// # Errors
/// The store's.
pub async fn get_all_extended_consents_for_patient(
    context: &Context<'_>,
    request: v1::GetAllExtendedConsentsForPatient<'_>,
) -> Result<Answer, StoreError> {
    let place = Place::root("GetAllExtendedConsentsForPatient");
    let id = &request.patient_id;
    let patient = approved(context)
        .and_then(|()| patient(place.child("patientId"), &id.root, id.extension.as_ref()));
    let patient = match patient {
        Ok(patient) => patient,
        Err(rejection) => return Ok(all_refused(&rejection)),
    };
    let store = &context.services.store;
    let found = store.assertion_histories(context.tenant.id, &patient, None).await?;
    Ok(all_answer(Ok(()), &chosen(found, request.get_cancelled_flag, context.now)))
}

/// Valid ones only, or all of them.
fn chosen(mut found: Vec<StoredAssertion>, all: bool, now: Timestamp) -> Vec<StoredAssertion> {
    found.retain(|stored| all || stored.history.registration.assertion.is_valid(now));
    found
}

/// The answer of GetExtendedConsentsForPatient to a request that could not be read.
pub fn refused(rejection: &Rejection) -> Answer {
    answer(Err(rejection), &[])
}

/// The answer of GetAllExtendedConsentsForPatient to a request that could not be read.
pub fn all_refused(rejection: &Rejection) -> Answer {
    all_answer(Err(rejection), &[])
}

fn answer(outcome: Result<(), &Rejection>, found: &[StoredAssertion]) -> Answer {
    let get_extended_consents_result = result(outcome, found);
    let code = get_extended_consents_result.result.result_code.as_str();
    let response = wire::GetExtendedConsentsForPatientResponse { get_extended_consents_result };
    Answer::whole(code, found.len(), |out| response.write_root(out))
}

fn all_answer(outcome: Result<(), &Rejection>, found: &[StoredAssertion]) -> Answer {
    let get_extended_consents_result = result(outcome, found);
    let code = get_extended_consents_result.result.result_code.as_str();
    let response = v1::GetAllExtendedConsentsForPatientResponse { get_extended_consents_result };
    Answer::whole(code, found.len(), |out| response.write_root(out))
}

fn result<'r>(
    outcome: Result<(), &'r Rejection>,
    found: &'r [StoredAssertion],
) -> wire::GetExtendedConsentsResult<'r> {
    wire::GetExtendedConsentsResult {
        result: consent_result(outcome),
        pdl_assertions: found.iter().map(convert::extended).collect(),
    }
}
