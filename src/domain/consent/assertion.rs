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
//! - **C4** It has been neither ended by staff nor annulled.
//! - **C5** It has started, and its end, which is inclusive, has not passed. One that starts at once
//!   has started when it is stored, as has one whose start had just passed then, and one that the
//!   patient ends at once has ended when that is stored, whatever clock a later question is judged
//!   by.
//!
//! And of several:
//! - **C6** Of several assertions that open, the one stored last names the type.

use crate::domain::identity::{AccessingActor, HsaId, PatientId, RecordId};
use crate::domain::lifetime::Lifetime;
use crate::domain::time::{Moment, Timestamp};
use chrono::Duration;

/// How far the clocks of servers that share a store may be apart.
const CLOCKS_APART_MAX: Duration = Duration::minutes(10);

/// Why an assertion exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionType {
    /// The patient or a representative consented.
    Consent,
    /// Emergency; consent could not be had.
    Emergency,
}

/// A representative or guardian: root and extension.
pub type Representative = (String, Option<String>);

/// What an assertion says: what decides about access, and so what a repetition must repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionContent {
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
    /// First instant of validity, as given.
    pub start: Option<Timestamp>,
    /// Last instant of validity, as given.
    pub end: Option<Timestamp>,
    /// The representative who consented, if one did.
    pub represented_by: Option<Representative>,
}

/// When an assertion starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// When it is stored.
    AtOnce,
    /// At a later instant, or at one that was past already.
    At(Timestamp),
}

/// An end that the patient has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatientEnd {
    /// When that was stored.
    pub stored_at: Timestamp,
    /// The last instant of validity.
    pub end: Timestamp,
    /// Whether it was to end there and then.
    pub at_once: bool,
}

/// An assertion; `How` is what is known of its removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion<How = ()> {
    /// Made by the caller.
    pub id: RecordId,
    /// What it says.
    pub content: AssertionContent,
    /// When it starts.
    pub start: Start,
    /// Ends that the patient has set, the latest last; look-ups for the present have only that.
    pub patient_ends: Vec<PatientEnd>,
    /// When it was stored, and whether staff have ended or annulled it.
    pub lifetime: Lifetime<How>,
    /// The system that it is a copy from; `None` when it was registered here.
    pub source: Option<HsaId>,
    /// The system that registered it, if that is known; for technical tracing only.
    pub owner_id: Option<String>,
}

/// The type of the assertion that opens, or `None` when none does (C6).
pub fn opens(
    assertions: &[Assertion],
    patient: &PatientId,
    actor: &AccessingActor,
    moment: Moment,
) -> Option<AssertionType> {
    let open = assertions.iter().filter(|a| a.opens(patient, actor, moment));
    open.max_by_key(|a| a.lifetime.stored_at).map(|a| a.content.assertion_type)
}

impl<How> Assertion<How> {
    /// An assertion opens when every rule above says so; each line is one rule.
    pub fn opens(&self, patient: &PatientId, actor: &AccessingActor, moment: Moment) -> bool {
        self.is_for(patient, actor)                                                // C1 to C3
            && self.stood(moment)                                                  // C4
            && self.has_started(moment)                                            // C5
            && !self.has_passed(moment)
    }

    /// Whether it is about a patient, and opens to an actor (C1 to C3).
    pub fn is_for(&self, patient: &PatientId, actor: &AccessingActor) -> bool {
        let content = &self.content;
        content.patient == *patient                                                // C1
            && content.care_provider == actor.care_provider                        // C2
            && content.care_unit == actor.care_unit
            && content.employee.as_ref().is_none_or(|e| *e == actor.employee) // C3
    }

    /// Whether it had been stored and neither ended by staff nor annulled. A copy counts from its
    /// start: its original was there before it.
    fn stood(&self, moment: Moment) -> bool {
        match (moment, &self.source) {
            (Moment::Then(at), Some(_)) if at < self.lifetime.stored_at => true,
            _ => self.lifetime.stood(moment),
        }
    }

    /// When it starts: the given start, or the time of storing.
    pub fn starts_at(&self) -> Timestamp {
        match self.start {
            Start::AtOnce => self.lifetime.stored_at,
            Start::At(start) => start,
        }
    }

    /// Whether a start was the registering consumer's now: the storing server's clock had passed
    /// it, and another server's may not have.
    fn had_just_started(&self, start: Timestamp) -> bool {
        let before = self.lifetime.stored_at - start;
        before >= Duration::zero() && before <= CLOCKS_APART_MAX
    }

    fn has_started(&self, moment: Moment) -> bool {
        match (self.start, moment) {
            (Start::AtOnce, Moment::Now(_)) => true,
            (Start::At(start), Moment::Now(_)) if self.had_just_started(start) => true,
            (_, Moment::Now(at) | Moment::Then(at)) => self.starts_at() <= at,
        }
    }

    /// The end that the patient had set by then, if any.
    fn patient_end(&self, moment: Moment) -> Option<PatientEnd> {
        let known = |end: &&PatientEnd| match moment {
            Moment::Now(_) => true,
            Moment::Then(at) => end.stored_at <= at,
        };
        self.patient_ends.iter().rev().find(known).copied()
    }

    /// The last instant of validity that was known at a moment, if there was one.
    pub fn ends_at(&self, moment: Moment) -> Option<Timestamp> {
        self.patient_end(moment).map(|set| set.end).or(self.content.end)
    }

    /// Whether its last instant had passed (C5).
    pub fn has_passed(&self, moment: Moment) -> bool {
        match (self.patient_end(moment), moment) {
            (Some(PatientEnd { at_once: true, .. }), Moment::Now(_)) => true,
            _ => self.ends_at(moment).is_some_and(|end| end < moment.at()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::lifetime::{FirstRemoval, State};

    fn id(text: &str) -> HsaId {
        HsaId::new(text).unwrap()
    }

    pub fn at(hour: u32) -> Timestamp {
        format!("2026-01-01T{hour:02}:00:00Z").parse().unwrap()
    }

    fn patient(number: &str) -> PatientId {
        PatientId::new("1.2.752.129.2.1.3.1", number).unwrap()
    }

    /// For employee P at unit A1 of provider A, from 2 through 4, stored at 1.
    pub fn assertion() -> Assertion {
        Assertion {
            id: RecordId::new("a").unwrap(),
            content: AssertionContent {
                assertion_type: AssertionType::Consent,
                patient: patient("191212121212"),
                care_provider: id("A"),
                care_unit: id("A1"),
                employee: Some(id("P")),
                start: Some(at(2)),
                end: Some(at(4)),
                represented_by: None,
            },
            start: Start::At(at(2)),
            patient_ends: Vec::new(),
            lifetime: Lifetime::from(at(1)),
            source: None,
            owner_id: None,
        }
    }

    /// From its storing on, for ever.
    pub fn open() -> Assertion {
        let mut open = assertion();
        (open.start, open.content.start, open.content.end) = (Start::AtOnce, None, None);
        open
    }

    fn actor(employee: &str, provider: &str, unit: &str) -> AccessingActor {
        AccessingActor { employee: id(employee), care_provider: id(provider), care_unit: id(unit) }
    }

    fn opens_by(assertion: &Assertion, moment: Moment) -> bool {
        assertion.opens(&patient("191212121212"), &actor("P", "A", "A1"), moment)
    }

    fn opens_at(assertion: &Assertion, hour: u32) -> bool {
        opens_by(assertion, Moment::Now(at(hour)))
    }

    fn opened_at(assertion: &Assertion, hour: u32) -> bool {
        opens_by(assertion, Moment::Then(at(hour)))
    }

    #[test]
    fn c1_an_assertion_is_its_patients_only() {
        assert!(opens_at(&assertion(), 3));
        let (other, now) = (patient("191212121213"), Moment::Now(at(3)));
        assert!(!assertion().opens(&other, &actor("P", "A", "A1"), now));
    }

    #[test]
    fn c2_it_is_for_one_unit_of_one_provider() {
        let opens = |p: &str, u: &str| {
            let now = Moment::Now(at(3));
            assertion().opens(&patient("191212121212"), &actor("P", p, u), now)
        };
        assert!(opens("a", "a1"));
        assert!(!opens("A", "A2") && !opens("B", "A1"));
    }

    #[test]
    fn c3_it_is_for_everybody_there_or_one_employee() {
        let (who, now) = (actor("Q", "A", "A1"), Moment::Now(at(3)));
        assert!(!assertion().opens(&patient("191212121212"), &who, now));
        let mut all = assertion();
        all.content.employee = None;
        assert!(all.opens(&patient("191212121212"), &who, now));
    }

    #[test]
    fn c4_one_that_was_taken_away_opens_no_more() {
        let mut gone = open();
        gone.lifetime.state = State::Removed { first: FirstRemoval::At(at(5)), how: () };
        assert!(!opens_at(&gone, 3));
        assert!(!opened_at(&gone, 0) && opened_at(&gone, 4) && !opened_at(&gone, 5));
        gone.source = Some(id("S"));
        gone.start = Start::At(at(0));
        assert!(opened_at(&gone, 0), "its original was there before the copy");
    }

    #[test]
    fn c5_it_opens_from_its_start_through_its_end() {
        assert!(!opens_at(&assertion(), 1) && opens_at(&assertion(), 2));
        assert!(opens_at(&assertion(), 4) && !opens_at(&assertion(), 5));
        // By a clock that is behind the one that stored it.
        assert!(opens_at(&open(), 0) && opens_at(&open(), 23));
        assert!(!opened_at(&open(), 0) && opened_at(&open(), 1));
        let ended = |at_once| {
            let set = PatientEnd { stored_at: at(5), end: at(6), at_once };
            Assertion { patient_ends: vec![set], ..open() }
        };
        assert!(opens_at(&ended(false), 6) && !opens_at(&ended(false), 7));
        assert!(!opens_at(&ended(true), 3), "by a clock that is behind");
        assert!(opened_at(&ended(true), 4) && !opened_at(&ended(true), 7), "as it was");
    }

    #[test]
    fn c6_the_one_stored_last_names_the_type() {
        let mut emergency = assertion();
        emergency.content.assertion_type = AssertionType::Emergency;
        emergency.lifetime = Lifetime::from(at(2));
        let both = [emergency, assertion()];
        let asked = |all: &[Assertion]| {
            let now = Moment::Now(at(3));
            opens(all, &patient("191212121212"), &actor("P", "A", "A1"), now)
        };
        assert_eq!(asked(&both), Some(AssertionType::Emergency));
        assert_eq!(asked(&[]), None);
    }
}
