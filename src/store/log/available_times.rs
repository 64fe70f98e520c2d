//! Of which time tenants had log records when that was last looked up.

use crate::domain::time::Timestamp;
use sqlx::FromRow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long it is taken to be as it was: the look-up costs more than most reports.
const KEPT: Duration = Duration::from_secs(10);

/// Times of the first and the last record that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromRow)]
pub struct Available {
    /// The first.
    pub first_at: Option<Timestamp>,
    /// The last.
    pub last_at: Option<Timestamp>,
}

impl Available {
    /// With records of these times.
    #[must_use]
    pub fn with(self, times: Option<(Timestamp, Timestamp)>) -> Self {
        let (first, last) = times.unzip();
        Self {
            first_at: self.first_at.into_iter().chain(first).min(),
            last_at: self.last_at.into_iter().chain(last).max(),
        }
    }
}

/// What was found last for each tenant, by number, and when.
#[derive(Debug, Default)]
pub struct AvailableTimes(Mutex<HashMap<i32, (Instant, Available)>>);

impl AvailableTimes {
    /// What was found for a tenant last, however long ago.
    pub fn last(&self, tenant: i32) -> Option<Available> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&tenant).map(|(_, available)| *available)
    }

    /// What was found for a tenant some seconds ago.
    pub fn known(&self, tenant: i32) -> Option<Available> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&tenant).filter(|(at, _)| at.elapsed() < KEPT).map(|(_, available)| *available)
    }

    /// What was found now.
    pub fn keep(&self, tenant: i32, available: Available) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(tenant, (Instant::now(), available));
    }
}
