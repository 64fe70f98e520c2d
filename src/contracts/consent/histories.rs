//! Reads in the extended format: GetExtendedConsentsForPatient 2.0 for staff, and
//! GetAllExtendedConsentsForPatient 1.0 for the patient.

use crate::contracts::answer::Answer;
use crate::contracts::contract::Contract;
use crate::domain::consent::lifecycle::AssertionHistory;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::messages::consent::assertion::wire_history;
use crate::messages::generated::consent::{v1, v2 as wire};
use crate::messages::identity::{hsa_id, patient};
use crate::messages::place::Place;
use crate::messages::result::consent_result;
use crate::procedures::consent::query;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;

/// A patient's assertions at one care provider.
impl Contract for wire::GetExtendedConsentsForPatient<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("GetExtendedConsentsForPatient");
        let provider = hsa_id(root.child("careProviderId"), &self.care_provider_id)?;
        context.about(&provider)?;
        let id = &self.patient_id;
        let patient = patient(root.child("patientId"), &id.root, id.extension.as_ref())?;
        let all = self.get_cancelled_flag;
        let found = query::histories(context, &patient, Some(&provider), all).await?;
        let now = context.now;
        Ok(context.made_of(found, move |found| of_staff(Ok(()), &found, now)).await?.it)
    }

    fn refused(rejection: &Rejection, now: Timestamp) -> Option<Answer> {
        Some(of_staff(Err(rejection), &[], now))
    }
}

/// A patient's assertions at every care provider.
impl Contract for v1::GetAllExtendedConsentsForPatient<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("GetAllExtendedConsentsForPatient");
        let id = &self.patient_id;
        let patient = patient(root.child("patientId"), &id.root, id.extension.as_ref())?;
        let all = self.get_cancelled_flag;
        let found = query::histories(context, &patient, None, all).await?;
        let now = context.now;
        Ok(context.made_of(found, move |found| of_patient(Ok(()), &found, now)).await?.it)
    }

    fn refused(rejection: &Rejection, now: Timestamp) -> Option<Answer> {
        Some(of_patient(Err(rejection), &[], now))
    }
}

fn of_staff(decided: Result<(), &Rejection>, found: &[AssertionHistory], now: Timestamp) -> Answer {
    let get_extended_consents_result = result(decided, found, now);
    let code = get_extended_consents_result.result.result_code.as_str();
    let response = wire::GetExtendedConsentsForPatientResponse { get_extended_consents_result };
    Answer::whole(code, found.len(), |out| response.write_root(out))
}

fn of_patient(
    decided: Result<(), &Rejection>,
    found: &[AssertionHistory],
    now: Timestamp,
) -> Answer {
    let get_extended_consents_result = result(decided, found, now);
    let code = get_extended_consents_result.result.result_code.as_str();
    let response = v1::GetAllExtendedConsentsForPatientResponse { get_extended_consents_result };
    Answer::whole(code, found.len(), |out| response.write_root(out))
}

fn result<'r>(
    decided: Result<(), &'r Rejection>,
    found: &'r [AssertionHistory],
    now: Timestamp,
) -> wire::GetExtendedConsentsResult<'r> {
    wire::GetExtendedConsentsResult {
        result: consent_result(decided),
        pdl_assertions: found.iter().map(|history| wire_history(history, now)).collect(),
    }
}
