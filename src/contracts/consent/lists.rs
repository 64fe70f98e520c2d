//! Reads for consumers that decide by themselves: GetConsentsForPatient and
//! GetConsentsForCareProvider, 2.0.

use crate::contracts::answer::Answer;
use crate::contracts::contract::Contract;
use crate::domain::consent::assertion::Assertion;
use crate::domain::consent::page;
use crate::domain::identity::HsaId;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Timestamp, whole_second};
use crate::messages::consent::assertion::wire_assertion;
use crate::messages::generated::consent::v2 as wire;
use crate::messages::identity::{hsa_id, patient};
use crate::messages::place::Place;
use crate::messages::result::consent_result;
use crate::messages::time::{lower_bound, wire_time};
use crate::procedures::consent::query::{self, Entry, ListPage};
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;
use crate::soap::xml::Rule;

/// The patient's valid assertions at a care provider, also those that have not started yet.
impl Contract for wire::GetConsentsForPatient<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("GetConsentsForPatient");
        let provider = hsa_id(root.child("careProviderId"), &self.care_provider_id)?;
        context.about(&provider)?;
        let id = &self.patient_id;
        let patient = patient(root.child("patientId"), &id.root, id.extension.as_ref())?;
        let found = query::valid_of_patient(context, &patient, &provider).await?;
        let now = context.now;
        Ok(context.made_of(found, move |found| of_patient(Ok(()), &found, now)).await?.it)
    }

    fn refused(rejection: &Rejection, now: Timestamp) -> Option<Answer> {
        Some(of_patient(Err(rejection), &[], now))
    }
}

fn of_patient(decided: Result<(), &Rejection>, found: &[Assertion], now: Timestamp) -> Answer {
    let response = wire::GetConsentsForPatientResponse {
        get_consents_result: wire::GetConsentsResult {
            result: consent_result(decided),
            pdl_assertions: found.iter().map(|a| wire_assertion(a, now)).collect(),
        },
    };
    let code = response.get_consents_result.result.result_code.as_str();
    Answer::whole(code, found.len(), |out| response.write_root(out))
}

/// A care provider's valid assertions, and on request those that were ended, in the order of
/// their storage, page by page.
impl Contract for wire::GetConsentsForCareProvider<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let now = context.now;
        let since = self.created_on_or_after.and_then(lower_bound);
        let (provider, with_ended) = match question(&self) {
            Ok(question) => question,
            // The cursor is read whatever else is wrong, or the consumer would lose its place.
            Err(rejection) => {
                let next = since.map_or_else(|| page::cursor(now), whole_second);
                return Ok(list(Err(&rejection), &empty(next), now));
            }
        };
        context.about(&provider)?;
        let page = query::list(context, provider, since, with_ended).await?;
        Ok(context.made_of(page, move |page| list(Ok(()), &page, now)).await?.it)
    }

    fn refused(rejection: &Rejection, now: Timestamp) -> Option<Answer> {
        Some(list(Err(rejection), &empty(page::cursor(now)), now))
    }
}

fn empty(next: Timestamp) -> ListPage {
    ListPage { entries: Vec::new(), next, more: false }
}

fn question(request: &wire::GetConsentsForCareProvider<'_>) -> Result<(HsaId, bool), Rejection> {
    let root = Place::root("GetConsentsForCareProvider");
    if let Some(violation) = request.violations.first() {
        return Err(root.under(&Rejection::validation(violation.to_string())));
    }
    let missing = |name| root.child(name).wrong(Rule::Missing(None));
    let provider = request.care_provider_id.as_ref().ok_or_else(|| missing("careProviderId"))?;
    let with_ended = request.get_cancelled_flag.ok_or_else(|| missing("getCancelledFlag"))?;
    Ok((hsa_id(root.child("careProviderId"), provider)?, with_ended))
}

fn list(decided: Result<(), &Rejection>, page: &ListPage, now: Timestamp) -> Answer {
    let (mut assertions, mut cancelled_assertions) = (Vec::new(), Vec::new());
    for entry in &page.entries {
        match entry {
            Entry::Valid(assertion) => assertions.push(wire_assertion(assertion, now)),
            Entry::Ended(id, at) => cancelled_assertions.push(wire::CancelledAssertion {
                assertion_id: id.as_str().into(),
                cancellation_date: wire_time(*at),
            }),
        }
    }
    let response = wire::GetConsentsForCareProviderResponse {
        get_all_assertions_result: wire::GetAllAssertionsResult {
            result: consent_result(decided),
            more_on_or_after: wire_time(page.next),
            has_more: page.more,
            assertions,
            cancelled_assertions,
        },
    };
    let code = response.get_all_assertions_result.result.result_code.as_str();
    Answer::whole(code, page.entries.len(), |out| response.write_root(out))
}
