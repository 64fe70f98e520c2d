//! Sizes, counts and times.

use super::values::bounded;
use serde::Deserialize;
use std::time::Duration;

/// Sizes, counts and times.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one request's body, 64 KiB to 64 MiB.
    #[serde(deserialize_with = "bounded::<_, 65_536, 67_108_864, _>")]
    pub body_bytes_max: usize,
    /// Requests under way at one time, 1 to 10 000; one more gets a Server fault at once.
    #[serde(deserialize_with = "bounded::<_, 1, 10_000, _>")]
    pub requests_max: usize,
    /// Open connections, 1 to 100 000; one more waits until another closes.
    #[serde(deserialize_with = "bounded::<_, 1, 100_000, _>")]
    pub connections_max: usize,
    /// Seconds that a connection may take to send headers, or be idle, 1 to 3600.
    #[serde(deserialize_with = "bounded::<_, 1, 3600, _>")]
    pub header_timeout_seconds: u64,
    /// Seconds that a request's body may take, 1 to 3600.
    #[serde(deserialize_with = "bounded::<_, 1, 3600, _>")]
    pub body_timeout_seconds: u64,
    /// Seconds that an answer may take, 1 to 3600. Routers give up after 29 or 35.
    #[serde(deserialize_with = "bounded::<_, 1, 3600, _>")]
    pub answer_timeout_seconds: u64,
    /// Seconds that requests under way are given at the end, 1 to 3600.
    #[serde(deserialize_with = "bounded::<_, 1, 3600, _>")]
    pub drain_timeout_seconds: u64,
}

impl Limits {
    /// How long a connection may take to send headers.
    pub fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_timeout_seconds)
    }

    /// How long a body may take.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_seconds)
    }

    /// How long an answer may take.
    pub fn answer_timeout(&self) -> Duration {
        Duration::from_secs(self.answer_timeout_seconds)
    }

    /// How long requests under way are given at the end.
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.drain_timeout_seconds)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 16 * 1024 * 1024,
            requests_max: 128,
            connections_max: 1024,
            header_timeout_seconds: 120,
            body_timeout_seconds: 30,
            answer_timeout_seconds: 25,
            drain_timeout_seconds: 30,
        }
    }
}
