//! Copies of assertions from local systems, and what they may change here.
//!
//! # Rules
//! - **IM1** A copy never changes an original, nor another system's copy. Systems are HSA-ids, and
//!   compared as such.
//! - **IM2** A copy that is new is stored with what has happened to it.
//! - **IM3** A copy that comes again from its own system brings what has happened since: it was
//!   ended, annulled, or ends earlier. Anything else of it must be as before.
//! - **IM4** What has been ended or annulled here is not revived, and no end is moved on.
//! - **IM5** A copy that has ended at its source, while what is stored here under its id stands and is
//!   not changed by it, must be told to an operator: here it goes on opening.

use super::assertion::{AssertionContent, Start};
use super::lifecycle::{AssertionHistory, AssertionRemoval};
use super::registration::AssertionRegistration;
use crate::domain::identity::{Action, HsaId};
use crate::domain::time::{Moment, Timestamp};

/// A copy, as its system tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionCopy {
    /// The assertion.
    pub registration: AssertionRegistration,
    /// What has taken it away there.
    pub removal: Option<AssertionRemoval>,
}

/// What a copy leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is new.
    Insert,
    /// Something has happened since it came last.
    Update(Box<Since>),
    /// It brings nothing new.
    Nothing,
    /// An original, or another system's copy, has the id.
    Kept,
    /// It says something else than before.
    Differs,
}

/// What has happened to a copy since it came last; at least one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// It was ended by staff.
    pub cancel: Option<Action>,
    /// It was annulled.
    pub delete: Option<Action>,
    /// It ends earlier.
    pub end: Option<Timestamp>,
}

/// What a copy from `source` leads to (IM1 to IM4).
pub fn take(stored: Option<&AssertionHistory>, copy: &AssertionCopy, source: &HsaId) -> Step {
    let Some(stored) = stored else { return Step::Insert };
    let assertion = &stored.assertion;
    if assertion.source.as_ref() != Some(source) {
        return Step::Kept;
    }
    if what_stays(&assertion.content) != what_stays(&copy.registration.content) {
        return Step::Differs;
    }
    let (cancel, delete) = match (&copy.removal, assertion.lifetime.removal()) {
        (None, _) | (_, Some(AssertionRemoval::Deleted { .. })) => (None, None),
        (Some(AssertionRemoval::Cancelled(action)), None) => (Some(action.clone()), None),
        (Some(AssertionRemoval::Cancelled(_)), Some(AssertionRemoval::Cancelled(_))) => {
            (None, None)
        }
        (Some(AssertionRemoval::Deleted { action, cancelled }), None) => {
            (cancelled.clone(), Some(action.clone()))
        }
        (Some(AssertionRemoval::Deleted { action, .. }), Some(AssertionRemoval::Cancelled(_))) => {
            (None, Some(action.clone()))
        }
    };
    let end = earlier_end(stored, copy.registration.content.end);
    match (&cancel, &delete, end) {
        (None, None, None) => Step::Nothing,
        _ => Step::Update(Box::new(Since { cancel, delete, end })),
    }
}

/// The end that a copy brings, if it comes before the one that there is (IM4).
pub fn earlier_end(stored: &AssertionHistory, end: Option<Timestamp>) -> Option<Timestamp> {
    let assertion = &stored.assertion;
    // The moment does not matter to what has no end for the past.
    let known = assertion.ends_at(Moment::Now(Timestamp::UNIX_EPOCH));
    end.filter(|end| assertion.lifetime.stands() && known.is_none_or(|known| *end < known))
}

/// Whether a copy has ended at its source while what is stored under its id stands (IM5).
pub fn is_left_open(stored: &AssertionHistory, copy: &AssertionCopy, now: Timestamp) -> bool {
    let end = copy.registration.content.end;
    let ended = copy.removal.is_some() || end.is_some_and(|end| end < now);
    ended && stored.assertion.is_valid(now)
}

/// A copy's content without what may change: its end, and who consented is not always told.
fn what_stays(content: &AssertionContent) -> AssertionContent {
    AssertionContent { end: None, represented_by: None, ..content.clone() }
}

/// When a copy starts: at the start that it was registered with.
pub fn start_of(copy: &AssertionCopy) -> Start {
    copy.registration.content.start.map_or(Start::AtOnce, Start::At)
}

#[cfg(test)]
mod tests {
    use super::super::assertion::{Assertion, AssertionType};
    use super::super::lifecycle::tests::{action, history};
    use super::*;
    use crate::domain::identity::{PatientId, RecordId};
    use crate::domain::lifetime::Lifetime;

    fn at(hour: u32) -> Timestamp {
        format!("2026-01-01T{hour:02}:00:00Z").parse().unwrap()
    }

    fn id(text: &str) -> HsaId {
        HsaId::new(text).unwrap()
    }

    fn copy(end: Option<u32>) -> AssertionCopy {
        let content = AssertionContent {
            assertion_type: AssertionType::Consent,
            patient: PatientId::new("1.2.3", "1").unwrap(),
            care_provider: id("A"),
            care_unit: id("U"),
            employee: None,
            start: Some(at(1)),
            end: end.map(at),
            represented_by: None,
        };
        let registration = AssertionRegistration {
            id: RecordId::new("a").unwrap(),
            content,
            action: action("r"),
            owner_id: None,
        };
        AssertionCopy { registration, removal: None }
    }

    fn cancelled(end: Option<u32>) -> AssertionCopy {
        AssertionCopy { removal: Some(AssertionRemoval::Cancelled(action("x"))), ..copy(end) }
    }

    fn stored(end: Option<u32>, source: Option<&str>) -> AssertionHistory {
        history_of(&copy(end), source)
    }

    fn history_of(copy: &AssertionCopy, source: Option<&str>) -> AssertionHistory {
        let assertion = Assertion {
            id: copy.registration.id.clone(),
            content: copy.registration.content.clone(),
            start: start_of(copy),
            patient_ends: Vec::new(),
            lifetime: Lifetime::from(at(2)),
            source: source.map(id),
            owner_id: None,
        };
        history(assertion, copy.removal.clone())
    }

    #[test]
    fn im1_originals_and_others_copies_are_kept() {
        let taken = |source| take(Some(&stored(None, source)), &copy(Some(5)), &id("S"));
        assert_eq!((taken(None), taken(Some("T"))), (Step::Kept, Step::Kept));
        assert_ne!(taken(Some(" s")), Step::Kept, "compared like every HSA-id");
    }

    #[test]
    fn im2_what_is_new_is_stored() {
        assert_eq!(take(None, &copy(None), &id("S")), Step::Insert);
    }

    #[test]
    fn im3_it_brings_what_has_happened_since() {
        let stored = stored(Some(9), Some("S"));
        let again = |copy: &AssertionCopy| take(Some(&stored), copy, &id("S"));
        assert_eq!(again(&copy(Some(9))), Step::Nothing);
        let since = |cancel, end| Step::Update(Box::new(Since { cancel, delete: None, end }));
        assert_eq!(again(&cancelled(Some(9))), since(Some(action("x")), None));
        assert_eq!(again(&copy(Some(5))), since(None, Some(at(5))));
        let mut other = copy(Some(9));
        other.registration.content.care_unit = id("V");
        assert_eq!(again(&other), Step::Differs);
    }

    #[test]
    fn im4_nothing_is_revived_and_no_end_is_moved_on() {
        let standing = stored(Some(5), Some("S"));
        assert_eq!(take(Some(&standing), &copy(Some(9)), &id("S")), Step::Nothing);
        assert_eq!(take(Some(&standing), &copy(None), &id("S")), Step::Nothing);
        let gone = history_of(&cancelled(Some(5)), Some("S"));
        assert_eq!(take(Some(&gone), &copy(Some(3)), &id("S")), Step::Nothing);
        let mut annulled = copy(Some(5));
        let removal = AssertionRemoval::Deleted { action: action("y"), cancelled: None };
        annulled.removal = Some(removal);
        let delete = Some(action("y"));
        let update = Step::Update(Box::new(Since { cancel: None, delete, end: None }));
        assert_eq!(take(Some(&gone), &annulled, &id("S")), update);
    }

    #[test]
    fn im5_an_ending_that_is_not_taken_over_is_told() {
        let original = stored(None, None);
        assert!(is_left_open(&original, &cancelled(None), at(3)));
        assert!(is_left_open(&original, &copy(Some(2)), at(3)));
        assert!(!is_left_open(&original, &copy(Some(3)), at(3)), "it has not ended");
        let gone = history_of(&cancelled(None), None);
        assert!(!is_left_open(&gone, &cancelled(None), at(3)), "it does not open here either");
    }
}
