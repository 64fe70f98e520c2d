//! Assertions: wire to domain and back.

use super::import::Copy;
use crate::contracts::convert::{
    actions_of_wire, hsa_id, instant, optional_hsa_id, owned, patient, record_id, wire_time,
};
use crate::contracts::place::Place;
use crate::domain::consent::{Assertion, AssertionType, Registration};
use crate::domain::consent_lifecycle::{AssertionHistory, Representative};
use crate::domain::identity::{Action, Actor, HsaId};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp};
use crate::soap::xml::Rule;
use crate::store::assertion_history::StoredAssertion;

actions_of_wire!(crate::contracts::generated::consent::v2);

/// A registration as the domain sees it.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn registration(
    request: &wire::RegisterExtendedConsent<'_>,
    now: Timestamp,
) -> Result<Registration, Rejection> {
    let root = Place::root("RegisterExtendedConsent");
    let patient_id = &request.patient_id;
    let assertion = Assertion {
        id: record_id(root.child("assertionId"), &request.assertion_id)?,
        assertion_type: match request.assertion_type {
            wire::AssertionType::Consent => AssertionType::Consent,
            wire::AssertionType::Emergency => AssertionType::Emergency,
        },
        patient: patient(root.child("patientId"), &patient_id.root, patient_id.extension.as_ref())?,
        care_provider: hsa_id(root.child("careProviderId"), &request.care_provider_id)?,
        care_unit: hsa_id(root.child("careUnitId"), &request.care_unit_id)?,
        employee: optional_hsa_id(root.child("employeeId"), request.employee_id.as_ref())?,
        start: request.start_date.map(|at| instant(at, Ambiguous::Earlier)),
        end: request.end_date.map(|at| instant(at, Ambiguous::Later)),
        stored_at: now,
        removed: false,
    };
    assertion.check().map_err(|rejection| root.under(&rejection))?;
    let represented_by =
        representative(root.child("representedBy"), request.represented_by.as_ref())?;
    let action = action(root.child("registrationAction"), &request.registration_action)?;
    Ok(Registration { assertion, represented_by, action })
}

/// A representative or guardian.
///
/// # Errors
/// That the identity is blank.
pub(super) fn representative(
    place: Place<'_>,
    id: Option<&wire::II<'_>>,
) -> Result<Option<Representative>, Rejection> {
    match id {
        Some(id) if id.root.trim().is_empty() => Err(place.child("root").wrong(Rule::Blank)),
        Some(id) => Ok(Some((id.root.as_ref().to_owned(), owned(id.extension.as_ref())))),
        None => Ok(None),
    }
}

/// A copy in the extended format, with what has happened to it.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn copy(extended: &wire::ExtendedPDLAssertion<'_>) -> Result<Copy, Rejection> {
    let root = Place::root("pdlAssertions");
    let at = |name, by: &Option<wire::Action<'_>>| match by {
        Some(by) => action(root.child(name), by).map(Some),
        None => Ok(None),
    };
    let registered = action(root.child("registrationInfo"), &extended.registration_info)?;
    let represented_by = extended.represented_by.as_ref();
    let stored_at = registered.registered_at;
    let mut history = history_of(&extended.pdl_assertion, represented_by, registered, stored_at)?;
    history.cancelled = at("cancellationInfo", &extended.cancellation_info)?;
    history.deleted = at("deletionInfo", &extended.deletion_info)?;
    history.registration.assertion.removed =
        history.cancelled.is_some() || history.deleted.is_some();
    Ok(Copy { history, owner_id: owned(extended.pdl_assertion.owner_id.as_ref()) })
}

/// An assertion to which nothing has happened.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn history_of(
    basic: &wire::PDLAssertion<'_>,
    represented_by: Option<&wire::II<'_>>,
    registered: Action,
    stored_at: Timestamp,
) -> Result<AssertionHistory, Rejection> {
    let root = Place::root("pDLAssertion");
    let id = &basic.patient_id;
    let assertion = Assertion {
        id: record_id(root.child("assertionId"), &basic.assertion_id)?,
        assertion_type: match basic.assertion_type {
            wire::AssertionType::Consent => AssertionType::Consent,
            wire::AssertionType::Emergency => AssertionType::Emergency,
        },
        patient: patient(root.child("patientId"), &id.root, id.extension.as_ref())?,
        care_provider: hsa_id(root.child("careProviderId"), &basic.care_provider_id)?,
        care_unit: hsa_id(root.child("careUnitId"), &basic.care_unit_id)?,
        employee: optional_hsa_id(root.child("employeeId"), basic.employee_id.as_ref())?,
        start: Some(instant(basic.start_date, Ambiguous::Earlier)),
        end: basic.end_date.map(|at| instant(at, Ambiguous::Later)),
        stored_at,
        removed: false,
    };
    let represented_by = representative(root.child("representedBy"), represented_by)?;
    let registration = Registration { assertion, represented_by, action: registered };
    Ok(AssertionHistory { registration, cancelled: None, deleted: None, ended_by_patient: None })
}

/// A registration of which only the system is known.
pub(super) fn action_of_system(system: &HsaId, at: Timestamp) -> Action {
    let actor = Actor { employee: system.clone(), assignment: None, assignment_name: None };
    Action {
        requested_at: at,
        requested_by: actor.clone(),
        registered_at: at,
        registered_by: actor,
        reason: Some("Kopia från ett lokalt system".into()),
    }
}

/// An assertion in the basic format.
pub(super) fn basic<'r>(
    assertion: &'r Assertion,
    owner_id: Option<&'r str>,
) -> wire::PDLAssertion<'r> {
    wire::PDLAssertion {
        assertion_id: assertion.id.as_str().into(),
        assertion_type: assertion_type(assertion.assertion_type),
        scope: wire::Scope::NationalLevel,
        care_provider_id: assertion.care_provider.as_str().into(),
        care_unit_id: assertion.care_unit.as_str().into(),
        employee_id: assertion.employee.as_ref().map(|id| id.as_str().into()),
        start_date: wire_time(assertion.start.unwrap_or(assertion.stored_at)),
        end_date: assertion.end.map(wire_time),
        owner_id: owner_id.map(Into::into),
        patient_id: wire::II {
            root: assertion.patient.root().into(),
            extension: Some(assertion.patient.extension().into()),
        },
    }
}

/// An assertion in the extended format, with what has happened to it.
pub(super) fn extended(stored: &StoredAssertion) -> wire::ExtendedPDLAssertion<'_> {
    let AssertionHistory { registration, cancelled, deleted, .. } = &stored.history;
    let represented_by = registration.represented_by.as_ref().map(|(root, extension)| wire::II {
        root: root.into(),
        extension: extension.as_deref().map(Into::into),
    });
    wire::ExtendedPDLAssertion {
        pdl_assertion: basic(&registration.assertion, stored.owner_id.as_deref()),
        represented_by,
        registration_info: wire_action(&registration.action, None),
        cancellation_info: cancelled.as_ref().map(|action| wire_action(action, None)),
        deletion_info: deleted.as_ref().map(|action| wire_action(action, None)),
    }
}

/// An assertion's type on the wire.
pub(super) fn assertion_type(assertion_type: AssertionType) -> wire::AssertionType {
    match assertion_type {
        AssertionType::Consent => wire::AssertionType::Consent,
        AssertionType::Emergency => wire::AssertionType::Emergency,
    }
}
