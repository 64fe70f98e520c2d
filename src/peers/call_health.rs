//! RecentFailures of a peer of late, and the pause that follows from them: whoever waits for a page waits no longer for who does
//! not answer.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const FAILURES_MAX: usize = 5;
const PAUSE: Duration = Duration::from_secs(30);

/// Five failures in thirty seconds: thirty seconds without calls.
#[derive(Debug, Default)]
pub(super) struct CallHealth(Mutex<RecentFailures>);

#[derive(Debug, Default)]
struct RecentFailures {
    of_late: VecDeque<Instant>,
    paused_until: Option<Instant>,
}

impl CallHealth {
    /// Whether nobody calls now.
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        self.failures().paused_until.is_some_and(|until| now < until)
    }

    /// A call has failed.
    pub(super) fn failed(&self, now: Instant) {
        let mut failures = self.failures();
        failures.of_late.push_back(now);
        while failures.of_late.front().is_some_and(|first| now - *first > PAUSE) {
            failures.of_late.pop_front();
        }
        if failures.of_late.len() >= FAILURES_MAX {
            failures.of_late.clear();
            failures.paused_until = Some(now + PAUSE);
        }
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, RecentFailures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pc6_five_failures_are_a_pause() {
        let health = CallHealth::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        for second in [0, 31, 32, 33, 34] {
            health.failed(after(second));
        }
        assert!(!health.is_paused(after(34)), "the first is too long ago");
        health.failed(after(35));
        assert!(health.is_paused(after(36)) && health.is_paused(after(64)));
        assert!(!health.is_paused(after(66)));
    }
}
