//! `RegisterExtendedConsent` 2.0: a consent or an emergency assertion is registered.

use super::convert;
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::generated::consent::v2::{
    RegisterExtendedConsent, RegisterExtendedConsentResponse,
};
use crate::contracts::result::consent_result;
use crate::domain::consent::{self, Registration};
use crate::domain::outcome::Outcome;
use crate::domain::rejection::Rejection;
use crate::store::{ChangeDomain, StoreError};

/// `OK` means that the assertion is durable and seen by every call from now on.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn register_extended_consent(
    context: &Context<'_>,
    request: RegisterExtendedConsent<'_>,
) -> Result<Answer, StoreError> {
    let new = match convert::registration(&request, context.now) {
        Ok(new) => new,
        Err(rejection) => return Ok(refused(&rejection)),
    };
    let outcome = register(context, &new).await?;
    Ok(answer(outcome.as_ref().map(|_| ())))
}

async fn register(
    context: &Context<'_>,
    new: &Registration,
) -> Result<Result<Outcome, Rejection>, StoreError> {
    if let Err(elsewhere) = context.tenant.may_hold(&new.assertion.care_provider) {
        return Ok(Err(elsewhere));
    }
    let store = &context.services.store;
    let mut change = store.change(context.tenant.id, ChangeDomain::Consent, context.now).await?;
    let stored = change.assertion_registration(&new.assertion.id).await?;
    let outcome = consent::register(stored.as_ref(), new);
    if outcome == Ok(Outcome::Store) {
        change.insert_assertion(new, context.caller.as_deref()).await?;
        change.commit().await?;
    }
    Ok(outcome)
}

/// The answer to a request that could not be read.
pub fn refused(rejection: &Rejection) -> Answer {
    answer(Err(rejection))
}

fn answer(outcome: Result<(), &Rejection>) -> Answer {
    let response = RegisterExtendedConsentResponse { result: consent_result(outcome) };
    Answer::whole(response.result.result_code.as_str(), 1, |out| response.write_root(out))
}
