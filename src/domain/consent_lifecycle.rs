//! How an assertion is ended and annulled, and by whom.
//!
//! Nothing is erased: staff end it (cancel), the patient ends it (a new last moment of
//! validity), and one that was registered by mistake is annulled (delete).
//!
//! # Rules
//! - **CL1** An id that the service has never seen is not found; to a patient, neither is
//!   another patient's.
//! - **CL2** What repeats a removal in the same words is done already; in other words it comes
//!   too late.
//! - **CL3** Staff end what is valid: an annulled or expired assertion is in the wrong state.
//! - **CL4** An ended or expired assertion can still be annulled.
//! - **CL5** The patient ends a valid consent; an emergency was never the patient's to give.
//! - **CL6** The patient's end is not earlier than now, a minute's difference of clocks aside, and
//!   before the end that there is. None given is now.
//! - **CL7** While the end that the patient has set is still to come, the patient may set an
//!   earlier one.
//! - **CL8** Valid is what is neither ended by staff nor annulled, and whose end has not passed;
//!   it need not have started.
//! - **CL9** An ended or annulled assertion has run out when the end that it was registered with
//!   has passed, whatever end the patient has set.

use super::consent::{Assertion, AssertionType, Registration};
use super::identity::{Action, PatientId};
use super::outcome::Outcome;
use super::rejection::{Class, Rejection};
use super::time::Timestamp;
use chrono::Duration;

/// How far a patient's end may lie in the past and still count as now.
const CLOCK_DIFFERENCE: Duration = Duration::seconds(60);

/// A representative or guardian: root and extension.
pub type Representative = (String, Option<String>);

/// What a patient asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientWish {
    /// The new last moment of validity; `None` is now.
    pub end: Option<Timestamp>,
    /// Who asks for the patient.
    pub represented_by: Option<Representative>,
}

/// An assertion with what has happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionHistory {
    /// Its end is the one in force, and it tells whether it was ended by staff or annulled.
    pub registration: Registration,
    /// Ended by staff.
    pub cancelled: Option<Action>,
    /// Annulled.
    pub deleted: Option<Action>,
    /// The patient's latest wish to end it.
    pub ended_by_patient: Option<PatientWish>,
}

fn not_found() -> Rejection {
    Rejection::new(Class::NotFound, "Det finns inget intyg med detta assertionId.")
}

fn wrong_state(text: &'static str) -> Rejection {
    Rejection::new(Class::InvalidState, text)
}

fn repeated(old: &Action, new: &Action, text: &'static str) -> Result<Outcome, Rejection> {
    if old == new { Ok(Outcome::Repeated) } else { Err(wrong_state(text)) }
}

/// Ends an assertion on behalf of the patient, by staff (CL1 to CL3).
///
/// # Errors
/// Why it cannot be done.
pub fn cancel(
    stored: Option<&AssertionHistory>,
    new: &Action,
    now: Timestamp,
) -> Result<Outcome, Rejection> {
    let stored = stored.ok_or_else(not_found)?;
    match (&stored.cancelled, &stored.deleted) {
        (_, Some(_)) => Err(wrong_state("Intyget är makulerat.")),
        (Some(old), None) => repeated(old, new, "Intyget är redan avslutat."),
        (None, None) if stored.registration.assertion.has_passed(now) => {
            Err(wrong_state("Intyget har gått ut."))
        }
        (None, None) => Ok(Outcome::Store),
    }
}

/// Annuls an assertion (CL1, CL2, CL4).
///
/// # Errors
/// Why it cannot be done.
pub fn delete(stored: Option<&AssertionHistory>, new: &Action) -> Result<Outcome, Rejection> {
    let stored = stored.ok_or_else(not_found)?;
    match &stored.deleted {
        Some(old) => repeated(old, new, "Intyget är redan makulerat."),
        None => Ok(Outcome::Store),
    }
}

/// What a patient's wish comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatientOutcome {
    /// Store this end.
    End(Timestamp),
    /// Done before.
    Repeated,
}

/// Ends a consent as the patient wishes (CL1, CL2, CL5 to CL7).
///
/// # Errors
/// Why it cannot be done.
pub fn end_by_patient(
    stored: Option<&AssertionHistory>,
    patient: &PatientId,
    wish: &PatientWish,
    now: Timestamp,
) -> Result<PatientOutcome, Rejection> {
    let own = |stored: &&AssertionHistory| stored.registration.assertion.patient == *patient;
    let stored = stored.filter(own).ok_or_else(not_found)?;
    let assertion = &stored.registration.assertion;
    if stored.ended_by_patient.as_ref() == Some(wish) {
        return Ok(PatientOutcome::Repeated);
    }
    if assertion.assertion_type == AssertionType::Emergency {
        return Err(wrong_state("Ett nödintyg kan inte avslutas av patienten."));
    }
    if !assertion.is_valid(now) {
        return Err(wrong_state("Samtycket är redan avslutat, makulerat eller har gått ut."));
    }
    let end = match wish.end {
        None => now,
        Some(end) if end < now - CLOCK_DIFFERENCE => {
            return Err(Rejection::validation("endDateTime: ligger före nuvarande tidpunkt"));
        }
        Some(end) => end.max(now),
    };
    match assertion.end {
        // One that ends this very moment is still valid, and cannot end earlier.
        Some(existing) if end >= existing && (wish.end.is_some() || end > existing) => {
            Err(Rejection::validation("endDateTime: ligger inte före samtyckets slut"))
        }
        _ => Ok(PatientOutcome::End(end)),
    }
}

impl Assertion {
    /// Whether its last instant has passed.
    pub fn has_passed(&self, now: Timestamp) -> bool {
        self.end.is_some_and(|end| end < now)
    }

    /// Whether it is valid, started or not (CL8).
    pub fn is_valid(&self, now: Timestamp) -> bool {
        !self.removed && !self.has_passed(now)
    }
}

/// Whether an ended or annulled assertion is still told to those who follow with a cursor
/// (CL9); `original_end` is the end that it was registered with.
pub fn is_told_as_ended(original_end: Option<Timestamp>, now: Timestamp) -> bool {
    original_end.is_none_or(|end| now <= end)
}

#[cfg(test)]
mod tests {
    use super::super::identity::{Actor, HsaId, RecordId};
    use super::*;

    fn at(hour: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + Duration::hours(hour)
    }

    fn patient(number: &str) -> PatientId {
        PatientId::new("1.2.752.129.2.1.3.1", number).unwrap()
    }

    fn action(reason: &str) -> Action {
        let employee =
            Actor { employee: HsaId::new("P").unwrap(), assignment: None, assignment_name: None };
        Action {
            requested_at: at(0),
            requested_by: employee.clone(),
            registered_at: at(0),
            registered_by: employee,
            reason: Some(reason.into()),
        }
    }

    /// Valid from 2 through 10.
    fn stored() -> AssertionHistory {
        let assertion = Assertion {
            id: RecordId::new("a").unwrap(),
            assertion_type: AssertionType::Consent,
            patient: patient("1"),
            care_provider: HsaId::new("A").unwrap(),
            care_unit: HsaId::new("U").unwrap(),
            employee: None,
            start: Some(at(2)),
            end: Some(at(10)),
            stored_at: at(1),
            removed: false,
        };
        let registration = Registration { assertion, represented_by: None, action: action("r") };
        AssertionHistory { registration, cancelled: None, deleted: None, ended_by_patient: None }
    }

    fn ended() -> AssertionHistory {
        let mut ended = stored();
        ended.cancelled = Some(action("x"));
        ended.registration.assertion.removed = true;
        ended
    }

    fn annulled() -> AssertionHistory {
        let mut annulled = stored();
        annulled.deleted = Some(action("x"));
        annulled.registration.assertion.removed = true;
        annulled
    }

    fn wish(end: Option<i64>) -> PatientWish {
        PatientWish { end: end.map(at), represented_by: None }
    }

    fn by_patient(
        stored: &AssertionHistory,
        end: Option<i64>,
        now: i64,
    ) -> Result<PatientOutcome, Class> {
        let outcome = end_by_patient(Some(stored), &patient("1"), &wish(end), at(now));
        outcome.map_err(|rejection| rejection.class)
    }

    #[test]
    fn cl1_what_was_never_seen_or_is_another_patients_is_not_found() {
        let not_found = |r: Result<Outcome, Rejection>| r.unwrap_err().class == Class::NotFound;
        assert!(
            not_found(cancel(None, &action("x"), at(3))) && not_found(delete(None, &action("x")))
        );
        let unknown = end_by_patient(None, &patient("1"), &wish(None), at(3)).unwrap_err();
        let anothers = end_by_patient(Some(&stored()), &patient("2"), &wish(None), at(3));
        assert_eq!(anothers, Err(unknown), "the two cannot be told apart");
    }

    #[test]
    fn cl2_the_same_words_are_done_already() {
        assert_eq!(cancel(Some(&ended()), &action("x"), at(20)), Ok(Outcome::Repeated));
        assert_eq!(delete(Some(&annulled()), &action("x")), Ok(Outcome::Repeated));
        let other = cancel(Some(&ended()), &action("y"), at(3)).unwrap_err();
        assert_eq!(other.class, Class::InvalidState);
        let other = delete(Some(&annulled()), &action("y")).unwrap_err();
        assert_eq!(other.class, Class::InvalidState);
        let mut gone = stored();
        gone.ended_by_patient = Some(wish(None));
        gone.registration.assertion.end = Some(at(3));
        assert_eq!(by_patient(&gone, None, 9), Ok(PatientOutcome::Repeated));
        assert_eq!(by_patient(&gone, Some(9), 9), Err(Class::InvalidState));
    }

    #[test]
    fn cl3_staff_end_what_is_valid() {
        assert_eq!(cancel(Some(&stored()), &action("x"), at(10)), Ok(Outcome::Store));
        let expired = cancel(Some(&stored()), &action("x"), at(11)).unwrap_err();
        assert_eq!(expired.class, Class::InvalidState);
        let annulled = cancel(Some(&annulled()), &action("x"), at(3)).unwrap_err();
        assert_eq!(annulled.class, Class::InvalidState);
    }

    #[test]
    fn cl4_what_has_ended_can_be_annulled() {
        assert_eq!(delete(Some(&stored()), &action("x")), Ok(Outcome::Store));
        assert_eq!(delete(Some(&ended()), &action("y")), Ok(Outcome::Store));
    }

    #[test]
    fn cl5_the_patient_ends_valid_consents_only() {
        assert_eq!(by_patient(&stored(), None, 3), Ok(PatientOutcome::End(at(3))));
        assert_eq!(by_patient(&stored(), None, 0), Ok(PatientOutcome::End(at(0))), "not started");
        for gone in [ended(), annulled()] {
            assert_eq!(by_patient(&gone, None, 3), Err(Class::InvalidState));
        }
        assert_eq!(by_patient(&stored(), None, 11), Err(Class::InvalidState), "expired");
        let mut emergency = stored();
        emergency.registration.assertion.assertion_type = AssertionType::Emergency;
        assert_eq!(by_patient(&emergency, None, 3), Err(Class::InvalidState));
    }

    #[test]
    fn cl6_the_new_end_lies_between_now_and_the_end_that_there_is() {
        assert_eq!(by_patient(&stored(), Some(9), 3), Ok(PatientOutcome::End(at(9))));
        assert_eq!(by_patient(&stored(), Some(10), 3), Err(Class::Validation));
        assert_eq!(by_patient(&stored(), Some(2), 3), Err(Class::Validation));
        let open = |end: Timestamp, now| {
            let mut open = stored();
            open.registration.assertion.end = None;
            let wish = PatientWish { end: Some(end), represented_by: None };
            end_by_patient(Some(&open), &patient("1"), &wish, now).map_err(|r| r.class)
        };
        let minute = Duration::seconds(60);
        assert_eq!(open(at(3) - minute, at(3)), Ok(PatientOutcome::End(at(3))), "counts as now");
        assert_eq!(open(at(3) - minute - Duration::seconds(1), at(3)), Err(Class::Validation));
        assert_eq!(open(at(1000), at(3)), Ok(PatientOutcome::End(at(1000))));
    }

    #[test]
    fn cl7_an_end_that_is_still_to_come_can_be_moved_forward() {
        let mut later = stored();
        later.ended_by_patient = Some(wish(Some(8)));
        later.registration.assertion.end = Some(at(8));
        assert_eq!(by_patient(&later, Some(8), 3), Ok(PatientOutcome::Repeated));
        assert_eq!(by_patient(&later, Some(5), 3), Ok(PatientOutcome::End(at(5))));
        assert_eq!(by_patient(&later, Some(9), 3), Err(Class::Validation));
        assert_eq!(by_patient(&later, None, 8), Ok(PatientOutcome::End(at(8))), "its last moment");
    }

    #[test]
    fn cl8_valid_is_neither_ended_nor_annulled_nor_expired() {
        let valid =
            |history: AssertionHistory, hour| history.registration.assertion.is_valid(at(hour));
        assert!(valid(stored(), 0) && valid(stored(), 10) && !valid(stored(), 11));
        assert!(!valid(ended(), 3) && !valid(annulled(), 3));
    }

    #[test]
    fn cl9_an_ended_one_is_told_until_its_original_end() {
        assert!(is_told_as_ended(None, at(1000)));
        assert!(is_told_as_ended(Some(at(10)), at(10)) && !is_told_as_ended(Some(at(10)), at(11)));
    }
}
