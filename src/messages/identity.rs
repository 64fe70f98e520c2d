//! Wire to domain and back, for what the domains share: identities and actions.

use super::place::Place;
use crate::domain::identity::{HsaId, PatientId, PatientIdFault, RecordId, is_blank};
use crate::domain::rejection::Rejection;
use crate::soap::xml::{Rule, Text};

/// A mandatory HSA-id.
///
/// # Errors
/// That it is blank.
pub fn hsa_id(place: Place<'_>, text: &str) -> Result<HsaId, Rejection> {
    HsaId::new(text).ok_or_else(|| place.wrong(Rule::Blank))
}

/// An optional HSA-id. A blank one is refused: read as absent it could widen what the
/// caller meant, as where no employee means everybody.
///
/// # Errors
/// That it is blank.
pub fn optional_hsa_id(
    place: Place<'_>,
    text: Option<&Text<'_>>,
) -> Result<Option<HsaId>, Rejection> {
    text.map(|text| hsa_id(place, text)).transpose()
}

/// The id of a record.
///
/// # Errors
/// That it is blank.
pub fn record_id(place: Place<'_>, text: &str) -> Result<RecordId, Rejection> {
    RecordId::new(text).ok_or_else(|| place.wrong(Rule::Blank))
}

/// A patient's identity; both parts must say something.
///
/// # Errors
/// Which part names nobody, and why.
pub fn patient(
    place: Place<'_>,
    root: &str,
    extension: Option<&Text<'_>>,
) -> Result<PatientId, Rejection> {
    let at = place.child("extension");
    let number = match extension {
        Some(number) => number,
        None if root.trim().is_empty() => return Err(place.child("root").wrong(Rule::Blank)),
        None => return Err(at.wrong(Rule::Missing(None))),
    };
    PatientId::new(root, number).map_err(|fault| no_patient(place, fault))
}

/// Why a root and an extension name no patient.
pub fn no_patient(place: Place<'_>, fault: PatientIdFault) -> Rejection {
    let (part, rule) = match fault {
        PatientIdFault::BlankRoot => ("root", Rule::Blank),
        PatientIdFault::Root => ("root", Rule::Stated("inte en OID på högst 64 tecken".into())),
        PatientIdFault::BlankExtension => ("extension", Rule::Blank),
        PatientIdFault::TooLong => ("extension", Rule::Stated("längre än 64 tecken".into())),
        PatientIdFault::NotOfSeries => (
            "extension",
            Rule::Stated(
                "måste ha tolv tecken (siffror eller bokstäver A–Z) i denna nummerserie".into(),
            ),
        ),
    };
    place.child(part).wrong(rule)
}

/// Text to own, where there is any: blank text says nothing.
pub fn owned(text: Option<&Text<'_>>) -> Option<String> {
    said(text).map(str::to_owned)
}

/// Text that says something: a blank name or reason counts as absent.
pub fn said<'t>(text: Option<&'t Text<'_>>) -> Option<&'t str> {
    text.map(AsRef::as_ref).filter(|text| !is_blank(text))
}

/// Blocking and consent each declare actors and actions of the same form in a namespace of
/// their own; this reads and writes either.
macro_rules! actions_of_wire {
    ($types:path) => {
        use $types as wire;

        fn actor(
            place: crate::messages::place::Place<'_>,
            actor: &wire::Actor<'_>,
        ) -> Result<crate::domain::identity::Actor, crate::domain::rejection::Rejection> {
            use crate::messages::identity::{hsa_id, owned, said};
            Ok(crate::domain::identity::Actor {
                employee: hsa_id(place.child("employeeId"), &actor.employee_id)?,
                assignment: said(actor.assignment_id.as_ref())
                    .and_then(crate::domain::identity::HsaId::new),
                assignment_name: owned(actor.assignment_name.as_ref()),
            })
        }

        /// Who asked for and who registered a change.
        ///
        /// # Errors
        /// Which identity is blank.
        pub fn action(
            place: crate::messages::place::Place<'_>,
            action: &wire::Action<'_>,
        ) -> Result<crate::domain::identity::Action, crate::domain::rejection::Rejection> {
            use crate::domain::time::Ambiguous;
            use crate::messages::identity::owned;
            use crate::messages::time::instant;
            Ok(crate::domain::identity::Action {
                requested_at: instant(action.request_date, Ambiguous::Earlier),
                requested_by: actor(place.child("requestedBy"), &action.requested_by)?,
                registered_at: instant(action.registration_date, Ambiguous::Earlier),
                registered_by: actor(place.child("registeredBy"), &action.registered_by)?,
                reason: owned(action.reason_text.as_ref()),
            })
        }

        /// Who asked for and who registered a change, as answers have it; `reason` wins over
        /// the action's own.
        pub fn wire_action<'r>(
            action: &'r crate::domain::identity::Action,
            reason: Option<&'r str>,
        ) -> wire::Action<'r> {
            use crate::messages::time::wire_time;
            wire::Action {
                request_date: wire_time(action.requested_at),
                requested_by: wire_actor(&action.requested_by),
                registration_date: wire_time(action.registered_at),
                registered_by: wire_actor(&action.registered_by),
                reason_text: reason.or(action.reason.as_deref()).map(Into::into),
            }
        }

        fn wire_actor(actor: &crate::domain::identity::Actor) -> wire::Actor<'_> {
            wire::Actor {
                employee_id: actor.employee.as_str().into(),
                assignment_id: actor.assignment.as_ref().map(|id| id.as_str().into()),
                assignment_name: actor.assignment_name.as_deref().map(Into::into),
            }
        }

        /// The employee who wants access.
        ///
        /// # Errors
        /// Which identity is blank.
        pub fn accessing_actor(
            place: crate::messages::place::Place<'_>,
            actor: &wire::AccessingActor<'_>,
        ) -> Result<crate::domain::identity::AccessingActor, crate::domain::rejection::Rejection> {
            use crate::messages::identity::hsa_id;
            Ok(crate::domain::identity::AccessingActor {
                employee: hsa_id(place.child("employeeId"), &actor.employee_id)?,
                care_provider: hsa_id(place.child("careProviderId"), &actor.care_provider_id)?,
                care_unit: hsa_id(place.child("careUnitId"), &actor.care_unit_id)?,
            })
        }
    };
}
pub(crate) use actions_of_wire;
