//! A review, from its plan to its conclusion.
//!
//! ```text
//! systematic  planned ─notice sealed─▶ announced ─checkpoint─▶ drawn ─visits frozen─▶ listed ─judgement─▶ under_review ─all judged─▶ concluded
//!                └ no access in the month ─▶ concluded (tom)
//! targeted    opened ─visits frozen─▶ listed ─judgement─▶ under_review ─all judged─▶ concluded
//! ```
//! That it has lapsed stands beside the state: it goes on from where it is, late (R17).
//!
//! # Rules
//! - **R1** A unit with an active plan has exactly one systematic review for each calendar month. None can be cancelled.
//! - **R7** The list is frozen when listed: later posts of that day are appended with a mark, never silently.
//! - **R15** Concluding needs every visit judged. The result is *utan anmärkning* or *med anmärkning*; it is sealed as a log
//!   record of the kind *Granskning*.
//! - **R18** Suspicion: opened at once, for any user, patient or both and any period; needs a text; unseen by the persons it is
//!   about, also where they are reviewers or administrators.
//! - **R19** A patient's request opens, for the same period, one targeted review for each unit that read; it need not be
//!   concluded before the extract goes out.
//! - **R20** An emergency assertion, a temporary revoke on emergency, a *Nödöppning* and a reveal each give the unit's reviewer an
//!   item the next working day.

use super::calendar::{ReviewMonth, next_working_day};
use crate::domain::identity::is_blank;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Timestamp;
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// Why there is a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReviewKind {
    /// The month's own.
    Systematic,
    /// Somebody suspects something.
    Suspicion,
    /// The patient has asked for the log.
    PatientRequest,
    /// The patient is watched.
    Watch,
    /// Somebody has opened something in an emergency.
    Emergency,
}

impl ReviewKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Systematic, Self::Suspicion, Self::PatientRequest, Self::Watch, Self::Emergency];

    /// As the store names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Systematic => "systematic",
            Self::Suspicion => "suspicion",
            Self::PatientRequest => "patient_request",
            Self::Watch => "watch",
            Self::Emergency => "emergency",
        }
    }

    /// Of its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How far a review has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReviewState {
    /// Its unit and month are known.
    Planned,
    /// What is drawn from is sealed.
    Announced,
    /// Day and staff are drawn.
    Drawn,
    /// A targeted one, whose visits are not known yet.
    Opened,
    /// Its visits are known and do not change.
    Listed,
    /// At least one is judged.
    UnderReview,
    /// It is done.
    Concluded,
}

impl ReviewState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Planned,
        Self::Announced,
        Self::Drawn,
        Self::Opened,
        Self::Listed,
        Self::UnderReview,
        Self::Concluded,
    ];

    /// As the store names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Announced => "announced",
            Self::Drawn => "drawn",
            Self::Opened => "opened",
            Self::Listed => "listed",
            Self::UnderReview => "under_review",
            Self::Concluded => "concluded",
        }
    }

    /// Of its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What happens to a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewStep {
    /// The notice of the draw lies in the log.
    NoticeSealed,
    /// There was nothing to draw from.
    NothingToReview,
    /// A checkpoint has decided.
    Draw,
    /// The visits are frozen.
    List,
    /// A visit is judged, or judged anew.
    Judge,
    /// Somebody concludes.
    Conclude,
}

impl ReviewState {
    /// What a step leads to; from nowhere does one lead back or out, so no review is cancelled (R1).
    ///
    /// # Errors
    /// That the step is not possible now.
    pub fn step(self, step: ReviewStep) -> Result<Self, Rejection> {
        match (self, step) {
            (Self::Planned, ReviewStep::NoticeSealed) => Ok(Self::Announced),
            (Self::Announced, ReviewStep::Draw) => Ok(Self::Drawn),
            (Self::Drawn | Self::Opened, ReviewStep::List) => Ok(Self::Listed),
            (Self::Listed | Self::UnderReview, ReviewStep::Judge) => Ok(Self::UnderReview),
            (Self::Planned, ReviewStep::NothingToReview)
            | (Self::Listed | Self::UnderReview, ReviewStep::Conclude) => Ok(Self::Concluded),
            (Self::Concluded, ReviewStep::Judge | ReviewStep::Conclude) => {
                Err(Rejection::validation("Granskningen är avslutad."))
            }
            _ => Err(Rejection::validation("Granskningen har inte kommit så långt.")),
        }
    }
}

/// What a review came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewResult {
    /// Nothing to review (*tom*).
    Empty,
    /// *Utan anmärkning*.
    NoRemark,
    /// *Med anmärkning*.
    Remark,
}

impl ReviewResult {
    /// As the store names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoRemark => "no_remark",
            Self::Remark => "remark",
        }
    }

    /// Of its name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Empty, Self::NoRemark, Self::Remark].into_iter().find(|own| own.name() == name)
    }
}

/// Whether a review may be concluded, and with what (R15).
///
/// # Errors
/// How many visits are left to judge.
pub fn conclusion(visits: i64, judged: i64, remarks: i64) -> Result<ReviewResult, Rejection> {
    if judged < visits {
        let left = visits - judged;
        return Err(Rejection::validation(format!(
            "Kvar att bedöma: {left}. Sedan kan granskningen avslutas."
        )));
    }
    Ok(match (visits, remarks) {
        (0, _) => ReviewResult::Empty,
        (_, 0) => ReviewResult::NoRemark,
        _ => ReviewResult::Remark,
    })
}

/// The months for which a plan owes a review at a time: each since the plan began, once its draw is due (R1).
pub fn owed(active_from: ReviewMonth, now: Timestamp) -> Vec<ReviewMonth> {
    let this = ReviewMonth::at(now);
    let mut months = Vec::new();
    let mut month = active_from;
    while month <= this {
        if month.drawn_at() <= now {
            months.push(month);
        }
        month = month.after();
    }
    months
}

/// Posts that came after the list was frozen: those that are not in it (R7).
pub fn late_posts(found: &[i64], listed: &BTreeSet<i64>) -> BTreeSet<i64> {
    found.iter().copied().filter(|number| !listed.contains(number)).collect()
}

/// Whom or what a targeted review is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReviewSubject {
    /// An employee's key.
    pub employee: Option<String>,
    /// A patient's key.
    pub patient: Option<String>,
}

/// Whether a targeted review may be opened (R18).
///
/// # Errors
/// What is lacking.
pub fn may_open(
    subject: &ReviewSubject,
    (from, to): (Timestamp, Timestamp),
    reason: &str,
    now: Timestamp,
) -> Result<(), Rejection> {
    if subject.employee.is_none() && subject.patient.is_none() {
        return Err(Rejection::validation("Skriv vem eller vilken patient det gäller."));
    }
    if is_blank(reason) {
        return Err(Rejection::validation("Skriv varför kontrollen behövs."));
    }
    if to < from || from > now {
        return Err(Rejection::validation("Perioden ska ligga bakåt i tiden."));
    }
    Ok(())
}

/// Whether somebody may know of a review: not whom it is about, though it were a reviewer or an administrator (R18).
///
/// # Errors
/// That there is no such review, as far as this person goes.
pub fn may_see(subject: Option<&str>, employee: &str) -> Result<(), Rejection> {
    match subject == Some(employee) {
        true => Err(Rejection::new(Class::AccessDenied, "Granskningen finns inte.")),
        false => Ok(()),
    }
}

/// The units for which a patient's request opens a review: each that read (R19).
pub fn units_that_read<'u>(units: impl IntoIterator<Item = &'u str>) -> BTreeSet<&'u str> {
    units.into_iter().collect()
}

/// On which day the reviewer has the item of what was opened in an emergency on a day (R20).
pub fn item_day(opened: NaiveDate) -> NaiveDate {
    next_working_day(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn r1_one_for_each_month_and_no_way_out() {
        use ReviewState::{Announced, Concluded, Drawn, Listed, Opened, Planned, UnderReview};
        use ReviewStep::{Conclude, Draw, Judge, List, NothingToReview, NoticeSealed};
        let from = ReviewMonth::read("2026-09").unwrap();
        let months =
            |now: &str| owed(from, at(now)).into_iter().map(ReviewMonth::text).collect::<Vec<_>>();
        assert_eq!(months("2026-11-01T04:59:59Z"), ["2026-09", "2026-10"]);
        assert_eq!(months("2026-11-01T05:00:00Z"), ["2026-09", "2026-10", "2026-11"]);
        assert_eq!(months("2026-08-31T12:00:00Z"), Vec::<String>::new());
        let steps = [NoticeSealed, NothingToReview, Draw, List, Judge, Conclude];
        let mut possible = Vec::new();
        for state in ReviewState::ALL {
            for step in steps {
                if let Ok(next) = state.step(step) {
                    possible.push((state, step, next));
                }
            }
        }
        let expected = [
            (Planned, NoticeSealed, Announced),
            (Planned, NothingToReview, Concluded),
            (Announced, Draw, Drawn),
            (Drawn, List, Listed),
            (Opened, List, Listed),
            (Listed, Judge, UnderReview),
            (Listed, Conclude, Concluded),
            (UnderReview, Judge, UnderReview),
            (UnderReview, Conclude, Concluded),
        ];
        assert_eq!(possible, expected);
        for state in ReviewState::ALL {
            assert_eq!(ReviewState::named(state.name()), Some(state));
        }
    }

    #[test]
    fn r7_what_comes_later_is_told_apart() {
        let listed = BTreeSet::from([1, 2]);
        assert_eq!(late_posts(&[2, 3, 1, 5], &listed), BTreeSet::from([3, 5]));
        assert!(late_posts(&[1, 2], &listed).is_empty());
    }

    #[test]
    fn r15_every_visit_is_judged_before_the_end() {
        assert_eq!(conclusion(38, 38, 0).unwrap(), ReviewResult::NoRemark);
        assert_eq!(conclusion(38, 38, 2).unwrap(), ReviewResult::Remark);
        assert_eq!(conclusion(0, 0, 0).unwrap(), ReviewResult::Empty);
        let refused = conclusion(38, 26, 1).unwrap_err();
        assert!(refused.text.starts_with("Kvar att bedöma: 12."), "{}", refused.text);
    }

    #[test]
    fn r18_suspicion_needs_a_subject_and_a_text_and_is_not_seen_by_whom_it_is_about() {
        let (from, now) = (at("2026-11-01T00:00:00Z"), at("2026-11-22T00:00:00Z"));
        let who = ReviewSubject { employee: Some("p".into()), patient: None };
        assert!(may_open(&who, (from, now), "grannar", now).is_ok());
        assert!(may_open(&ReviewSubject::default(), (from, now), "grannar", now).is_err());
        assert!(may_open(&who, (from, now), " ", now).is_err());
        assert!(may_open(&who, (now, from), "grannar", now).is_err());
        assert!(may_see(Some("p"), "p").is_err());
        assert!(may_see(Some("p"), "q").is_ok() && may_see(None, "p").is_ok());
    }

    #[test]
    fn r19_each_unit_that_read_once() {
        assert_eq!(units_that_read(["u", "v", "u"]), BTreeSet::from(["u", "v"]));
    }

    #[test]
    fn r20_an_emergency_is_an_item_the_next_working_day() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        // A Thursday, a Friday, and Thursday before a weekend that a holiday begins.
        assert_eq!(item_day(day("2026-11-26")), day("2026-11-27"));
        assert_eq!(item_day(day("2026-11-27")), day("2026-11-30"));
        assert_eq!(item_day(day("2026-04-02")), day("2026-04-07"));
    }
}
