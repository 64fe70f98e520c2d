//! How the parts are that calls depend on, as those who watch them tell; shared by all.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long the database may be started again before the process no longer counts as living.
const LIVELY: Duration = Duration::from_secs(30);
/// How long a failure to store log records stands against being ready, unless one succeeds.
const STORING_FAILURE: Duration = Duration::from_secs(10);

/// How much free space there is under the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Enough, or nobody watches.
    Enough,
    /// So little that large answers stop.
    Low,
    /// So little that nothing is stored, lest the database ends.
    Exhausted,
}

/// How the parts are.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Watched>);

#[derive(Debug, Default)]
struct Watched {
    space: AtomicU8,
    database_down_since: Mutex<Option<Instant>>,
    storing_failed_at: Mutex<Option<Instant>>,
    log_lines_dropped: AtomicU64,
    future_records: AtomicU64,
    clock_ahead_seconds: AtomicU64,
    leaf_waited_seconds: AtomicU64,
}

impl Health {
    /// The space that was found.
    pub fn found_space(&self, space: Space) {
        self.0.space.store(space as u8, Ordering::Relaxed);
    }

    /// How much space there is.
    pub fn space(&self) -> Space {
        match self.0.space.load(Ordering::Relaxed) {
            0 => Space::Enough,
            1 => Space::Low,
            _ => Space::Exhausted,
        }
    }

    /// The database has ended, or runs again.
    pub fn database_is_down(&self, down: bool) {
        let mut since = lock(&self.0.database_down_since);
        match down {
            true => _ = since.get_or_insert_with(Instant::now),
            false => *since = None,
        }
    }

    /// How long the database has been down.
    pub fn database_down_for(&self) -> Option<Duration> {
        lock(&self.0.database_down_since).map(|since| since.elapsed())
    }

    /// Whether the process does what it is for, or can be expected to soon.
    pub fn is_lively(&self) -> bool {
        self.database_down_for().is_none_or(|down| down < LIVELY)
    }

    /// Whether storing log records has failed, for our own reasons, or succeeded.
    pub fn storing(&self, succeeded: bool) {
        *lock(&self.0.storing_failed_at) = (!succeeded).then(Instant::now);
    }

    /// Whether log records could not be stored the last time somebody tried, not long ago.
    pub fn storing_fails(&self) -> bool {
        lock(&self.0.storing_failed_at).is_some_and(|at| at.elapsed() < STORING_FAILURE)
    }

    /// How many lines of the log nobody took, so far.
    pub fn dropped_log_lines(&self, so_far: u64) {
        self.0.log_lines_dropped.store(so_far, Ordering::Relaxed);
    }

    /// Lines of the log that were dropped.
    pub fn log_lines_dropped(&self) -> u64 {
        self.0.log_lines_dropped.load(Ordering::Relaxed)
    }

    /// Log records whose activity lies in the future have been stored.
    pub fn stored_from_the_future(&self, count: u64) {
        self.0.future_records.fetch_add(count, Ordering::Relaxed);
    }

    /// Log records with an activity in the future that this process has stored.
    pub fn future_records(&self) -> u64 {
        self.0.future_records.load(Ordering::Relaxed)
    }

    /// For how many seconds the oldest record without a leaf has waited for it.
    pub fn waited_for_leaf(&self, seconds: u64) {
        self.0.leaf_waited_seconds.store(seconds, Ordering::Relaxed);
    }

    /// The same.
    pub fn leaf_waited_seconds(&self) -> u64 {
        self.0.leaf_waited_seconds.load(Ordering::Relaxed)
    }

    /// How far the change clock that is furthest ahead of the database's is ahead, in seconds.
    pub fn clocks_are_ahead(&self, seconds: u64) {
        self.0.clock_ahead_seconds.store(seconds, Ordering::Relaxed);
    }

    /// The same.
    pub fn clock_ahead_seconds(&self) -> u64 {
        self.0.clock_ahead_seconds.load(Ordering::Relaxed)
    }
}

fn lock<T>(part: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_stays_away_is_told_after_a_while() {
        let health = Health::default();
        health.database_is_down(true);
        assert!(health.is_lively());
        tokio::time::advance(LIVELY / 2).await;
        health.database_is_down(true);
        tokio::time::advance(LIVELY / 2).await;
        assert!(!health.is_lively(), "down since the first time");
        health.database_is_down(false);
        assert!(health.is_lively());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_to_store_stands_until_something_is_stored_or_for_a_while() {
        let health = Health::default();
        health.storing(false);
        assert!(health.storing_fails());
        health.storing(true);
        assert!(!health.storing_fails());
        health.storing(false);
        tokio::time::advance(STORING_FAILURE).await;
        assert!(!health.storing_fails(), "somebody may try again");
    }
}
