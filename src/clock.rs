//! The clock as a part: the system's, or one that a test holds.

use chrono::{DateTime, SubsecRound, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// Tells the time.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A clock that stands still until it is set.
    Held(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The current time, in the microseconds that the store keeps.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Held(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}
