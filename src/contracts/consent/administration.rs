//! Changes of assertions by staff: RegisterExtendedConsent, CancelExtendedConsent,
//! DeleteExtendedConsent, all 2.0.
//!
//! `OK` means that the change is durable and seen by every call from now on.

use super::convert;
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::convert::record_id;
use crate::contracts::generated::consent::v2 as wire;
use crate::contracts::place::Place;
use crate::contracts::result::consent_result;
use crate::domain::consent::{self, Registration};
use crate::domain::consent_lifecycle;
use crate::domain::identity::{Action, RecordId};
use crate::domain::outcome::Outcome;
use crate::domain::rejection::Rejection;
use crate::store::{Change, ChangeDomain, StoreError};

/// What was decided, or why it was refused; the outer error is the store's.
type Decided = Result<Result<Outcome, Rejection>, StoreError>;

/// Begins a change of the tenant's assertions.
pub(super) async fn begin(context: &Context<'_>) -> Result<Change, StoreError> {
    context.services.store.change(context.tenant.id, ChangeDomain::Consent, context.now).await
}

/// RegisterExtendedConsent: a consent or an emergency assertion.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn register_extended_consent(
    context: &Context<'_>,
    request: wire::RegisterExtendedConsent<'_>,
) -> Result<Answer, StoreError> {
    let outcome = match convert::registration(&request, context.now) {
        Ok(new) => register(context, &new).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(registered(outcome.as_ref().copied()))
}

async fn register(context: &Context<'_>, new: &Registration) -> Decided {
    if let Err(elsewhere) = context.tenant.may_hold(&new.assertion.care_provider) {
        return Ok(Err(elsewhere));
    }
    let mut change = begin(context).await?;
    let stored = change.assertion_registration(&new.assertion.id).await?;
    let outcome = consent::register(stored.as_ref(), new);
    if outcome == Ok(Outcome::Store) {
        change.insert_assertion(new, context.caller.as_deref(), None).await?;
        change.commit().await?;
    }
    Ok(outcome)
}

/// CancelExtendedConsent: staff end an assertion on the patient's wish.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn cancel_extended_consent(
    context: &Context<'_>,
    request: wire::CancelExtendedConsent<'_>,
) -> Result<Answer, StoreError> {
    let root = Place::root("CancelExtendedConsent");
    let place = root.child("cancellationAction");
    let outcome = match removal(root, &request.assertion_id, place, &request.cancellation_action) {
        Ok((id, action)) => cancel(context, &id, &action).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(cancelled(outcome.as_ref().copied()))
}

async fn cancel(context: &Context<'_>, id: &RecordId, new: &Action) -> Decided {
    let mut change = begin(context).await?;
    let stored = change.assertion(id).await?;
    let outcome = consent_lifecycle::cancel(stored.as_ref().map(|s| &s.history), new, context.now);
    if let (Ok(Outcome::Store), Some(stored)) = (&outcome, stored) {
        change.cancel_assertion(stored.number, new).await?;
        change.commit().await?;
    }
    Ok(outcome)
}

/// DeleteExtendedConsent: an assertion registered by mistake is annulled.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn delete_extended_consent(
    context: &Context<'_>,
    request: wire::DeleteExtendedConsent<'_>,
) -> Result<Answer, StoreError> {
    let root = Place::root("DeleteExtendedConsent");
    let place = root.child("deletionAction");
    let outcome = match removal(root, &request.assertion_id, place, &request.deletion_action) {
        Ok((id, action)) => delete(context, &id, &action).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(deleted(outcome.as_ref().copied()))
}

async fn delete(context: &Context<'_>, id: &RecordId, new: &Action) -> Decided {
    let mut change = begin(context).await?;
    let stored = change.assertion(id).await?;
    let outcome = consent_lifecycle::delete(stored.as_ref().map(|s| &s.history), new);
    if let (Ok(Outcome::Store), Some(stored)) = (&outcome, stored) {
        change.delete_assertion(stored.number, new).await?;
        change.commit().await?;
    }
    Ok(outcome)
}

/// Which assertion is taken away, and who asked for it.
fn removal(
    root: Place<'_>,
    id: &str,
    place: Place<'_>,
    action: &wire::Action<'_>,
) -> Result<(RecordId, Action), Rejection> {
    Ok((record_id(root.child("assertionId"), id)?, convert::action(place, action)?))
}

/// The answer of RegisterExtendedConsent.
pub fn registered(outcome: Result<(), &Rejection>) -> Answer {
    let response = wire::RegisterExtendedConsentResponse { result: consent_result(outcome) };
    Answer::whole(response.result.result_code.as_str(), 1, |out| response.write_root(out))
}

/// The answer of CancelExtendedConsent.
pub fn cancelled(outcome: Result<(), &Rejection>) -> Answer {
    let response = wire::CancelExtendedConsentResponse { result: consent_result(outcome) };
    Answer::whole(response.result.result_code.as_str(), 1, |out| response.write_root(out))
}

/// The answer of DeleteExtendedConsent.
pub fn deleted(outcome: Result<(), &Rejection>) -> Answer {
    let response = wire::DeleteExtendedConsentResponse { result: consent_result(outcome) };
    Answer::whole(response.result.result_code.as_str(), 1, |out| response.write_root(out))
}
