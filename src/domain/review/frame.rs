//! What a systematic review draws from.
//!
//! # Rules
//! - **R3** Candidate days are those on which the unit's staff have at least one post about a patient. Weekends count. None: the
//!   review is concluded as *tom*, and counted.
//! - **R4** *Alla* is every visit of the day. *Urval* is so many per cent of the staff with a post that month, rounded up, at least
//!   one; staff without a visit that day are replaced by the next drawn, and both are told.
//! - **R5** Staff of a unit are those whose posts name it as their unit. Where the directory tells managers, who is managed by the
//!   reviewer of another plan is reviewed there instead, so that shared units can be split.

use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// When somebody had posts about patients at a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffDays {
    /// The unit's key.
    pub unit: String,
    /// The employee's key.
    pub employee: String,
    /// The days.
    pub days: Vec<NaiveDate>,
}

/// A plan, as far as it says whose staff it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedUnit<'p> {
    /// The unit's key.
    pub unit: &'p str,
    /// The reviewer's key.
    pub reviewer: &'p str,
}

/// What is drawn from: days, and staff with their days, both in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DrawFrame {
    /// Candidate days (R3).
    pub days: BTreeSet<NaiveDate>,
    /// Staff (R5).
    pub staff: BTreeSet<String>,
}

impl DrawFrame {
    /// Whether there is nothing to review (R3).
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }
}

/// The frame of each plan, in their order (R3, R5); `managers` has who manages an employee, by keys.
pub fn frames(
    plans: &[PlannedUnit<'_>],
    staff: &[StaffDays],
    managers: &BTreeMap<String, String>,
) -> Vec<DrawFrame> {
    let mut frames = vec![DrawFrame::default(); plans.len()];
    let mut by_unit: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_reviewer: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, plan) in plans.iter().enumerate() {
        by_unit.insert(plan.unit, at);
        by_reviewer.entry(plan.reviewer).or_default().push(at);
    }
    for one in staff {
        let of_unit = by_unit.get(one.unit.as_str()).copied();
        let of_manager = managers.get(&one.employee).and_then(|m| by_reviewer.get(m.as_str()));
        let at = match of_manager.map(Vec::as_slice) {
            // The manager's only plan, whichever unit the posts name.
            Some([only]) => Some(*only),
            // Of several plans the unit's own, if it is among them.
            Some(several) => of_unit.filter(|at| several.contains(at)).or(several.first().copied()),
            None => of_unit,
        };
        if let Some(frame) = at.and_then(|at| frames.get_mut(at)) {
            frame.days.extend(&one.days);
            frame.staff.insert(one.employee.clone());
        }
    }
    frames
}

/// Somebody who was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnEmployee {
    /// The employee's key.
    pub employee: String,
    /// Whether the visits are reviewed; else there were none that day, and the next one was taken.
    pub is_reviewed: bool,
}

/// Of staff in the order in which they were drawn, those whose visits are reviewed, and those whom they replace (R4): `wanted`
/// with a visit that day, as far as there are so many.
pub fn sample(
    drawn: &[String],
    wanted: usize,
    has_visit: impl Fn(&str) -> bool,
) -> Vec<DrawnEmployee> {
    let mut told = Vec::new();
    let mut found = 0;
    for employee in drawn {
        if found == wanted {
            break;
        }
        let is_reviewed = has_visit(employee);
        found += usize::from(is_reviewed);
        told.push(DrawnEmployee { employee: employee.clone(), is_reviewed });
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::review::draw::sample_size;

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, d).unwrap()
    }

    fn staff(unit: &str, employee: &str, days: &[u32]) -> StaffDays {
        StaffDays {
            unit: unit.into(),
            employee: employee.into(),
            days: days.iter().map(|d| day(*d)).collect(),
        }
    }

    #[test]
    fn r3_days_with_posts_are_candidates_weekends_too() {
        let plans =
            [PlannedUnit { unit: "u", reviewer: "r" }, PlannedUnit { unit: "w", reviewer: "r" }];
        // The third and fourth are a Saturday and a Sunday.
        let posts = [staff("u", "p", &[1, 3]), staff("u", "q", &[4, 3])];
        let found = frames(&plans, &posts, &BTreeMap::new());
        assert_eq!(found[0].days, BTreeSet::from([day(1), day(3), day(4)]));
        assert!(!found[0].is_empty() && found[1].is_empty());
    }

    #[test]
    fn r4_a_share_is_rounded_up_and_who_has_no_visit_is_replaced() {
        assert_eq!([1, 10, 11, 20, 101].map(|staff| sample_size(staff, 10)), [1, 1, 2, 2, 11]);
        assert_eq!((sample_size(0, 10), sample_size(3, 100)), (1, 3));
        let drawn = ["a", "b", "c", "d"].map(str::to_owned);
        let told = sample(&drawn, 2, |employee| employee != "a");
        let told: Vec<_> =
            told.iter().map(|one| (one.employee.as_str(), one.is_reviewed)).collect();
        assert_eq!(told, [("a", false), ("b", true), ("c", true)]);
        assert_eq!(sample(&drawn, 2, |employee| employee == "d").len(), 4);
    }

    #[test]
    fn r5_staff_are_of_the_unit_or_of_their_manager() {
        let plans =
            [PlannedUnit { unit: "u", reviewer: "r" }, PlannedUnit { unit: "w", reviewer: "s" }];
        let posts = [
            staff("u", "p", &[1]),
            staff("u", "q", &[2]),
            staff("w", "x", &[3]),
            staff("z", "y", &[4]),
        ];
        let found = frames(&plans, &posts, &BTreeMap::new());
        assert_eq!(found[0].staff, BTreeSet::from(["p".into(), "q".into()]));
        assert_eq!(found[1].staff, BTreeSet::from(["x".into()]), "z has no plan");
        let managers = BTreeMap::from([("q".into(), "s".into()), ("p".into(), "somebody".into())]);
        let found = frames(&plans, &posts, &managers);
        assert_eq!(found[0].staff, BTreeSet::from(["p".into()]));
        assert_eq!(found[1].staff, BTreeSet::from(["q".into(), "x".into()]));
        // A reviewer of several units has everybody where the posts say.
        let both =
            [PlannedUnit { unit: "u", reviewer: "r" }, PlannedUnit { unit: "w", reviewer: "r" }];
        let managers = BTreeMap::from([("x".into(), "r".into())]);
        assert_eq!(frames(&both, &posts, &managers)[1].staff, BTreeSet::from(["x".into()]));
    }
}
