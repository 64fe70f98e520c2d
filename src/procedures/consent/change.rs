//! Changes of assertions, by staff and by the patient.
//!
//! Done means that the change is durable and seen by every call from now on.

use crate::domain::consent::lifecycle::{self, AssertionHistory, PatientDecision, PatientWish};
use crate::domain::consent::registration::{self, AssertionRegistration};
use crate::domain::decision::Decision;
use crate::domain::identity::{Action, HsaId, PatientId, RecordId};
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::store::change::ChangeDomain;

/// Registers a consent or an emergency assertion.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn register(context: &Context<'_>, new: &AssertionRegistration) -> Result<(), Failure> {
    context.about(&new.content.care_provider)?;
    context.tenant.may_hold(&new.content.care_provider)?;
    let mut change = context.change(ChangeDomain::Consent).await?;
    let stored = change.find_assertion(&new.id).await?.map(|(_, history)| history);
    if registration::register(stored.as_ref(), new, context.now)? == Decision::Store {
        let stored_at = change.stored_at();
        registration::check(&new.content, stored_at)?;
        let start = registration::start_of(&new.content, stored_at);
        change.insert_assertion(new, start, None).await?;
        change.commit().await?;
    }
    Ok(())
}

/// Staff end an assertion on the patient's wish.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn cancel(context: &Context<'_>, id: &RecordId, by: &Action) -> Result<(), Failure> {
    let mut change = context.change(ChangeDomain::Consent).await?;
    let found = change.find_assertion(id).await?;
    let (number, stored) = context.seen(found, |(_, it)| provider_of(it)).unzip();
    let decision = lifecycle::cancel(stored.as_ref(), context.now)?;
    if let (Decision::Store, Some(number)) = (decision, number) {
        change.cancel_assertion(number, by).await?;
        change.commit().await?;
    }
    Ok(())
}

/// An assertion registered by mistake is annulled.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn delete(context: &Context<'_>, id: &RecordId, by: &Action) -> Result<(), Failure> {
    let mut change = context.change(ChangeDomain::Consent).await?;
    let found = change.find_assertion(id).await?;
    let (number, stored) = context.seen(found, |(_, it)| provider_of(it)).unzip();
    let decision = lifecycle::delete(stored.as_ref())?;
    if let (Decision::Store, Some(number)) = (decision, number) {
        change.delete_assertion(number, by).await?;
        change.commit().await?;
    }
    Ok(())
}

/// The patient, or who represents the patient, ends a consent.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn end_by_patient(
    context: &Context<'_>,
    id: &RecordId,
    patient: &PatientId,
    wish: &PatientWish,
) -> Result<(), Failure> {
    let mut change = context.change(ChangeDomain::Consent).await?;
    let (number, stored) = change.find_assertion(id).await?.unzip();
    let (now, stored_at) = (context.now, change.stored_at());
    let decision = lifecycle::end_by_patient(stored.as_ref(), patient, wish, now, stored_at)?;
    if let (PatientDecision::End(end), Some(number)) = (decision, number) {
        let caller = context.caller.name();
        change.end_assertion_by_patient(number, end, wish, caller).await?;
        change.commit().await?;
    }
    Ok(())
}

/// The care provider whose assertion it is.
fn provider_of(assertion: &AssertionHistory) -> &HsaId {
    &assertion.assertion.content.care_provider
}
