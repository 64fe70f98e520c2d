//! Times on the wire and instants.

use crate::domain::period::Period;
use crate::domain::time::{self, Ambiguous, Timestamp};
use crate::soap::xml::DateTime;
use chrono::{Duration, SubsecRound};

/// The instant that a time on the wire names, in the microseconds that the store keeps.
pub fn instant(wire: DateTime, which: Ambiguous) -> Timestamp {
    let instant = match wire.offset_minutes {
        Some(minutes) => (wire.local - Duration::minutes(i64::from(minutes))).and_utc(),
        None => time::instant(wire.local, which),
    };
    instant.trunc_subsecs(6)
}

/// A lower bound; "from always" is none.
pub fn lower_bound(wire: DateTime) -> Option<Timestamp> {
    (!time::is_always(wire.local)).then(|| instant(wire, Ambiguous::Earlier))
}

/// An upper bound; "for ever" is none.
pub fn upper_bound(wire: DateTime) -> Option<Timestamp> {
    (!time::is_for_ever(wire.local)).then(|| instant(wire, Ambiguous::Later))
}

/// A period of information; the bounds reach as far as their texts can mean. A period whose texts
/// are in order is never reversed, though its start may fall into the hour that spring skips.
pub fn period(start: Option<DateTime>, end: Option<DateTime>) -> Period {
    let period = Period { start: start.and_then(lower_bound), end: end.and_then(upper_bound) };
    let in_order = start.zip(end).is_some_and(|(start, end)| {
        start.offset_minutes.is_none() && end.offset_minutes.is_none() && start.local <= end.local
    });
    if in_order && period.is_reversed() { period.clamped() } else { period }
}

/// An instant as the wire has it.
pub fn wire_time(at: Timestamp) -> DateTime {
    DateTime::local(time::local(at))
}

/// A bound that nobody may read as later: ends of revokes and consents, starts of periods.
pub fn wire_not_later(at: Timestamp) -> DateTime {
    DateTime::local(time::told_not_later(at))
}

/// A bound that nobody may read as earlier: starts of consents, ends of periods.
pub fn wire_not_earlier(at: Timestamp) -> DateTime {
    DateTime::local(time::told_not_earlier(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(text: &str) -> Option<DateTime> {
        DateTime::parse(text)
    }

    #[test]
    fn what_dotnet_sends_for_always_and_for_ever_is_no_bound() {
        let open = period(wire("0001-01-01T00:00:00"), wire("9999-12-31T23:59:59.9999999"));
        assert_eq!(open, Period::default());
        let zoned = period(wire("0001-01-01T00:00:00Z"), wire("9999-12-31T23:59:59.9999999+01:00"));
        assert_eq!(zoned, Period::default());
    }

    #[test]
    fn a_span_that_falls_into_springs_gap_is_clamped() {
        let span = |start, end| period(wire(start), wire(end));
        let clamped = span("2026-03-29T02:30:00", "2026-03-29T03:15:00");
        assert_eq!(clamped.start, Some("2026-03-29T01:00:00Z".parse().unwrap()));
        assert_eq!(clamped.end, Some("2026-03-29T01:15:00Z".parse().unwrap()));
        assert!(span("2026-03-29T03:15:00", "2026-03-29T02:10:00").is_reversed());
        assert!(span("2026-03-29T04:15:00+02:00", "2026-03-29T03:15:00+02:00").is_reversed());
        assert!(!span("2026-03-29T02:10:00", "2026-03-29T02:50:00").is_reversed());
    }
}
