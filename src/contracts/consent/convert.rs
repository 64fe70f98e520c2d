//! Assertions: wire to domain and back.

use crate::contracts::convert::{
    actions_from_wire, hsa_id, instant, optional_hsa_id, owned, patient, record_id,
};
use crate::contracts::place::Place;
use crate::domain::consent::{Assertion, AssertionType, Registration};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp};
use crate::soap::xml::Rule;

actions_from_wire!(crate::contracts::generated::consent::v2);

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
    let represented_by = match &request.represented_by {
        Some(id) if id.root.trim().is_empty() => {
            return Err(root.child("representedBy").child("root").wrong(Rule::Blank));
        }
        Some(id) => Some((id.root.as_ref().to_owned(), owned(id.extension.as_ref()))),
        None => None,
    };
    let action = action(root.child("registrationAction"), &request.registration_action)?;
    Ok(Registration { assertion, represented_by, action })
}

/// An assertion's type on the wire.
pub(super) fn assertion_type(assertion_type: AssertionType) -> wire::AssertionType {
    match assertion_type {
        AssertionType::Consent => wire::AssertionType::Consent,
        AssertionType::Emergency => wire::AssertionType::Emergency,
    }
}
