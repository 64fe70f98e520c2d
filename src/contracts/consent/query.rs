//! Reads for consumers that decide by themselves: GetConsentsForPatient and
//! GetConsentsForCareProvider, 2.0.

use super::convert;
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::convert::{hsa_id, instant, patient, wire_time};
use crate::contracts::generated::consent::v2 as wire;
use crate::contracts::place::Place;
use crate::contracts::result::consent_result;
use crate::domain::consent::Assertion;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::page;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp, whole_second};
use crate::soap::xml::Rule;
use crate::store::assertion_pages::{Entry, ListQuestion};
use crate::store::{ChangeDomain, StoreError};

/// GetConsentsForPatient: the patient's valid assertions at a care provider, also those that
/// have not started yet.
///
/// # Errors
/// The store's.
pub async fn get_consents_for_patient(
    context: &Context<'_>,
    request: wire::GetConsentsForPatient<'_>,
) -> Result<Answer, StoreError> {
    let (provider, patient) = match of_patient(&request) {
        Ok(question) => question,
        Err(rejection) => return Ok(patient_refused(&rejection)),
    };
    let store = &context.services.store;
    let mut found = store.assertions_and_owners_of(context.tenant.id, &patient, &provider).await?;
    found.retain(|(assertion, _)| assertion.is_valid(context.now));
    Ok(consents(Ok(()), &found))
}

fn of_patient(request: &wire::GetConsentsForPatient<'_>) -> Result<(HsaId, PatientId), Rejection> {
    let root = Place::root("GetConsentsForPatient");
    let provider = hsa_id(root.child("careProviderId"), &request.care_provider_id)?;
    let id = &request.patient_id;
    Ok((provider, patient(root.child("patientId"), &id.root, id.extension.as_ref())?))
}

/// The answer of GetConsentsForPatient to a request that could not be read.
pub fn patient_refused(rejection: &Rejection) -> Answer {
    consents(Err(rejection), &[])
}

fn consents(outcome: Result<(), &Rejection>, found: &[(Assertion, Option<String>)]) -> Answer {
    let basic = found.iter().map(|(assertion, owner)| convert::basic(assertion, owner.as_deref()));
    let pdl_assertions = basic.collect();
    let response = wire::GetConsentsForPatientResponse {
        get_consents_result: wire::GetConsentsResult {
            result: consent_result(outcome),
            pdl_assertions,
        },
    };
    let code = response.get_consents_result.result.result_code.as_str();
    Answer::whole(code, found.len(), |out| response.write_root(out))
}

/// GetConsentsForCareProvider: a care provider's valid assertions, and on request those that
/// were ended, in the order of their storage, page by page.
///
/// # Errors
/// The store's.
pub async fn get_consents_for_care_provider(
    context: &Context<'_>,
    request: wire::GetConsentsForCareProvider<'_>,
) -> Result<Answer, StoreError> {
    let since = request.created_on_or_after.map(|at| instant(at, Ambiguous::Earlier));
    let (care_provider, with_ended) = match of_provider(&request) {
        Ok(question) => question,
        // The cursor is read whatever else is wrong, or the consumer would lose its place.
        Err(rejection) => {
            let cursor = since.map_or_else(|| page::cursor(context.now), whole_second);
            return Ok(list(Err(&rejection), cursor, false, &[]));
        }
    };
    let (store, tenant) = (&context.services.store, context.tenant.id);
    // The cursor comes first: whatever is not in the snapshot read below is stored after it.
    let cursor = store.cursor(tenant, ChangeDomain::Consent, context.now).await?;
    let rows_max = context.services.consents.page_rows;
    let question = ListQuestion { care_provider, since, with_ended, now: context.now, rows_max };
    let found = store.assertion_page(tenant, &question).await?;
    let next = found.next.unwrap_or_else(|| page::cursor(cursor));
    Ok(list(Ok(()), next, found.next.is_some(), &found.entries))
}

fn of_provider(request: &wire::GetConsentsForCareProvider<'_>) -> Result<(HsaId, bool), Rejection> {
    let root = Place::root("GetConsentsForCareProvider");
    if let Some(violation) = request.violations.first() {
        return Err(root.under(&Rejection::validation(violation.to_string())));
    }
    let missing = |name| root.child(name).wrong(Rule::Missing(None));
    let provider = request.care_provider_id.as_ref().ok_or_else(|| missing("careProviderId"))?;
    let with_ended = request.get_cancelled_flag.ok_or_else(|| missing("getCancelledFlag"))?;
    Ok((hsa_id(root.child("careProviderId"), provider)?, with_ended))
}

fn list(outcome: Result<(), &Rejection>, next: Timestamp, more: bool, entries: &[Entry]) -> Answer {
    let (mut assertions, mut cancelled_assertions) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Valid(assertion, owner) => {
                assertions.push(convert::basic(assertion, owner.as_deref()));
            }
            Entry::Ended(id, at) => cancelled_assertions.push(wire::CancelledAssertion {
                assertion_id: id.as_str().into(),
                cancellation_date: wire_time(*at),
            }),
        }
    }
    let response = wire::GetConsentsForCareProviderResponse {
        get_all_assertions_result: wire::GetAllAssertionsResult {
            result: consent_result(outcome),
            more_on_or_after: wire_time(next),
            has_more: more,
            assertions,
            cancelled_assertions,
        },
    };
    let code = response.get_all_assertions_result.result.result_code.as_str();
    Answer::whole(code, entries.len(), |out| response.write_root(out))
}
