//! How available the service was in a month.
//!
//! # Rules
//! - **AV1** Per calendar month in Swedish time: 100 − time of interruption / total time × 100. The running month is counted
//!   until now, and nothing before the first probe.
//! - **AV2** Planned stops and what an operator has excluded, with a reason, are no interruption; a disturbance is none either.
//! - **AV3** Time in which nobody probed for three minutes is an interruption of everything: who does not run cannot probe.
//! - **AV4** Interruptions that overlap are counted once.

use crate::domain::time::{Ambiguous, Timestamp, instant};
use chrono::{Months, NaiveDate, TimeDelta};

/// So long nobody needs to probe.
pub const PROBED_WITHIN: TimeDelta = TimeDelta::minutes(3);

/// What an interruption counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterruptionClass {
    /// It counts.
    Unplanned,
    /// Announced beforehand.
    Planned,
    /// Not ours.
    Excluded,
}

/// A time in which a function did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// From when.
    pub from: Timestamp,
    /// Until when; one that lasts has none.
    pub to: Option<Timestamp>,
    /// What it counts as.
    pub class: InterruptionClass,
}

/// A calendar month in Swedish time.
pub fn month(first: NaiveDate) -> (Timestamp, Timestamp) {
    let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
    let at = |day: NaiveDate| instant(day.into(), Ambiguous::Earlier);
    (at(first), at(next))
}

/// The per cent of a month in which a function was there (AV1 to AV4); `None`: nobody measured.
pub fn per_cent(
    (begins, ends): (Timestamp, Timestamp),
    first_probe: Timestamp,
    now: Timestamp,
    interruptions: &[Interruption],
) -> Option<f64> {
    let (from, to) = (begins.max(first_probe), ends.min(now));
    let total = (to - from).num_milliseconds();
    if total <= 0 {
        return None;
    }
    let mut counted: Vec<(Timestamp, Timestamp)> = interruptions
        .iter()
        .filter(|it| it.class == InterruptionClass::Unplanned)
        .map(|it| (it.from.max(from), it.to.unwrap_or(now).min(to)))
        .filter(|(from, to)| from < to)
        .collect();
    counted.sort();
    let (mut lost, mut reached) = (0, from);
    for (begin, end) in counted {
        lost += (end - begin.max(reached)).num_milliseconds().max(0);
        reached = reached.max(end);
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a month are exact")]
    Some(100.0 - lost as f64 / total as f64 * 100.0)
}

/// The time from the last probe until now, where that is too long (AV3).
pub fn gap(last: Option<Timestamp>, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    last.filter(|last| now - *last > PROBED_WITHIN).map(|last| (last, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        "2026-11-01T00:00:00Z".parse::<Timestamp>().unwrap() + TimeDelta::minutes(minutes)
    }

    fn down(from: i64, to: i64, class: InterruptionClass) -> Interruption {
        Interruption { from: at(from), to: Some(at(to)), class }
    }

    fn share(interruptions: &[Interruption]) -> f64 {
        per_cent((at(0), at(1000)), at(-5), at(9000), interruptions).unwrap()
    }

    #[test]
    fn av1_the_share_is_of_the_whole_month() {
        use InterruptionClass::Unplanned;
        assert!((share(&[down(10, 20, Unplanned)]) - 99.0).abs() < 1e-9);
        assert!((share(&[down(-10, 10, Unplanned)]) - 99.0).abs() < 1e-9);
        let running = per_cent((at(0), at(1000)), at(-5), at(100), &[down(10, 20, Unplanned)]);
        assert!((running.unwrap() - 90.0).abs() < 1e-9);
        assert_eq!(per_cent((at(0), at(1000)), at(2000), at(9000), &[]), None);
        let (begins, ends) = month(NaiveDate::from_ymd_opt(2026, 10, 1).unwrap());
        assert_eq!((ends - begins).num_hours(), 31 * 24 + 1, "autumn repeats an hour");
    }

    #[test]
    fn av2_planned_and_excluded_do_not_count() {
        use InterruptionClass::{Excluded, Planned};
        assert!((share(&[down(10, 20, Planned), down(30, 40, Excluded)]) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn av3_where_nobody_probed_it_was_down() {
        assert_eq!(gap(Some(at(0)), at(4)), Some((at(0), at(4))));
        assert_eq!((gap(Some(at(0)), at(3)), gap(None, at(3))), (None, None));
    }

    #[test]
    fn av4_overlapping_interruptions_count_once() {
        use InterruptionClass::Unplanned;
        let both = [down(10, 20, Unplanned), down(15, 30, Unplanned), down(12, 18, Unplanned)];
        assert!((share(&both) - 98.0).abs() < 1e-9);
    }
}
