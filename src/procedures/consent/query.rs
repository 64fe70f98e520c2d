//! What is asked about consents.

use crate::domain::consent::assertion::{Assertion, AssertionType, opens};
use crate::domain::consent::lifecycle::AssertionHistory;
use crate::domain::consent::page;
use crate::domain::identity::{AccessingActor, HsaId, PatientId};
use crate::domain::time::{Moment, Timestamp};
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::store::change::ChangeDomain;
pub use crate::store::consent::pages::Entry;
use crate::store::consent::pages::ListQuestion;
use crate::store::long_reads::Found;

/// The type of the assertion that opens the patient's information to the actor, if one does.
///
/// # Errors
/// The store's.
pub async fn what_opens(
    context: &Context<'_>,
    patient: &PatientId,
    actor: &AccessingActor,
) -> Result<Option<AssertionType>, Failure> {
    let store = &context.store;
    let found = store.assertions_of(context.tenant.id, patient, &actor.care_provider).await?;
    let (patient, actor, now) = (patient.clone(), actor.clone(), Moment::Now(context.now));
    let opens = move |found: Vec<Assertion>| opens(&found, &patient, &actor, now);
    Ok(context.made_of(found, opens).await?.it)
}

/// A patient's valid assertions at a care provider, started or not.
///
/// # Errors
/// The store's.
pub async fn valid_of_patient(
    context: &Context<'_>,
    patient: &PatientId,
    care_provider: &HsaId,
) -> Result<Found<Vec<Assertion>>, Failure> {
    let store = &context.store;
    let found = store.assertions_of(context.tenant.id, patient, care_provider).await?;
    let now = context.now;
    Ok(found.map(|mut found| {
        found.retain(|assertion| assertion.is_valid(now));
        found
    }))
}

/// A patient's assertions with what has happened to them, at one care provider or at all: valid
/// ones only, or all of them.
///
/// # Errors
/// The store's.
pub async fn histories(
    context: &Context<'_>,
    patient: &PatientId,
    care_provider: Option<&HsaId>,
    all: bool,
) -> Result<Found<Vec<AssertionHistory>>, Failure> {
    let store = &context.store;
    let found = store.assertion_histories(context.tenant.id, patient, care_provider).await?;
    let now = context.now;
    Ok(found.map(|mut found| {
        found.retain(|history| all || history.assertion.is_valid(now));
        found
    }))
}

/// A page of a care provider's list.
#[derive(Debug)]
pub struct ListPage {
    /// Its entries, in order of storage.
    pub entries: Vec<Entry>,
    /// Where the next page begins, or where what comes later will stand.
    pub next: Timestamp,
    /// Whether there is a next page now.
    pub more: bool,
}

/// A care provider's valid assertions, and on request those that were ended, in the order of
/// their storage, from `since` on.
///
/// # Errors
/// The store's.
pub async fn list(
    context: &Context<'_>,
    care_provider: HsaId,
    since: Option<Timestamp>,
    with_ended: bool,
) -> Result<Found<ListPage>, Failure> {
    let (store, tenant, now) = (&context.store, context.tenant.id, context.now);
    context.services.may_answer_at_length()?;
    // The cursor comes first: whatever is not in the snapshot read below is stored after it.
    let cursor = store.cursor(tenant, ChangeDomain::Consent, now).await?;
    let rows_max = context.services.consent_page_rows;
    let question = ListQuestion { care_provider, since, with_ended, now, rows_max };
    let found = store.assertion_page(tenant, question).await?;
    Ok(found.map(|found| ListPage {
        entries: found.entries,
        next: found.next.unwrap_or_else(|| page::cursor(cursor)),
        more: found.next.is_some(),
    }))
}
