//! Pages of a list that consumers follow with cursors of whole seconds.
//!
//! # Rules
//! - **PG1** A cursor is a whole second of Swedish local time that reads back as the same
//!   instant; of the hour that autumn repeats, only the first pass has such seconds.
//! - **PG2** Rows between one such cursor and the next are never split: a page ends before the
//!   rows that it cannot hold whole.
//! - **PG3** Rows that no page can hold are sent whole all the same: otherwise the consumer would
//!   ask for them for ever.

use crate::domain::time::{Ambiguous, Timestamp, instant, local, whole_second};
use chrono::{Duration, DurationRound};

/// The latest cursor that is not after an instant (PG1).
pub fn cursor(at: Timestamp) -> Timestamp {
    let second = whole_second(at);
    if instant(local(second), Ambiguous::Earlier) == second {
        return second;
    }
    // The second pass begins at a full hour.
    full_hour(second) - Duration::seconds(1)
}

/// The first cursor after another: where what belongs to that one ends.
pub fn next_cursor(cursor_before: Timestamp) -> Timestamp {
    let next = cursor_before + Duration::seconds(1);
    if cursor(next) == next { next } else { full_hour(next) + Duration::hours(1) }
}

fn full_hour(at: Timestamp) -> Timestamp {
    at.duration_trunc(Duration::hours(1)).unwrap_or(at)
}

/// Where a page ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageEnd {
    /// It holds all there is.
    Complete,
    /// It holds what lies before this cursor; the next page begins there.
    Before(Timestamp),
    /// Its first rows belong together and are too many: it must hold all before this cursor.
    Stretched(Timestamp),
}

/// Where the page ends that begins with rows of these times, which are in order and, where
/// there are more than a page holds, at least one more than that (PG2, PG3).
pub fn page_end(times: &[Timestamp], rows_max: usize) -> PageEnd {
    let (Some(first), Some(beyond)) = (times.first(), times.get(rows_max)) else {
        return PageEnd::Complete;
    };
    match cursor(*beyond) {
        end if cursor(*first) < end => PageEnd::Before(end),
        together => PageEnd::Stretched(next_cursor(together)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn pg1_cursors_read_back_as_themselves() {
        assert_eq!(cursor(at("2026-07-01T10:00:00.9Z")), at("2026-07-01T10:00:00Z"));
        let first_pass = at("2026-10-25T00:30:00Z");
        assert_eq!(cursor(first_pass), first_pass);
        let last = at("2026-10-25T00:59:59Z");
        for second_pass in ["2026-10-25T01:00:00Z", "2026-10-25T01:59:59.9Z"] {
            assert_eq!(cursor(at(second_pass)), last, "{second_pass}");
        }
        let after = at("2026-10-25T02:00:00Z");
        assert_eq!((cursor(after), next_cursor(last)), (after, after));
        assert_eq!(next_cursor(first_pass), first_pass + Duration::seconds(1));
    }

    #[test]
    fn pg2_a_page_ends_before_what_it_cannot_hold_whole() {
        let times: Vec<Timestamp> =
            ["10:00:00.1", "10:00:00.2", "10:00:01.1", "10:00:01.2", "10:00:01.3"]
                .map(|t| at(&format!("2026-07-01T{t}Z")))
                .to_vec();
        let second = at("2026-07-01T10:00:01Z");
        assert_eq!(page_end(&times, 5), PageEnd::Complete);
        assert_eq!(page_end(&times, 4), PageEnd::Before(second));
        assert_eq!(page_end(&times, 2), PageEnd::Before(second));
        assert_eq!(page_end(&[], 1), PageEnd::Complete);
    }

    #[test]
    fn pg3_what_no_page_can_hold_is_sent_whole() {
        let second = "2026-07-01T10:00:00";
        let times = [1, 2, 3].map(|n| at(&format!("{second}.{n}Z")));
        assert_eq!(page_end(&times, 2), PageEnd::Stretched(at("2026-07-01T10:00:01Z")));
        let repeated = ["2026-10-25T00:59:59.5Z", "2026-10-25T01:30:00Z", "2026-10-25T01:40:00Z"];
        let end = PageEnd::Stretched(at("2026-10-25T02:00:00Z"));
        assert_eq!(page_end(&repeated.map(at), 1), end);
    }

    /// A consumer that pages with texts of local time while rows are still being stored.
    fn follow(mut stored: Vec<Timestamp>, new: Vec<Timestamp>, rows_max: usize) -> usize {
        let mut new = new.into_iter();
        let mut seen: std::collections::BTreeSet<Timestamp> = std::collections::BTreeSet::new();
        let mut since = DateTimeText("2026-01-01T00:00:00".into());
        for _ in 0..10_000 {
            let from = since.read();
            let rows: Vec<Timestamp> = stored.iter().filter(|t| **t >= from).copied().collect();
            let seen_now = &rows[..rows.len().min(rows_max + 1)];
            let (until, more) = match page_end(seen_now, rows_max) {
                PageEnd::Complete => (None, false),
                PageEnd::Before(end) => (Some(end), true),
                PageEnd::Stretched(end) => (Some(end), rows.last().is_some_and(|t| *t >= end)),
            };
            seen.extend(rows.iter().filter(|t| until.is_none_or(|end| **t < end)));
            let now = stored.last().copied().unwrap_or(from);
            since = DateTimeText::of(if more { until.unwrap() } else { cursor(now) });
            // Storage times never go back, so nothing new lies before a cursor given out.
            match new.next() {
                Some(row) => stored.push(row.max(now)),
                None if !more => break,
                None => {}
            }
        }
        assert!(stored.iter().all(|t| seen.contains(t)), "something was never seen");
        seen.len()
    }

    struct DateTimeText(String);

    impl DateTimeText {
        fn of(at: Timestamp) -> Self {
            Self(local(at).format("%Y-%m-%dT%H:%M:%S").to_string())
        }

        fn read(&self) -> Timestamp {
            instant(self.0.parse().unwrap(), Ambiguous::Earlier)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whoever_follows_the_cursors_sees_everything(
            gaps in proptest::collection::vec(0..900_000_i64, 0..40),
            later in proptest::collection::vec(0..900_000_i64, 0..10),
            dense in any::<bool>(),
            rows_max in 1..12_usize,
        ) {
            // From before the repeated hour to after it, or many rows in few seconds.
            let mut time = at("2026-10-24T23:50:00Z");
            let mut advance = |gap: &i64| {
                time += Duration::milliseconds(if dense { gap / 2000 } else { *gap });
                time
            };
            let stored: Vec<Timestamp> = gaps.iter().map(&mut advance).collect();
            let new: Vec<Timestamp> = later.iter().map(&mut advance).collect();
            follow(stored, new, rows_max);
        }
    }
}
