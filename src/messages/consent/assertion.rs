//! Assertions: wire to domain and back.

use crate::domain::consent::assertion::{
    Assertion, AssertionContent, AssertionType, Representative, Start,
};
use crate::domain::consent::lifecycle::{AssertionHistory, AssertionRemoval};
use crate::domain::consent::registration::AssertionRegistration;
use crate::domain::identity::RecordId;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Moment, Timestamp, next_whole_second, whole_second};
use crate::messages::identity::{
    actions_of_wire, hsa_id, optional_hsa_id, owned, patient, record_id,
};
use crate::messages::place::Place;
use crate::messages::time::{
    lower_bound, upper_bound, wire_not_earlier, wire_not_later, wire_time,
};
use crate::soap::xml::{DateTime, Rule, Text};

actions_of_wire!(crate::messages::generated::consent::v2);

/// What every description of an assertion says alike.
pub(super) struct AssertionFields<'r, 'a> {
    pub assertion_id: &'r Text<'a>,
    pub assertion_type: wire::AssertionType,
    pub patient_id: &'r wire::II<'a>,
    pub care_provider: &'r Text<'a>,
    pub care_unit: &'r Text<'a>,
    pub employee: Option<&'r Text<'a>>,
    pub start: Option<DateTime>,
    pub end: Option<DateTime>,
    pub represented_by: Option<&'r wire::II<'a>>,
}

/// An assertion's id and what it says. Messages tell whole seconds, and so do we: a start with a
/// fraction counts as the next second, an end as its own, so that whoever decides by what we
/// tell decides as we do.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn content(
    root: Place<'_>,
    fields: &AssertionFields<'_, '_>,
) -> Result<(RecordId, AssertionContent), Rejection> {
    let id = fields.patient_id;
    let assertion_id = record_id(root.child("assertionId"), fields.assertion_id)?;
    let content = AssertionContent {
        assertion_type: match fields.assertion_type {
            wire::AssertionType::Consent => AssertionType::Consent,
            wire::AssertionType::Emergency => AssertionType::Emergency,
        },
        patient: patient(root.child("patientId"), &id.root, id.extension.as_ref())?,
        care_provider: hsa_id(root.child("careProviderId"), fields.care_provider)?,
        care_unit: hsa_id(root.child("careUnitId"), fields.care_unit)?,
        employee: optional_hsa_id(root.child("employeeId"), fields.employee)?,
        start: fields.start.and_then(lower_bound).map(next_whole_second),
        end: fields.end.and_then(upper_bound).map(whole_second),
        represented_by: representative(root.child("representedBy"), fields.represented_by)?,
    };
    Ok((assertion_id, content))
}

/// What RegisterExtendedConsent describes.
///
/// # Errors
/// The first value that breaks a rule.
pub fn registration(
    root: Place<'_>,
    request: &wire::RegisterExtendedConsent<'_>,
    owner_id: Option<&str>,
) -> Result<AssertionRegistration, Rejection> {
    let fields = AssertionFields {
        assertion_id: &request.assertion_id,
        assertion_type: request.assertion_type,
        patient_id: &request.patient_id,
        care_provider: &request.care_provider_id,
        care_unit: &request.care_unit_id,
        employee: request.employee_id.as_ref(),
        start: request.start_date,
        end: request.end_date,
        represented_by: request.represented_by.as_ref(),
    };
    let (id, content) = content(root, &fields)?;
    let action = action(root.child("registrationAction"), &request.registration_action)?;
    Ok(AssertionRegistration { id, content, action, owner_id: owner_id.map(str::to_owned) })
}

/// A representative or guardian.
///
/// # Errors
/// That the identity is blank.
pub fn representative(
    place: Place<'_>,
    id: Option<&wire::II<'_>>,
) -> Result<Option<Representative>, Rejection> {
    match id {
        Some(id) if id.root.trim().is_empty() => Err(place.child("root").wrong(Rule::Blank)),
        Some(id) => Ok(Some((id.root.as_ref().to_owned(), owned(id.extension.as_ref())))),
        None => Ok(None),
    }
}

/// An assertion in the basic format, as it stands now.
pub fn wire_assertion<How>(assertion: &Assertion<How>, now: Timestamp) -> wire::PDLAssertion<'_> {
    let content = &assertion.content;
    wire::PDLAssertion {
        assertion_id: assertion.id.as_str().into(),
        assertion_type: wire_type(content.assertion_type),
        scope: wire::Scope::NationalLevel,
        care_provider_id: content.care_provider.as_str().into(),
        care_unit_id: content.care_unit.as_str().into(),
        employee_id: content.employee.as_ref().map(|id| id.as_str().into()),
        start_date: match assertion.start {
            Start::AtOnce => wire_time(assertion.starts_at()),
            Start::At(start) => wire_not_earlier(start),
        },
        end_date: assertion.ends_at(Moment::Now(now)).map(wire_not_later),
        owner_id: assertion.owner_id.as_deref().map(Into::into),
        patient_id: wire::II {
            root: content.patient.root().into(),
            extension: Some(content.patient.extension().into()),
        },
    }
}

/// An assertion in the extended format, with what has happened to it.
pub fn wire_history(history: &AssertionHistory, now: Timestamp) -> wire::ExtendedPDLAssertion<'_> {
    let assertion = &history.assertion;
    let represented_by = assertion.content.represented_by.as_ref().map(|(root, extension)| {
        wire::II { root: root.into(), extension: extension.as_deref().map(Into::into) }
    });
    let (cancelled, deleted) = match assertion.lifetime.removal() {
        None => (None, None),
        Some(AssertionRemoval::Cancelled(action)) => (Some(action), None),
        Some(AssertionRemoval::Deleted { action, cancelled }) => (cancelled.as_ref(), Some(action)),
    };
    wire::ExtendedPDLAssertion {
        pdl_assertion: wire_assertion(assertion, now),
        represented_by,
        registration_info: wire_action(&history.action, None),
        cancellation_info: cancelled.map(|action| wire_action(action, None)),
        deletion_info: deleted.map(|action| wire_action(action, None)),
    }
}

/// An assertion's type on the wire.
pub fn wire_type(assertion_type: AssertionType) -> wire::AssertionType {
    match assertion_type {
        AssertionType::Consent => wire::AssertionType::Consent,
        AssertionType::Emergency => wire::AssertionType::Emergency,
    }
}
