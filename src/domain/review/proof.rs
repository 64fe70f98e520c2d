//! The proof report: what a supervisory authority asks for, of a month that is over.
//!
//! # Rules
//! - **R26** It has no identities and is reproducible: the same month gives the same bytes. It counts what was so when the month
//!   ended; what was concluded later had lapsed by then.

use super::calendar::ReviewMonth;
use super::lifecycle::{ReviewKind, ReviewResult};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// A review as the report counts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedReview {
    /// The unit's HSA-id and ...
    pub unit: String,
    /// ... its name.
    pub unit_name: String,
    /// Why there is one.
    pub kind: ReviewKind,
    /// When the draw was sealed, or a targeted one opened.
    pub begun_at: Option<Timestamp>,
    /// When it was drawn.
    pub drawn_at: Option<Timestamp>,
    /// When it was due.
    pub due_at: Timestamp,
    /// When it was concluded, and with what.
    pub concluded: Option<(Timestamp, ReviewResult)>,
    /// Visits that had their judgement, and how many with a remark, when the month ended.
    pub judged: (u32, u32),
    /// Visits that there were then.
    pub visits: u32,
}

/// What the report says of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProofLine {
    /// The unit's name.
    pub unit_name: String,
    /// Systematic reviews planned: one.
    pub planned: u32,
    /// Drawn.
    pub drawn: u32,
    /// Without any access, and so concluded.
    pub empty: u32,
    /// Concluded by the due day.
    pub done: u32,
    /// Concluded after it.
    pub late: u32,
    /// Not concluded when the month ended.
    pub lapsed: u32,
    /// Targeted reviews opened, and concluded.
    pub targeted: (u32, u32),
    /// Visits in lists, and judged.
    pub visits: (u32, u32),
    /// With a remark.
    pub remarks: u32,
    /// Cases opened.
    pub cases: u32,
}

/// The lines of a month, by unit; `cases` are those that were opened in it, by unit (R26).
pub fn lines(
    month: ReviewMonth,
    reviews: &[CountedReview],
    cases: &BTreeMap<String, u32>,
) -> BTreeMap<String, ProofLine> {
    let end = month.bounds().1;
    let mut lines: BTreeMap<String, ProofLine> = BTreeMap::new();
    let before = |at: Option<Timestamp>| u32::from(at.is_some_and(|at| at < end));
    for review in reviews {
        let line = lines.entry(review.unit.clone()).or_default();
        line.unit_name.clone_from(&review.unit_name);
        let concluded = review.concluded.filter(|(at, _)| *at < end);
        if review.kind == ReviewKind::Systematic {
            line.planned += 1;
            line.drawn += before(review.drawn_at);
            match concluded {
                Some((_, ReviewResult::Empty)) => line.empty += 1,
                Some((at, _)) if at < review.due_at => line.done += 1,
                Some(_) => line.late += 1,
                None => line.lapsed += 1,
            }
        } else {
            line.targeted.0 += before(review.begun_at);
            line.targeted.1 += u32::from(concluded.is_some());
        }
        line.visits.0 += review.visits;
        line.visits.1 += review.judged.0;
        line.remarks += review.judged.1;
    }
    for (unit, cases) in cases {
        lines.entry(unit.clone()).or_default().cases += cases;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r26_what_happens_after_the_month_changes_nothing() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let month = ReviewMonth::read("2026-10").unwrap();
        let review = |unit: &str, concluded: Option<(&str, ReviewResult)>| CountedReview {
            unit: unit.into(),
            unit_name: format!("{unit}!"),
            kind: ReviewKind::Systematic,
            begun_at: Some(at("2026-10-01T04:01:00Z")),
            drawn_at: Some(at("2026-10-01T04:02:00Z")),
            due_at: at("2026-10-07T22:00:00Z"),
            concluded: concluded.map(|(when, result)| (at(when), result)),
            judged: (3, 1),
            visits: 4,
        };
        let reviews = [
            review("a", Some(("2026-10-05T10:00:00Z", ReviewResult::Remark))),
            review("b", Some(("2026-10-09T10:00:00Z", ReviewResult::NoRemark))),
            review("c", None),
            review("d", Some(("2026-10-01T04:02:00Z", ReviewResult::Empty))),
        ];
        let cases = BTreeMap::from([("a".to_owned(), 2)]);
        let told = lines(month, &reviews, &cases);
        assert_eq!((told["a"].cases, told["b"].cases), (2, 0));
        let of = |unit: &str| &told[unit];
        assert_eq!((of("a").done, of("b").late, of("c").lapsed, of("d").empty), (1, 1, 1, 1));
        assert!(told.values().all(|line| line.planned == 1 && line.drawn == 1));
        // A month later the lapsed one is concluded.
        let mut later = reviews.clone();
        later[2].concluded = Some((at("2026-11-02T10:00:00Z"), ReviewResult::NoRemark));
        assert_eq!(lines(month, &later, &cases), told);
        let mut targeted = review("a", None);
        targeted.kind = ReviewKind::Suspicion;
        let told = lines(month, &[targeted], &BTreeMap::new());
        assert_eq!((told["a"].planned, told["a"].targeted), (0, (1, 0)));
    }
}
