//! Time: instants, Swedish local time, periods, and the clock as a part.
//!
//! Instants are UTC inside. Messages carry Swedish local time, so the hour that autumn
//! repeats names two instants and the hour that spring skips names none.

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, SubsecRound, TimeZone, Utc};
use chrono_tz::Europe::Stockholm;
use std::sync::{Arc, Mutex, PoisonError};

/// An instant.
pub type Timestamp = DateTime<Utc>;

/// Which of two instants an ambiguous local time names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ambiguous {
    /// Lower bounds and cursors: nothing is lost.
    Earlier,
    /// Upper bounds and end times.
    Later,
}

/// The instant that a Swedish local time names. A time in the hour that spring skips moves
/// forward by one hour.
pub fn instant(local: NaiveDateTime, which: Ambiguous) -> Timestamp {
    let found = match Stockholm.from_local_datetime(&local) {
        LocalResult::Single(one) => Some(one),
        LocalResult::Ambiguous(first, second) => {
            Some(if which == Ambiguous::Earlier { first } else { second })
        }
        LocalResult::None => {
            Stockholm.from_local_datetime(&(local + Duration::hours(1))).earliest()
        }
    };
    found.map_or_else(|| local.and_utc(), |time| time.with_timezone(&Utc))
}

/// Swedish local time of an instant.
pub fn local(at: Timestamp) -> NaiveDateTime {
    at.with_timezone(&Stockholm).naive_local()
}

/// The beginning of the second, for cursors: they have second precision and must not pass
/// a record stored later in the same second.
pub fn whole_second(at: Timestamp) -> Timestamp {
    at.trunc_subsecs(0)
}

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
}

/// Tells the time: the system's, or one that a test holds.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A clock that stands still until it is set.
    Held(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// The current time, in the microseconds that the store keeps.
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Held(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn utc(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn summer_and_winter_time_differ_from_utc() {
        assert_eq!(
            instant(naive("2026-07-01T12:00:00"), Ambiguous::Earlier),
            utc("2026-07-01T10:00:00Z")
        );
        assert_eq!(
            instant(naive("2026-12-01T12:00:00"), Ambiguous::Later),
            utc("2026-12-01T11:00:00Z")
        );
    }

    #[test]
    fn the_repeated_autumn_hour_is_read_as_asked() {
        let repeated = naive("2026-10-25T02:30:00");
        assert_eq!(instant(repeated, Ambiguous::Earlier), utc("2026-10-25T00:30:00Z"));
        assert_eq!(instant(repeated, Ambiguous::Later), utc("2026-10-25T01:30:00Z"));
        assert_eq!(local(utc("2026-10-25T00:30:00Z")), local(utc("2026-10-25T01:30:00Z")));
    }

    #[test]
    fn the_missing_spring_hour_moves_forward() {
        assert_eq!(
            instant(naive("2026-03-29T02:30:00"), Ambiguous::Earlier),
            utc("2026-03-29T01:30:00Z")
        );
        assert_eq!(local(utc("2026-03-29T01:30:00Z")), naive("2026-03-29T03:30:00"));
    }

    #[test]
    fn periods_that_touch_in_one_instant_overlap() {
        let at = |h: u32| Some(utc("2026-01-01T00:00:00Z") + Duration::hours(i64::from(h)));
        let period = |start, end| Period { start, end };
        assert!(period(at(1), at(2)).overlaps(&period(at(2), at(3))));
        assert!(!period(at(1), at(2)).overlaps(&period(at(3), at(4))));
        assert!(period(None, at(2)).overlaps(&period(at(1), None)));
        assert!(!period(None, at(2)).overlaps(&period(at(3), None)));
    }
}
