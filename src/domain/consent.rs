//! What an assertion (samtyckesintyg) is, when it opens, and what a registration must say.
//!
//! An assertion lets a care provider's staff read other providers' information about a
//! patient: the patient's consent, or an emergency in which it could not be had.
//!
//! # Rules
//! An assertion opens for an actor when all of these hold [TKB consent 2.0.4, `CheckConsent`]:
//! - **C1** It is the asked patient's.
//! - **C2** It is for the actor's care provider and care unit.
//! - **C3** It is for everybody there, or for this employee.
//! - **C4** It has been neither ended nor annulled.
//! - **C5** It has started, and its end, which is inclusive, has not passed.
//!
//! And of registrations:
//! - **C6** The end does not lie before the start.
//! - **C7** A registration that repeats an id with identical content is done already; with
//!   other content the id is taken.
//! - **C8** Of several assertions that open, the one stored last names the type.

use super::identity::{AccessingActor, Action, HsaId, PatientId, RecordId};
use super::outcome::Outcome;
use super::rejection::{Class, Rejection};
use super::time::Timestamp;

/// Why an assertion exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionType {
    /// The patient or a representative consented.
    Consent,
    /// Emergency; consent could not be had.
    Emergency,
}

/// An assertion, as access decisions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Made by the caller.
    pub id: RecordId,
    /// Consent or emergency.
    pub assertion_type: AssertionType,
    /// Whose information it opens.
    pub patient: PatientId,
    /// For the staff of this provider …
    pub care_provider: HsaId,
    /// … at this unit …
    pub care_unit: HsaId,
    /// … or only for this employee there.
    pub employee: Option<HsaId>,
    /// First instant of validity; `None` is the time of storing.
    pub start: Option<Timestamp>,
    /// Last instant of validity, if there is one.
    pub end: Option<Timestamp>,
    /// When the service stored it.
    pub stored_at: Timestamp,
    /// Ended or annulled.
    pub removed: bool,
}

/// An assertion as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The assertion itself.
    pub assertion: Assertion,
    /// The representative who consented, if one did.
    pub represented_by: Option<(String, Option<String>)>,
    /// Who asked and who registered.
    pub action: Action,
}

/// The type of the assertion that opens, or `None` when none does (C8).
pub fn opens(
    assertions: &[Assertion],
    patient: &PatientId,
    actor: &AccessingActor,
    now: Timestamp,
) -> Option<AssertionType> {
    let open = assertions.iter().filter(|a| a.opens(patient, actor, now));
    open.max_by_key(|a| a.stored_at).map(|a| a.assertion_type)
}

impl Assertion {
    /// An assertion opens when every rule above says so; each line is one rule.
    pub fn opens(&self, patient: &PatientId, actor: &AccessingActor, now: Timestamp) -> bool {
        self.patient == *patient                                                   // C1
            && self.care_provider == actor.care_provider                           // C2
            && self.care_unit == actor.care_unit
            && self.employee.as_ref().is_none_or(|e| *e == actor.employee)         // C3
            && !self.removed                                                       // C4
            && self.start.unwrap_or(self.stored_at) <= now                         // C5
            && self.end.is_none_or(|end| now <= end)
    }

    /// Whether the end does not lie before the start (C6).
    ///
    /// # Errors
    /// That it does.
    pub fn check(&self) -> Result<(), Rejection> {
        match (self.start, self.end) {
            (Some(start), Some(end)) if end < start => {
                Err(Rejection::validation("endDate: ligger före startDate"))
            }
            _ => Ok(()),
        }
    }
}

/// What to do with a registration when `stored` has its id already (C7).
///
/// # Errors
/// The id is taken by other content.
pub fn register(stored: Option<&Registration>, new: &Registration) -> Result<Outcome, Rejection> {
    match stored {
        None => Ok(Outcome::Store),
        Some(stored) if same_content(stored, new) => Ok(Outcome::Repeated),
        Some(_) => Err(Rejection::new(
            Class::AlreadyExists,
            "Ett intyg med samma assertionId men annat innehåll finns redan.",
        )),
    }
}

/// What the caller said is the same, whatever has happened to the assertion since.
fn same_content(stored: &Registration, new: &Registration) -> bool {
    let mut as_registered = stored.clone();
    as_registered.assertion.removed = new.assertion.removed;
    as_registered.assertion.stored_at = new.assertion.stored_at;
    as_registered == *new
}

#[cfg(test)]
mod tests {
    use super::super::identity::Actor;
    use super::*;

    fn id(text: &str) -> HsaId {
        HsaId::new(text).unwrap()
    }

    fn at(hour: u32) -> Timestamp {
        format!("2026-01-01T{hour:02}:00:00Z").parse().unwrap()
    }

    fn patient(number: &str) -> PatientId {
        PatientId::new("1.2.752.129.2.1.3.1", number).unwrap()
    }

    /// For employee P at unit A1 of provider A, from 2 through 4.
    fn assertion() -> Assertion {
        Assertion {
            id: RecordId::new("a").unwrap(),
            assertion_type: AssertionType::Consent,
            patient: patient("191212121212"),
            care_provider: id("A"),
            care_unit: id("A1"),
            employee: Some(id("P")),
            start: Some(at(2)),
            end: Some(at(4)),
            stored_at: at(1),
            removed: false,
        }
    }

    fn actor(employee: &str, provider: &str, unit: &str) -> AccessingActor {
        AccessingActor { employee: id(employee), care_provider: id(provider), care_unit: id(unit) }
    }

    fn opens_at(assertion: &Assertion, hour: u32) -> bool {
        assertion.opens(&patient("191212121212"), &actor("P", "A", "A1"), at(hour))
    }

    #[test]
    fn c1_an_assertion_is_its_patients_only() {
        assert!(opens_at(&assertion(), 3));
        assert!(!assertion().opens(&patient("191212121213"), &actor("P", "A", "A1"), at(3)));
    }

    #[test]
    fn c2_it_is_for_one_unit_of_one_provider() {
        let opens = |p: &str, u: &str| {
            assertion().opens(&patient("191212121212"), &actor("P", p, u), at(3))
        };
        assert!(opens("a", "a1"));
        assert!(!opens("A", "A2") && !opens("B", "A1"));
    }

    #[test]
    fn c3_it_is_for_everybody_there_or_one_employee() {
        let who = actor("Q", "A", "A1");
        assert!(!assertion().opens(&patient("191212121212"), &who, at(3)));
        let all = Assertion { employee: None, ..assertion() };
        assert!(all.opens(&patient("191212121212"), &who, at(3)));
    }

    #[test]
    fn c4_one_that_was_taken_away_does_not_open() {
        assert!(!opens_at(&Assertion { removed: true, ..assertion() }, 3));
    }

    #[test]
    fn c5_it_opens_from_its_start_through_its_end() {
        assert!(!opens_at(&assertion(), 1) && opens_at(&assertion(), 2));
        assert!(opens_at(&assertion(), 4) && !opens_at(&assertion(), 5));
        let open = Assertion { start: None, end: None, ..assertion() };
        assert!(!opens_at(&open, 0) && opens_at(&open, 1) && opens_at(&open, 23));
    }

    #[test]
    fn c6_an_end_before_the_start_is_refused() {
        assert!(assertion().check().is_ok());
        assert!(Assertion { end: Some(at(2)), ..assertion() }.check().is_ok());
        assert!(Assertion { end: Some(at(1)), ..assertion() }.check().is_err());
        assert!(Assertion { start: None, end: Some(at(0)), ..assertion() }.check().is_ok());
    }

    #[test]
    fn c7_a_repetition_is_done_already_unless_it_says_something_else() {
        let employee = Actor { employee: id("P"), assignment: None, assignment_name: None };
        let action = Action {
            requested_at: at(1),
            requested_by: employee.clone(),
            registered_at: at(1),
            registered_by: employee,
            reason: None,
        };
        let new = Registration { assertion: assertion(), represented_by: None, action };
        let mut stored = new.clone();
        stored.assertion.removed = true;
        stored.assertion.stored_at = at(0);
        assert_eq!(register(None, &new), Ok(Outcome::Store));
        assert_eq!(register(Some(&stored), &new), Ok(Outcome::Repeated));
        stored.assertion.end = None;
        assert_eq!(register(Some(&stored), &new).unwrap_err().class, Class::AlreadyExists);
    }

    #[test]
    fn c8_the_one_stored_last_names_the_type() {
        let emergency =
            Assertion { assertion_type: AssertionType::Emergency, stored_at: at(2), ..assertion() };
        let both = [emergency, assertion()];
        let found = opens(&both, &patient("191212121212"), &actor("P", "A", "A1"), at(3));
        assert_eq!(found, Some(AssertionType::Emergency));
        assert_eq!(opens(&[], &patient("191212121212"), &actor("P", "A", "A1"), at(3)), None);
    }
}
