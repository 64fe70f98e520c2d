//! What a registration of an assertion must say, and what a repetition is.
//!
//! # Rules
//! - **CR1** A start up to a minute ahead counts as at once: consumers stamp their own. The end does
//!   not lie before the start, nor before the time of storing where the start is at once.
//! - **CR2** A registration that names an id in force is done already when its content is the same;
//!   with other content the id is taken. Who asked, who registered and when is no content.
//! - **CR3** What has been ended or annulled cannot be registered again.

use super::assertion::{AssertionContent, Start};
use super::lifecycle::AssertionHistory;
use crate::domain::decision::Decision;
use crate::domain::identity::{Action, RecordId};
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::{Moment, Timestamp};
use chrono::Duration;

/// How far a given start may lie ahead and still count as now.
const CLOCK_DIFFERENCE: Duration = Duration::seconds(60);

/// An assertion to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionRegistration {
    /// Made by the caller.
    pub id: RecordId,
    /// What it says.
    pub content: AssertionContent,
    /// Who asked and who registered.
    pub action: Action,
    /// The calling system, if it is known.
    pub owner_id: Option<String>,
}

/// When a registration makes its assertion start (CR1).
pub fn start_of(content: &AssertionContent, now: Timestamp) -> Start {
    match content.start {
        Some(start) if start <= now || start > now + CLOCK_DIFFERENCE => Start::At(start),
        _ => Start::AtOnce,
    }
}

/// Whether the end does not lie before the start that the service sets (CR1).
///
/// # Errors
/// That it does.
pub fn check(content: &AssertionContent, stored_at: Timestamp) -> Result<(), Rejection> {
    let start = match start_of(content, stored_at) {
        Start::AtOnce => stored_at,
        Start::At(start) => start,
    };
    match content.end {
        Some(end) if end < start => Err(Rejection::validation("endDate: ligger före startDate")),
        _ => Ok(()),
    }
}

/// What to do with a registration when `stored` has its id already (CR2, CR3).
///
/// # Errors
/// The id is taken, or what it named has been ended or annulled.
pub fn register(
    stored: Option<&AssertionHistory>,
    new: &AssertionRegistration,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let Some(stored) = stored else { return Ok(Decision::Store) };
    let assertion = &stored.assertion;
    let ended_by_patient =
        !assertion.patient_ends.is_empty() && assertion.has_passed(Moment::Now(now));
    if !assertion.lifetime.stands() || ended_by_patient {
        return Err(Rejection::new(
            Class::InvalidState,
            "Intyget med detta assertionId är redan avslutat eller makulerat.",
        ));
    }
    match assertion.content == new.content {
        true => Ok(Decision::Repeated),
        false => Err(Rejection::new(
            Class::AlreadyExists,
            "Ett intyg med samma assertionId men annat innehåll finns redan.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::assertion::tests::{assertion, at, open};
    use super::super::assertion::{Assertion, PatientEnd};
    use super::super::lifecycle::AssertionRemoval;
    use super::super::lifecycle::tests::{action, history};
    use super::*;

    #[test]
    fn cr1_an_end_before_the_start_is_refused() {
        let given = |start: Option<Timestamp>, end| {
            let content = AssertionContent { start, end, ..open().content };
            check(&content, at(3)).is_ok()
        };
        assert!(given(Some(at(2)), Some(at(4))) && given(Some(at(2)), Some(at(2))));
        assert!(!given(Some(at(2)), Some(at(1))));
        assert!(given(None, Some(at(3))) && !given(None, Some(at(2))), "the service's start");
        let ahead = |seconds| {
            let start = Some(at(3) + Duration::seconds(seconds));
            start_of(&AssertionContent { start, ..open().content }, at(3))
        };
        assert_eq!((ahead(60), ahead(1)), (Start::AtOnce, Start::AtOnce));
        assert!(matches!(ahead(61), Start::At(_)) && matches!(ahead(0), Start::At(_)));
    }

    fn new() -> AssertionRegistration {
        let (content, id) = (assertion().content, RecordId::new("a").unwrap());
        let action = Action { reason: Some("again".into()), ..action("x") };
        AssertionRegistration { id, content, action, owner_id: None }
    }

    #[test]
    fn cr2_a_repetition_has_the_same_content_whoever_asks() {
        let stored = history(assertion(), None);
        assert_eq!(register(None, &new(), at(3)), Ok(Decision::Store));
        assert_eq!(register(Some(&stored), &new(), at(3)), Ok(Decision::Repeated));
        let mut other = new();
        other.content.end = None;
        let taken = register(Some(&stored), &other, at(3)).unwrap_err();
        assert_eq!(taken.class, Class::AlreadyExists);
    }

    #[test]
    fn cr3_what_has_been_ended_is_not_registered_again() {
        let refused = |stored: &AssertionHistory| {
            register(Some(stored), &new(), at(3)).unwrap_err().class == Class::InvalidState
        };
        let cancelled = AssertionRemoval::Cancelled(action("x"));
        assert!(refused(&history(assertion(), Some(cancelled))));
        let set = |end| {
            let set = PatientEnd { stored_at: at(1), end, at_once: false };
            history(Assertion { patient_ends: vec![set], ..assertion() }, None)
        };
        assert!(refused(&set(at(2))));
        let to_come = register(Some(&set(at(3))), &new(), at(3));
        assert_eq!(to_come, Ok(Decision::Repeated), "still in force");
    }
}
