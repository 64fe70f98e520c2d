//! How long a login to the pages lasts.
//!
//! # Rules
//! - **SE1** A login ends when it has not been used for its idle time, and at the latest so many hours after it began.
//! - **SE2** The last two minutes are told, so that it can be prolonged; the latest end is not moved.

use crate::domain::time::Timestamp;
use chrono::TimeDelta;

/// How long logins last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// Without use.
    pub idle: TimeDelta,
    /// At the most.
    pub longest: TimeDelta,
}

impl SessionTimes {
    /// When a login ends that was last used at a time (SE1).
    pub fn ends(&self, seen_at: Timestamp, ends_at: Timestamp) -> Timestamp {
        ends_at.min(seen_at + self.idle)
    }
}

/// How long before its end a login warns (SE2).
pub const WARNED: TimeDelta = TimeDelta::minutes(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn se1_a_login_ends_by_idleness_and_by_age() {
        let times = SessionTimes { idle: TimeDelta::minutes(30), longest: TimeDelta::hours(10) };
        let begun = Timestamp::UNIX_EPOCH;
        let latest = begun + times.longest;
        assert_eq!(times.ends(begun, latest), begun + TimeDelta::minutes(30));
        let late = begun + TimeDelta::minutes(595);
        assert_eq!(times.ends(late, latest), latest);
    }

    #[test]
    fn se2_the_warning_comes_before_the_shortest_end() {
        assert!(WARNED < TimeDelta::minutes(5), "settings allow five minutes of idleness");
    }
}
