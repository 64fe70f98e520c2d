//! Copies of assertions, as other systems tell them: in a file, or as a producer.

use super::assertion::{AssertionFields, action, content};
use crate::domain::consent::import::AssertionCopy;
use crate::domain::consent::lifecycle::AssertionRemoval;
use crate::domain::consent::registration::AssertionRegistration;
use crate::domain::identity::{Action, Actor, HsaId, RecordId};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp};
use crate::messages::generated::consent::v2 as wire;
use crate::messages::generated::ns;
use crate::messages::identity::{owned, record_id};
use crate::messages::place::Place;
use crate::messages::time::instant;
use crate::soap::xml::{self, Charset, ReadError, Reader};

/// Elements in a file; a file is bounded by memory.
const ELEMENTS_MAX: usize = 500_000_000;

/// Reads every `pdlAssertions` element of a document, of the type `ExtendedPDLAssertionType`,
/// wherever it stands: an answer of GetExtendedConsentsForPatient or
/// GetAllExtendedConsentsForPatient, or any document around them. `take` is handed copies, or
/// what is wrong with one; it says whether to go on.
///
/// # Errors
/// Only when the document is not XML.
pub fn read_file(
    document: &[u8],
    mut take: impl FnMut(Result<AssertionCopy, Rejection>) -> bool,
) -> Result<(), String> {
    let text = xml::decode(document, Charset::Unstated).map_err(|e| e.to_string())?;
    let broken = |error: ReadError| match error {
        ReadError::Malformed(malformed) => malformed.to_string(),
        ReadError::Invalid(violation) => violation.to_string(),
    };
    let mut reader = Reader::new(&text, ns::of_uri).map_err(broken)?;
    reader.limit_elements(ELEMENTS_MAX);
    let found = reader.scan(
        ns::CONSENT_2,
        "pdlAssertions",
        |r| Ok(extended_copy(&wire::ExtendedPDLAssertion::read(r)?)),
        |copy| {
            take(copy.unwrap_or_else(|violation| {
                Err(Rejection::validation(format!("pdlAssertions/{violation}")))
            }))
        },
    );
    found.map_err(broken)
}

/// A copy in the extended format, with what has happened to it.
fn extended_copy(extended: &wire::ExtendedPDLAssertion<'_>) -> Result<AssertionCopy, Rejection> {
    let root = Place::root("pdlAssertions");
    let at = |name, by: &Option<wire::Action<'_>>| match by {
        Some(by) => action(root.child(name), by).map(Some),
        None => Ok(None),
    };
    let registered = action(root.child("registrationInfo"), &extended.registration_info)?;
    let represented_by = extended.represented_by.as_ref();
    let registration = registration(&extended.pdl_assertion, represented_by, registered)?;
    let cancelled = at("cancellationInfo", &extended.cancellation_info)?;
    let deleted = at("deletionInfo", &extended.deletion_info)?;
    let removal = match (cancelled, deleted) {
        (None, None) => None,
        (Some(action), None) => Some(AssertionRemoval::Cancelled(action)),
        (cancelled, Some(action)) => Some(AssertionRemoval::Deleted { action, cancelled }),
    };
    Ok(AssertionCopy { registration, removal })
}

/// A valid assertion in the basic format, which does not tell who registered it: the source
/// stands for whom it does not name.
///
/// # Errors
/// The first value that makes no sense.
pub fn basic_copy(
    assertion: &wire::PDLAssertion<'_>,
    source: &HsaId,
    now: Timestamp,
) -> Result<AssertionCopy, Rejection> {
    let registration = registration(assertion, None, action_of_system(source, now))?;
    Ok(AssertionCopy { registration, removal: None })
}

fn registration(
    basic: &wire::PDLAssertion<'_>,
    represented_by: Option<&wire::II<'_>>,
    action: Action,
) -> Result<AssertionRegistration, Rejection> {
    let fields = AssertionFields {
        assertion_id: &basic.assertion_id,
        assertion_type: basic.assertion_type,
        patient_id: &basic.patient_id,
        care_provider: &basic.care_provider_id,
        care_unit: &basic.care_unit_id,
        employee: basic.employee_id.as_ref(),
        start: Some(basic.start_date),
        end: basic.end_date,
        represented_by,
    };
    let (id, content) = content(Place::root("pDLAssertion"), &fields)?;
    let owner_id = owned(basic.owner_id.as_ref());
    Ok(AssertionRegistration { id, content, action, owner_id })
}

/// A registration of which only the system is known.
fn action_of_system(system: &HsaId, at: Timestamp) -> Action {
    let actor = Actor { employee: system.clone(), assignment: None, assignment_name: None };
    Action {
        requested_at: at,
        requested_by: actor.clone(),
        registered_at: at,
        registered_by: actor,
        reason: Some("Kopia från ett lokalt system".into()),
    }
}

/// Which assertion has ended at its source, and when it stopped being valid.
///
/// # Errors
/// That its id is blank.
pub fn ending(ended: &wire::CancelledAssertion<'_>) -> Result<(RecordId, Timestamp), Rejection> {
    let place = Place::root("cancelledAssertions");
    let id = record_id(place.child("assertionId"), &ended.assertion_id)?;
    Ok((id, instant(ended.cancellation_date, Ambiguous::Earlier)))
}
