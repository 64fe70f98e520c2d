//! Time: instants, Swedish local time, and the moment that a question is about.
//!
//! Instants are UTC inside. Messages carry Swedish local time, so the hour that autumn
//! repeats names two instants and the hour that spring skips names none.

use chrono::{DateTime, Duration, DurationRound, LocalResult, NaiveDate, NaiveDateTime};
use chrono::{SubsecRound, TimeZone, Utc};
use chrono_tz::Europe::Stockholm;

/// An instant.
pub type Timestamp = DateTime<Utc>;

/// The moment that a question is about, and with it what counts as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The present, by the clock of whoever asks. What is stored stands and what is removed is
    /// gone, whatever that clock says: it may have been another server's that stored it.
    Now(Timestamp),
    /// The past: only what was stored by then counts, as it stood then.
    Then(Timestamp),
}

impl Moment {
    /// The instant itself.
    pub fn at(self) -> Timestamp {
        match self {
            Self::Now(at) | Self::Then(at) => at,
        }
    }
}

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

/// Swedish local time of an instant, within the years 0001 to 9999 that a message can tell.
pub fn local(at: Timestamp) -> NaiveDateTime {
    let text = at.with_timezone(&Stockholm).naive_local();
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
    let first = day(1, 1, 1).and_time(chrono::NaiveTime::MIN);
    let last = day(9999, 12, 31).and_hms_opt(23, 59, 59).unwrap_or_default();
    // The fraction of the last second is kept where there is one.
    if text < last { text.max(first) } else { last }
}

/// Whether a local time means "from always": .NET's `DateTime.MinValue`.
pub fn is_always(local: NaiveDateTime) -> bool {
    local.trunc_subsecs(0) == NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default().into()
}

/// Whether a local time means "for ever": .NET's `DateTime.MaxValue`.
pub fn is_for_ever(local: NaiveDateTime) -> bool {
    let last = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or_default();
    last.and_hms_opt(23, 59, 59).is_some_and(|last| local.trunc_subsecs(0) == last)
}

/// The beginning of the second, for cursors: they have second precision and must not pass
/// a record stored later in the same second.
pub fn whole_second(at: Timestamp) -> Timestamp {
    at.trunc_subsecs(0)
}

/// The second that has not begun before the instant.
pub fn next_whole_second(at: Timestamp) -> Timestamp {
    let second = whole_second(at);
    if second < at { second + Duration::seconds(1) } else { second }
}

fn full_hour(at: Timestamp) -> Timestamp {
    at.duration_trunc(Duration::hours(1)).unwrap_or(at)
}

/// The latest local time, in whole seconds, that nobody can read as later than the instant: the
/// first pass of autumn's repeated hour is told as the second before it.
pub fn told_not_later(at: Timestamp) -> NaiveDateTime {
    let second = whole_second(at);
    let text = local(second);
    match instant(text, Ambiguous::Later) <= second {
        true => text,
        false => local(full_hour(second) - Duration::seconds(1)),
    }
}

/// The earliest local time, in whole seconds, that nobody can read as earlier than the instant:
/// the second pass of autumn's repeated hour is told as the second after it.
pub fn told_not_earlier(at: Timestamp) -> NaiveDateTime {
    let second = next_whole_second(at);
    let text = local(second);
    match instant(text, Ambiguous::Earlier) >= second {
        true => text,
        false => local(full_hour(second) + Duration::hours(1)),
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
    fn what_is_told_cannot_be_read_as_more() {
        for (at, not_later, not_earlier) in [
            ("2026-07-01T10:00:00.5Z", "2026-07-01T12:00:00", "2026-07-01T12:00:01"),
            ("2026-07-01T10:00:00Z", "2026-07-01T12:00:00", "2026-07-01T12:00:00"),
            ("2026-10-25T00:30:00Z", "2026-10-25T01:59:59", "2026-10-25T02:30:00"),
            ("2026-10-25T01:30:00Z", "2026-10-25T02:30:00", "2026-10-25T03:00:00"),
            ("2026-10-25T02:00:00Z", "2026-10-25T03:00:00", "2026-10-25T03:00:00"),
        ] {
            let at = utc(at);
            assert_eq!(told_not_later(at), naive(not_later), "{at}");
            assert_eq!(told_not_earlier(at), naive(not_earlier), "{at}");
            for which in [Ambiguous::Earlier, Ambiguous::Later] {
                assert!(instant(told_not_later(at), which) <= at, "{at} {which:?}");
                assert!(instant(told_not_earlier(at), which) >= at, "{at} {which:?}");
            }
        }
    }

    #[test]
    fn every_told_year_has_four_digits() {
        let last = naive("9999-12-31T23:59:59");
        for at in ["9999-12-31T22:59:59.999999Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(told_not_earlier(utc(at)), last, "{at}");
            assert_eq!(told_not_later(utc(at)), last, "{at}");
            assert_eq!(local(utc(at)), last, "{at}");
        }
        let first = naive("0001-01-01T00:00:00");
        let before = instant(first, Ambiguous::Earlier) - Duration::hours(14);
        assert_eq!((local(before), told_not_later(before)), (first, first));
        assert!(is_always(first) && is_for_ever(naive("9999-12-31T23:59:59.9999999")));
        assert!(!is_always(naive("0001-01-01T00:00:01")));
        assert!(!is_for_ever(naive("9999-12-31T23:59:58")));
    }
}
