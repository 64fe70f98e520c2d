//! How an assertion is ended and annulled, and by whom.
//!
//! Nothing is erased: staff end it (cancel), the patient ends it (a new last moment of
//! validity), and one that was registered by mistake is annulled (delete).
//!
//! # Rules
//! - **CL1** An id that the service has never seen is not found; to a patient, neither is
//!   another patient's.
//! - **CL2** What repeats a removal of the same kind is done already, whoever asks and whenever; so is
//!   the patient's wish in the same words.
//! - **CL3** Staff end what is valid: an annulled or expired assertion is in the wrong state.
//! - **CL4** An ended or expired assertion can still be annulled.
//! - **CL5** The patient ends a valid consent; an emergency was never the patient's to give.
//! - **CL6** The patient's end is not earlier than now, a minute's difference of clocks aside, and
//!   before the end that there is. None given is at once, and so is one that counts as now.
//! - **CL7** While the end that the patient has set is still to come, the patient may set an
//!   earlier one.
//! - **CL8** Valid is what is neither ended by staff nor annulled, and whose end has not passed;
//!   it need not have started.
//! - **CL9** To those who follow with a cursor, an assertion is told as valid or as ended, never as both:
//!   as ended once staff have ended or annulled it or the end that the patient set has come, until
//!   the end that it was registered with has passed.

use super::assertion::{Assertion, AssertionType, PatientEnd, Representative};
use crate::domain::decision::Decision;
use crate::domain::identity::{Action, PatientId};
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::{Moment, Timestamp};
use chrono::Duration;

/// How far a patient's end may lie in the past and still count as now.
const CLOCK_DIFFERENCE: Duration = Duration::seconds(60);

/// How staff took an assertion away.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it lives as long as one answer's row")]
pub enum AssertionRemoval {
    /// Ended on the patient's wish.
    Cancelled(Action),
    /// Annulled.
    Deleted {
        /// By whom.
        action: Action,
        /// Who had ended it before, if anybody had.
        cancelled: Option<Action>,
    },
}

/// What a patient asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientWish {
    /// The new last moment of validity; `None` is at once.
    pub end: Option<Timestamp>,
    /// Who asks for the patient.
    pub represented_by: Option<Representative>,
}

/// An assertion with what has happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionHistory {
    /// The assertion itself.
    pub assertion: Assertion<AssertionRemoval>,
    /// Who asked and who registered.
    pub action: Action,
    /// The patient's latest wish to end it.
    pub patient_wish: Option<PatientWish>,
}

fn not_found() -> Rejection {
    Rejection::new(Class::NotFound, "Det finns inget intyg med detta assertionId.")
}

fn wrong_state(text: &'static str) -> Rejection {
    Rejection::new(Class::InvalidState, text)
}

/// Ends an assertion on behalf of the patient, by staff (CL1 to CL3).
///
/// # Errors
/// Why it cannot be done.
pub fn cancel(stored: Option<&AssertionHistory>, now: Timestamp) -> Result<Decision, Rejection> {
    let stored = stored.ok_or_else(not_found)?;
    match stored.assertion.lifetime.removal() {
        Some(AssertionRemoval::Deleted { .. }) => Err(wrong_state("Intyget är makulerat.")),
        Some(AssertionRemoval::Cancelled(_)) => Ok(Decision::Repeated),
        None if stored.assertion.has_passed(Moment::Now(now)) => {
            Err(wrong_state("Intyget har gått ut."))
        }
        None => Ok(Decision::Store),
    }
}

/// Annuls an assertion (CL1, CL2, CL4).
///
/// # Errors
/// Why it cannot be done.
pub fn delete(stored: Option<&AssertionHistory>) -> Result<Decision, Rejection> {
    let stored = stored.ok_or_else(not_found)?;
    match stored.assertion.lifetime.removal() {
        Some(AssertionRemoval::Deleted { .. }) => Ok(Decision::Repeated),
        Some(AssertionRemoval::Cancelled(_)) | None => Ok(Decision::Store),
    }
}

/// What a patient's wish comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatientDecision {
    /// Store this end.
    End(PatientEnd),
    /// Done before.
    Repeated,
}

/// Ends a consent as the patient wishes, to be stored at `stored_at` (CL1, CL2, CL5 to CL7).
///
/// # Errors
/// Why it cannot be done.
pub fn end_by_patient(
    stored: Option<&AssertionHistory>,
    patient: &PatientId,
    wish: &PatientWish,
    now: Timestamp,
    stored_at: Timestamp,
) -> Result<PatientDecision, Rejection> {
    let own = |stored: &&AssertionHistory| stored.assertion.content.patient == *patient;
    let stored = stored.filter(own).ok_or_else(not_found)?;
    let assertion = &stored.assertion;
    if assertion.lifetime.stands() && stored.patient_wish.as_ref() == Some(wish) {
        return Ok(PatientDecision::Repeated);
    }
    if assertion.content.assertion_type == AssertionType::Emergency {
        return Err(wrong_state("Ett nödintyg kan inte avslutas av patienten."));
    }
    if !assertion.is_valid(now) {
        return Err(wrong_state("Samtycket är redan avslutat, makulerat eller har gått ut."));
    }
    let end = match wish.end {
        Some(end) if end < now - CLOCK_DIFFERENCE => {
            return Err(Rejection::validation("endDateTime: ligger före nuvarande tidpunkt"));
        }
        Some(end) if end > now => PatientEnd { stored_at, end, at_once: false },
        Some(_) | None => PatientEnd { stored_at, end: stored_at, at_once: true },
    };
    match assertion.ends_at(Moment::Now(now)) {
        Some(existing) if !end.at_once && end.end >= existing => {
            Err(Rejection::validation("endDateTime: ligger inte före samtyckets slut"))
        }
        _ => Ok(PatientDecision::End(end)),
    }
}

/// How an assertion is told to those who follow with a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Among the valid ones.
    Valid,
    /// Among those that have been ended.
    Ended,
    /// Not any more.
    Nowhere,
}

impl<How> Assertion<How> {
    /// Whether it is valid, started or not (CL8).
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.lifetime.stands() && !self.has_passed(Moment::Now(now))
    }

    /// How it is told to those who follow with a cursor (CL9). The store carries this rule as SQL.
    pub fn listed(&self, now: Timestamp) -> Listed {
        if self.content.end.is_some_and(|end| end < now) {
            return Listed::Nowhere;
        }
        if self.is_valid(now) { Listed::Valid } else { Listed::Ended }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::assertion::{AssertionContent, Start};
    use super::*;
    use crate::domain::identity::{Actor, HsaId, RecordId};
    use crate::domain::lifetime::{FirstRemoval, Lifetime, State};

    fn at(hour: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + Duration::hours(hour)
    }

    fn patient(number: &str) -> PatientId {
        PatientId::new("1.2.3", number).unwrap()
    }

    pub fn action(reason: &str) -> Action {
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

    /// An assertion with what has taken it away.
    pub fn history(of: Assertion, removal: Option<AssertionRemoval>) -> AssertionHistory {
        let Lifetime { stored_at, .. } = of.lifetime;
        let state = match removal {
            Some(how) => State::Removed { first: FirstRemoval::At(at(5)), how },
            None => State::Standing,
        };
        let assertion = Assertion {
            lifetime: Lifetime { stored_at, state },
            id: of.id,
            content: of.content,
            start: of.start,
            patient_ends: of.patient_ends,
            source: of.source,
            owner_id: of.owner_id,
        };
        AssertionHistory { assertion, action: action("r"), patient_wish: None }
    }

    /// Valid from 2 through 10.
    fn assertion() -> Assertion {
        Assertion {
            id: RecordId::new("a").unwrap(),
            content: AssertionContent {
                assertion_type: AssertionType::Consent,
                patient: patient("1"),
                care_provider: HsaId::new("A").unwrap(),
                care_unit: HsaId::new("U").unwrap(),
                employee: None,
                start: Some(at(2)),
                end: Some(at(10)),
                represented_by: None,
            },
            start: Start::At(at(2)),
            patient_ends: Vec::new(),
            lifetime: Lifetime::from(at(1)),
            source: None,
            owner_id: None,
        }
    }

    fn stored() -> AssertionHistory {
        history(assertion(), None)
    }

    fn ended() -> AssertionHistory {
        history(assertion(), Some(AssertionRemoval::Cancelled(action("x"))))
    }

    fn annulled() -> AssertionHistory {
        let deleted = AssertionRemoval::Deleted { action: action("x"), cancelled: None };
        history(assertion(), Some(deleted))
    }

    /// With an end that the patient has set at 3.
    fn ended_by_patient(end: Option<i64>) -> AssertionHistory {
        let mut gone = stored();
        gone.patient_wish = Some(wish(end));
        let set =
            PatientEnd { stored_at: at(3), end: at(end.unwrap_or(3)), at_once: end.is_none() };
        gone.assertion.patient_ends = vec![set];
        gone
    }

    fn wish(end: Option<i64>) -> PatientWish {
        PatientWish { end: end.map(at), represented_by: None }
    }

    fn by_patient(
        stored: &AssertionHistory,
        end: Option<i64>,
        now: i64,
    ) -> Result<PatientDecision, Class> {
        let decision = end_by_patient(Some(stored), &patient("1"), &wish(end), at(now), at(now));
        decision.map_err(|rejection| rejection.class)
    }

    fn end(end: i64, now: i64) -> PatientDecision {
        PatientDecision::End(PatientEnd { stored_at: at(now), end: at(end), at_once: end == now })
    }

    fn class<T: std::fmt::Debug>(decision: Result<T, Rejection>) -> Class {
        decision.unwrap_err().class
    }

    #[test]
    fn cl1_what_was_never_seen_or_is_another_patients_is_not_found() {
        assert_eq!(class(cancel(None, at(3))), Class::NotFound);
        assert_eq!(class(delete(None)), Class::NotFound);
        let unknown = end_by_patient(None, &patient("1"), &wish(None), at(3), at(3)).unwrap_err();
        let anothers = end_by_patient(Some(&stored()), &patient("2"), &wish(None), at(3), at(3));
        assert_eq!(anothers, Err(unknown), "the two cannot be told apart");
    }

    #[test]
    fn cl2_the_same_removal_is_done_already_whoever_asks() {
        assert_eq!(cancel(Some(&ended()), at(20)), Ok(Decision::Repeated));
        assert_eq!(delete(Some(&annulled())), Ok(Decision::Repeated));
        let gone = ended_by_patient(None);
        assert_eq!(by_patient(&gone, None, 9), Ok(PatientDecision::Repeated));
        assert_eq!(by_patient(&gone, Some(9), 9), Err(Class::InvalidState));
    }

    #[test]
    fn cl3_staff_end_what_is_valid() {
        assert_eq!(cancel(Some(&stored()), at(10)), Ok(Decision::Store));
        assert_eq!(class(cancel(Some(&stored()), at(11))), Class::InvalidState, "expired");
        assert_eq!(class(cancel(Some(&annulled()), at(3))), Class::InvalidState);
        assert_eq!(class(cancel(Some(&ended_by_patient(None)), at(3))), Class::InvalidState);
    }

    #[test]
    fn cl4_what_has_ended_can_be_annulled() {
        assert_eq!(delete(Some(&stored())), Ok(Decision::Store));
        assert_eq!(delete(Some(&ended())), Ok(Decision::Store));
    }

    #[test]
    fn cl5_the_patient_ends_valid_consents_only() {
        assert_eq!(by_patient(&stored(), None, 3), Ok(end(3, 3)));
        assert_eq!(by_patient(&stored(), None, 0), Ok(end(0, 0)), "not started");
        for gone in [ended(), annulled()] {
            assert_eq!(by_patient(&gone, None, 3), Err(Class::InvalidState));
        }
        assert_eq!(by_patient(&stored(), None, 11), Err(Class::InvalidState), "expired");
        let mut emergency = stored();
        emergency.assertion.content.assertion_type = AssertionType::Emergency;
        assert_eq!(by_patient(&emergency, None, 3), Err(Class::InvalidState));
    }

    #[test]
    fn cl6_the_new_end_lies_between_now_and_the_end_that_there_is() {
        assert_eq!(by_patient(&stored(), Some(9), 3), Ok(end(9, 3)));
        assert_eq!(by_patient(&stored(), Some(10), 3), Err(Class::Validation));
        assert_eq!(by_patient(&stored(), Some(2), 3), Err(Class::Validation));
        let open = |ahead: Duration| {
            let mut open = stored();
            open.assertion.content.end = None;
            let wish = PatientWish { end: Some(at(3) + ahead), represented_by: None };
            end_by_patient(Some(&open), &patient("1"), &wish, at(3), at(4)).map_err(|r| r.class)
        };
        let at_once = PatientEnd { stored_at: at(4), end: at(4), at_once: true };
        assert_eq!(open(Duration::seconds(-60)), Ok(PatientDecision::End(at_once)));
        assert_eq!(open(Duration::seconds(0)), Ok(PatientDecision::End(at_once)));
        assert_eq!(open(Duration::seconds(-61)), Err(Class::Validation));
        let later = PatientEnd { stored_at: at(4), end: at(1003), at_once: false };
        assert_eq!(open(Duration::hours(1000)), Ok(PatientDecision::End(later)));
    }

    #[test]
    fn cl7_an_end_that_is_still_to_come_can_be_moved_forward() {
        let later = ended_by_patient(Some(8));
        assert_eq!(by_patient(&later, Some(8), 4), Ok(PatientDecision::Repeated));
        assert_eq!(by_patient(&later, Some(5), 4), Ok(end(5, 4)));
        assert_eq!(by_patient(&later, Some(9), 4), Err(Class::Validation));
        assert_eq!(by_patient(&later, None, 8), Ok(end(8, 8)), "its last moment");
    }

    #[test]
    fn cl8_valid_is_neither_ended_nor_annulled_nor_expired() {
        let valid = |history: AssertionHistory, hour| history.assertion.is_valid(at(hour));
        assert!(valid(stored(), 0) && valid(stored(), 10) && !valid(stored(), 11));
        assert!(!valid(ended(), 3) && !valid(annulled(), 3));
        assert!(!valid(ended_by_patient(None), 3) && valid(ended_by_patient(Some(8)), 8));
    }

    #[test]
    fn cl9_an_assertion_is_told_as_valid_or_as_ended() {
        use Listed::{Ended, Nowhere, Valid};
        let listed = |history: &AssertionHistory, hour| history.assertion.listed(at(hour));
        assert_eq!(listed(&stored(), 10), Valid);
        assert_eq!(listed(&stored(), 11), Nowhere);
        assert_eq!(listed(&ended(), 10), Ended);
        assert_eq!(listed(&ended(), 11), Nowhere);
        let later = ended_by_patient(Some(8));
        let seen = [7, 8, 9, 10, 11].map(|hour| listed(&later, hour));
        assert_eq!(seen, [Valid, Valid, Ended, Ended, Nowhere]);
        assert_eq!(listed(&ended_by_patient(None), 0), Ended);
    }
}
