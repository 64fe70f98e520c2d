//! Closed intervals of time.

use super::time::Timestamp;
use chrono::{Duration, DurationRound};

/// A closed interval; a missing bound is unbounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// First instant, if bounded.
    pub start: Option<Timestamp>,
    /// Last instant, if bounded.
    pub end: Option<Timestamp>,
}

impl Period {
    /// Whether the two share at least one instant.
    pub fn overlaps(&self, other: &Self) -> bool {
        let begins_in_time = |a: &Self, b: &Self| match (a.start, b.end) {
            (Some(start), Some(end)) => start <= end,
            _ => true,
        };
        begins_in_time(self, other) && begins_in_time(other, self)
    }

    /// Whether the end lies before the start.
    pub fn is_reversed(&self) -> bool {
        matches!((self.start, self.end), (Some(start), Some(end)) if end < start)
    }

    /// The same period where its start fell into the hour that spring skips and moved past its
    /// end: it then begins when that hour was skipped.
    pub fn clamped(self) -> Self {
        let skipped = |start: Timestamp| start.duration_trunc(Duration::hours(1)).unwrap_or(start);
        Self { start: self.start.map(skipped), end: self.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes from a night's one o'clock.
    fn period(start: Option<i64>, end: Option<i64>) -> Period {
        let night = "2026-03-29T01:00:00Z".parse::<Timestamp>().unwrap();
        let at = |minutes| night + Duration::minutes(minutes);
        Period { start: start.map(at), end: end.map(at) }
    }

    #[test]
    fn periods_that_touch_in_one_instant_overlap() {
        assert!(period(Some(1), Some(2)).overlaps(&period(Some(2), Some(3))));
        assert!(!period(Some(1), Some(2)).overlaps(&period(Some(3), Some(4))));
        assert!(period(None, Some(2)).overlaps(&period(Some(1), None)));
        assert!(!period(None, Some(2)).overlaps(&period(Some(3), None)));
    }

    #[test]
    fn a_start_that_moved_past_the_end_is_clamped() {
        let moved = period(Some(30), Some(15));
        assert!(moved.is_reversed());
        assert_eq!(moved.clamped(), period(Some(0), Some(15)));
    }
}
