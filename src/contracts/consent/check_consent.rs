//! `CheckConsent` 2.0: does an assertion open the patient's information to this actor?
//!
//! The code is `OK` whether an assertion opens or not; `hasConsent` is the answer.

use crate::contracts::answer::Answer;
use crate::contracts::contract::Contract;
use crate::domain::consent::assertion::AssertionType;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::messages::consent::assertion::{accessing_actor, wire_type};
use crate::messages::generated::consent::v2::{CheckConsent, CheckConsentResponse, CheckResult};
use crate::messages::identity::patient;
use crate::messages::place::Place;
use crate::messages::result::consent_result;
use crate::procedures::consent::query;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;

impl Contract for CheckConsent<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("CheckConsent");
        let actor = accessing_actor(root.child("accessingActor"), &self.accessing_actor)?;
        context.about(&actor.care_provider)?;
        let id = &self.patient_id;
        let patient = patient(root.child("patientId"), &id.root, id.extension.as_ref())?;
        Ok(answer_of(Ok(query::what_opens(context, &patient, &actor).await?)))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(answer_of(Err(rejection)))
    }
}

/// `hasConsent` is mandatory in refusals too.
fn answer_of(decided: Result<Option<AssertionType>, &Rejection>) -> Answer {
    let found = decided.ok().flatten();
    let response = CheckConsentResponse {
        check_result: CheckResult {
            result: consent_result(decided.map(|_| ())),
            has_consent: found.is_some(),
            assertion_type: found.map(wire_type),
        },
    };
    let code = response.check_result.result.result_code.as_str();
    Answer::whole(code, usize::from(found.is_some()), |out| response.write_root(out))
}
