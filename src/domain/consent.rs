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

/// What a registration leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The id is new: store it.
    Store,
    /// Done before, in the same words: nothing to do.
    Repeated,
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
