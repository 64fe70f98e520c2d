//! `CheckConsent` 2.0: does an assertion open the patient's information to this actor?

use super::convert;
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::convert::patient;
use crate::contracts::generated::consent::v2::{CheckConsent, CheckConsentResponse, CheckResult};
use crate::contracts::place::Place;
use crate::contracts::result::consent_result;
use crate::domain::consent::{self, AssertionType};
use crate::domain::identity::{AccessingActor, PatientId};
use crate::domain::rejection::Rejection;
use crate::store::StoreError;

/// The code is `OK` whether an assertion opens or not; `hasConsent` is the answer.
///
/// # Errors
/// The store's.
pub async fn check_consent(
    context: &Context<'_>,
    request: CheckConsent<'_>,
) -> Result<Answer, StoreError> {
    let (actor, patient) = match question(&request) {
        Ok(question) => question,
        Err(rejection) => return Ok(refused(&rejection)),
    };
    let store = &context.services.store;
    let assertions = store.assertions_of(context.tenant.id, &patient, &actor.care_provider).await?;
    Ok(answer(Ok(consent::opens(&assertions, &patient, &actor, context.now))))
}

fn question(request: &CheckConsent<'_>) -> Result<(AccessingActor, PatientId), Rejection> {
    let root = Place::root("CheckConsent");
    let actor = convert::accessing_actor(root.child("accessingActor"), &request.accessing_actor)?;
    let id = &request.patient_id;
    let patient = patient(root.child("patientId"), &id.root, id.extension.as_ref())?;
    Ok((actor, patient))
}

/// The answer to a request that could not be read; `hasConsent` is mandatory there too.
pub fn refused(rejection: &Rejection) -> Answer {
    answer(Err(rejection))
}

fn answer(outcome: Result<Option<AssertionType>, &Rejection>) -> Answer {
    let found = outcome.ok().flatten();
    let response = CheckConsentResponse {
        check_result: CheckResult {
            result: consent_result(outcome.map(|_| ())),
            has_consent: found.is_some(),
            assertion_type: found.map(convert::assertion_type),
        },
    };
    let code = response.check_result.result.result_code.as_str();
    Answer::whole(code, usize::from(found.is_some()), |out| response.write_root(out))
}
