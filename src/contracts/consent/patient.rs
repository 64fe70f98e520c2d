//! `EndConsentByPatient` 1.0: the patient, or who represents the patient, ends a consent.

use super::administration::begin;
use super::convert;
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::convert::{instant, patient, record_id};
use crate::contracts::generated::consent::v1::{EndConsentByPatient, EndConsentByPatientResponse};
use crate::contracts::place::Place;
use crate::contracts::result::consent_result;
use crate::domain::consent_lifecycle::{PatientOutcome, PatientWish, end_by_patient};
use crate::domain::identity::{HsaId, PatientId, RecordId};
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Ambiguous;
use crate::store::StoreError;

/// `OK` means that the end is durable and seen by every call from now on.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn end_consent_by_patient(
    context: &Context<'_>,
    request: EndConsentByPatient<'_>,
) -> Result<Answer, StoreError> {
    let asked = approved(context).and_then(|()| wish(&request));
    let outcome = match asked {
        Ok((id, patient, wish)) => end(context, &id, &patient, &wish).await?,
        Err(rejection) => Err(rejection),
    };
    Ok(answer(outcome.as_ref().copied()))
}

async fn end(
    context: &Context<'_>,
    id: &RecordId,
    patient: &PatientId,
    wish: &PatientWish,
) -> Result<Result<(), Rejection>, StoreError> {
    let mut change = begin(context).await?;
    let stored = change.assertion(id).await?;
    let outcome = end_by_patient(stored.as_ref().map(|s| &s.history), patient, wish, context.now);
    let outcome = Place::root("EndConsentByPatient").decided(outcome);
    if let (Ok(PatientOutcome::End(at)), Some(stored)) = (&outcome, stored) {
        let caller = context.caller.as_deref();
        change.end_assertion_by_patient(stored.number, *at, wish, caller).await?;
        change.commit().await?;
    }
    Ok(outcome.map(|_| ()))
}

fn wish(
    request: &EndConsentByPatient<'_>,
) -> Result<(RecordId, PatientId, PatientWish), Rejection> {
    let root = Place::root("EndConsentByPatient");
    let id = record_id(root.child("assertionId"), &request.assertion_id)?;
    let of = &request.patient_id;
    let patient = patient(root.child("patientId"), &of.root, of.extension.as_ref())?;
    let represented_by =
        convert::representative(root.child("representedById"), request.represented_by_id.as_ref())?;
    let end = request.end_date_time.map(|at| instant(at, Ambiguous::Later));
    Ok((id, patient, PatientWish { end, represented_by }))
}

/// Whether the calling system may act for patients.
///
/// # Errors
/// That it may not.
pub(super) fn approved(context: &Context<'_>) -> Result<(), Rejection> {
    let approved = match &context.services.consents.citizen_services {
        Some(approved) => {
            let caller = context.caller.as_deref().and_then(HsaId::new);
            caller.is_some_and(|caller| approved.contains(&caller))
        }
        None => context.on_this_machine,
    };
    match approved {
        true => Ok(()),
        false => Err(Rejection::new(
            Class::AccessDenied,
            "Systemet är inte godkänt för tjänster till patienter.",
        )),
    }
}

/// The answer to a request that could not be read.
pub fn refused(rejection: &Rejection) -> Answer {
    answer(Err(rejection))
}

fn answer(outcome: Result<(), &Rejection>) -> Answer {
    let response = EndConsentByPatientResponse { result: consent_result(outcome) };
    Answer::whole(response.result.result_code.as_str(), 1, |out| response.write_root(out))
}
