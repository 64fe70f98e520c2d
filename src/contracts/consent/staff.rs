//! Changes of assertions by staff: RegisterExtendedConsent, CancelExtendedConsent,
//! DeleteExtendedConsent, all 2.0.

use crate::contracts::answer::{Answer, ResultOnly, result_only};
use crate::contracts::contract::{Contract, at};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::messages::consent::assertion::{action, registration};
use crate::messages::generated::consent::v2 as wire;
use crate::messages::identity::record_id;
use crate::messages::place::Place;
use crate::messages::result::consent_result;
use crate::procedures::consent::change;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;

result_only! {
    consent_result;
    wire::RegisterExtendedConsent<'_> => wire::RegisterExtendedConsentResponse,
    wire::CancelExtendedConsent<'_> => wire::CancelExtendedConsentResponse,
    wire::DeleteExtendedConsent<'_> => wire::DeleteExtendedConsentResponse,
}

/// A consent or an emergency assertion.
impl Contract for wire::RegisterExtendedConsent<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("RegisterExtendedConsent");
        let new = registration(root, &self, context.caller.name())?;
        change::register(context, &new).await.map_err(|failure| at(root, failure))?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}

/// Staff end an assertion on the patient's wish.
impl Contract for wire::CancelExtendedConsent<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("CancelExtendedConsent");
        let id = record_id(root.child("assertionId"), &self.assertion_id)?;
        let by = action(root.child("cancellationAction"), &self.cancellation_action)?;
        change::cancel(context, &id, &by).await?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}

/// An assertion registered by mistake is annulled.
impl Contract for wire::DeleteExtendedConsent<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("DeleteExtendedConsent");
        let id = record_id(root.child("assertionId"), &self.assertion_id)?;
        let by = action(root.child("deletionAction"), &self.deletion_action)?;
        change::delete(context, &id, &by).await?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}
