//! Copies of assertions from local systems, and what they may change here.
//!
//! # Rules
//! - **IM1** A copy never changes an original, nor another system's copy.
//! - **IM2** A copy that is new is stored with what has happened to it.
//! - **IM3** A copy that comes again from its own system brings what has happened since: it was
//!   ended, annulled, or ends earlier. Anything else of it must be as before.
//! - **IM4** What has been ended or annulled here is not revived, and no end is moved on.

use super::consent::{Assertion, Registration};
use super::consent_lifecycle::AssertionHistory;
use super::identity::Action;
use super::time::Timestamp;

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

/// Whom a stored assertion comes from: `None` is here.
pub type Source<'s> = Option<&'s str>;

/// What a copy from `source` leads to (IM1 to IM4).
pub fn take(
    stored: Option<(&AssertionHistory, Source<'_>)>,
    copy: &AssertionHistory,
    source: &str,
) -> Step {
    let Some((stored, stored_source)) = stored else { return Step::Insert };
    if stored_source != Some(source) {
        return Step::Kept;
    }
    if what_stays(&stored.registration) != what_stays(&copy.registration) {
        return Step::Differs;
    }
    let gone = stored.registration.assertion.removed;
    let cancel = copy.cancelled.clone().filter(|_| !gone);
    let delete = copy.deleted.clone().filter(|_| stored.deleted.is_none());
    let end = earlier_end(&stored.registration.assertion, copy.registration.assertion.end);
    match (&cancel, &delete, end) {
        (None, None, None) => Step::Nothing,
        _ => Step::Update(Box::new(Since { cancel, delete, end })),
    }
}

/// The end that a copy brings, if it comes before the one that there is (IM4).
pub fn earlier_end(stored: &Assertion, end: Option<Timestamp>) -> Option<Timestamp> {
    end.filter(|end| !stored.removed && stored.end.is_none_or(|known| *end < known))
}

/// An assertion without what may change, nor when it was stored.
fn what_stays(registration: &Registration) -> Assertion {
    let assertion = registration.assertion.clone();
    let stored_at = Timestamp::UNIX_EPOCH;
    Assertion { end: None, removed: false, stored_at, ..assertion }
}

#[cfg(test)]
mod tests {
    use super::super::consent::AssertionType;
    use super::super::identity::{Actor, HsaId, PatientId, RecordId};
    use super::*;

    fn at(hour: u32) -> Timestamp {
        format!("2026-01-01T{hour:02}:00:00Z").parse().unwrap()
    }

    fn action() -> Action {
        let employee =
            Actor { employee: HsaId::new("P").unwrap(), assignment: None, assignment_name: None };
        Action {
            requested_at: at(0),
            requested_by: employee.clone(),
            registered_at: at(0),
            registered_by: employee,
            reason: None,
        }
    }

    fn copy(end: Option<u32>) -> AssertionHistory {
        let assertion = Assertion {
            id: RecordId::new("a").unwrap(),
            assertion_type: AssertionType::Consent,
            patient: PatientId::new("1.2.3", "1").unwrap(),
            care_provider: HsaId::new("A").unwrap(),
            care_unit: HsaId::new("U").unwrap(),
            employee: None,
            start: Some(at(1)),
            end: end.map(at),
            stored_at: at(2),
            removed: false,
        };
        let registration = Registration { assertion, represented_by: None, action: action() };
        AssertionHistory { registration, cancelled: None, deleted: None, ended_by_patient: None }
    }

    #[test]
    fn im1_originals_and_others_copies_are_kept() {
        let stored = copy(None);
        assert_eq!(take(Some((&stored, None)), &copy(Some(5)), "S"), Step::Kept);
        assert_eq!(take(Some((&stored, Some("T"))), &copy(Some(5)), "S"), Step::Kept);
    }

    #[test]
    fn im2_what_is_new_is_stored() {
        assert_eq!(take(None, &copy(None), "S"), Step::Insert);
    }

    #[test]
    fn im3_it_brings_what_has_happened_since() {
        let stored = copy(Some(9));
        let again = |copy: &AssertionHistory| take(Some((&stored, Some("S"))), copy, "S");
        assert_eq!(again(&copy(Some(9))), Step::Nothing);
        let mut ended = copy(Some(9));
        ended.cancelled = Some(action());
        ended.registration.assertion.removed = true;
        let update =
            Step::Update(Box::new(Since { cancel: Some(action()), delete: None, end: None }));
        assert_eq!(again(&ended), update);
        let update = Step::Update(Box::new(Since { cancel: None, delete: None, end: Some(at(5)) }));
        assert_eq!(again(&copy(Some(5))), update);
        let mut other = copy(Some(9));
        other.registration.assertion.care_unit = HsaId::new("V").unwrap();
        assert_eq!(again(&other), Step::Differs);
    }

    #[test]
    fn im4_nothing_is_revived_and_no_end_is_moved_on() {
        let mut stored = copy(Some(5));
        assert_eq!(take(Some((&stored, Some("S"))), &copy(Some(9)), "S"), Step::Nothing);
        assert_eq!(take(Some((&stored, Some("S"))), &copy(None), "S"), Step::Nothing);
        stored.registration.assertion.removed = true;
        stored.cancelled = Some(action());
        assert_eq!(take(Some((&stored, Some("S"))), &copy(Some(3)), "S"), Step::Nothing);
        let mut annulled = copy(Some(5));
        annulled.deleted = Some(action());
        let update =
            Step::Update(Box::new(Since { cancel: None, delete: Some(action()), end: None }));
        assert_eq!(take(Some((&stored, Some("S"))), &annulled, "S"), update);
    }
}
