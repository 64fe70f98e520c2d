//! Wire to domain and back, for what the domains share: identities, times, actions.

use super::place::Place;
use crate::domain::identity::{HsaId, PatientId, RecordId};
use crate::domain::rejection::Rejection;
use crate::domain::time::{self, Ambiguous, Timestamp};
use crate::soap::xml::{DateTime, Rule, Text};
use chrono::{Duration, SubsecRound};

/// The instant that a time on the wire names, in the microseconds that the store keeps.
pub fn instant(wire: DateTime, which: Ambiguous) -> Timestamp {
    let instant = match wire.offset_minutes {
        Some(minutes) => (wire.local - Duration::minutes(i64::from(minutes))).and_utc(),
        None => time::instant(wire.local, which),
    };
    instant.trunc_subsecs(6)
}

/// An instant as the wire has it.
pub fn wire_time(at: Timestamp) -> DateTime {
    DateTime::local(time::local(at))
}

/// The last instant of a period as the wire has it. What is told has whole seconds: one that
/// has begun is told as the next, so that nobody who decides by it lets more through than we.
pub fn wire_end(at: Timestamp) -> DateTime {
    let second = time::whole_second(at);
    wire_time(if second < at { second + Duration::seconds(1) } else { second })
}

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
/// Which part is missing or blank.
pub fn patient(
    place: Place<'_>,
    root: &str,
    extension: Option<&Text<'_>>,
) -> Result<PatientId, Rejection> {
    if root.trim().is_empty() {
        return Err(place.child("root").wrong(Rule::Blank));
    }
    let at = place.child("extension");
    let extension = extension.ok_or_else(|| at.wrong(Rule::Missing(None)))?;
    PatientId::new(root, extension).ok_or_else(|| at.wrong(Rule::Blank))
}

/// Text to own, where there is any.
pub fn owned(text: Option<&Text<'_>>) -> Option<String> {
    text.map(|text| text.as_ref().to_owned())
}

/// Blocking and consent each declare actors and actions of the same form in a namespace of
/// their own; this reads and writes either.
macro_rules! actions_of_wire {
    ($types:path) => {
        use $types as wire;

        fn actor(
            place: crate::contracts::place::Place<'_>,
            actor: &wire::Actor<'_>,
        ) -> Result<crate::domain::identity::Actor, crate::domain::rejection::Rejection> {
            use crate::contracts::convert::{hsa_id, optional_hsa_id, owned};
            Ok(crate::domain::identity::Actor {
                employee: hsa_id(place.child("employeeId"), &actor.employee_id)?,
                assignment: optional_hsa_id(
                    place.child("assignmentId"),
                    actor.assignment_id.as_ref(),
                )?,
                assignment_name: owned(actor.assignment_name.as_ref()),
            })
        }

        /// Who asked for and who registered a change.
        ///
        /// # Errors
        /// Which identity is blank.
        pub fn action(
            place: crate::contracts::place::Place<'_>,
            action: &wire::Action<'_>,
        ) -> Result<crate::domain::identity::Action, crate::domain::rejection::Rejection> {
            use crate::contracts::convert::{instant, owned};
            use crate::domain::time::Ambiguous;
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
            use crate::contracts::convert::wire_time;
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
            place: crate::contracts::place::Place<'_>,
            actor: &wire::AccessingActor<'_>,
        ) -> Result<crate::domain::identity::AccessingActor, crate::domain::rejection::Rejection> {
            use crate::contracts::convert::hsa_id;
            Ok(crate::domain::identity::AccessingActor {
                employee: hsa_id(place.child("employeeId"), &actor.employee_id)?,
                care_provider: hsa_id(place.child("careProviderId"), &actor.care_provider_id)?,
                care_unit: hsa_id(place.child("careUnitId"), &actor.care_unit_id)?,
            })
        }
    };
}
pub(crate) use actions_of_wire;
