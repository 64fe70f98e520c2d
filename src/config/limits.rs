//! Sizes, counts and times.

use super::values::bounded;
use crate::fairness::shares::Percentages;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Sizes, counts and times.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one request's body, 64 KiB to 64 MiB.
    #[serde(deserialize_with = "bounded::<_, 65_536, 67_108_864, _>")]
    pub body_bytes_max: usize,
    /// Calls under way at one time, 1 to 10 000; one more waits for its turn.
    #[serde(deserialize_with = "bounded::<_, 1, 10_000, _>")]
    pub requests_max: usize,
    /// Open connections, 1 to 100 000; one more takes the place of the one that has waited longest.
    #[serde(deserialize_with = "bounded::<_, 1, 100_000, _>")]
    pub connections_max: usize,
    /// Bytes of all bodies under way, 64 KiB to 64 GiB; beyond it a Server fault at once. The first
    /// 16 KiB of each are not counted.
    #[serde(deserialize_with = "bounded::<_, 65_536, 68_719_476_736, _>")]
    pub bodies_bytes_max: usize,
    /// Bytes of large answers that wait for their receivers, 1 MiB to 64 GiB; one more waits.
    #[serde(deserialize_with = "bounded::<_, 1_048_576, 68_719_476_736, _>")]
    pub answers_bytes_max: usize,
    /// Calls with large bodies (over 24 KiB) that are read and answered at one time, 1 to 256.
    #[serde(deserialize_with = "bounded::<_, 1, 256, _>")]
    pub large_calls_max: usize,
    /// Rows of one CheckBlocks, 1 to 1 000 000.
    #[serde(deserialize_with = "bounded::<_, 1, 1_000_000, _>")]
    pub check_blocks_rows_max: usize,
    /// What one address may hold of all connections, in percent, 1 to 100. Of everything else it may
    /// hold half of what others leave, and of bytes of bodies three quarters.
    #[serde(deserialize_with = "bounded::<_, 1, 100, _>")]
    pub share_percent: usize,
    /// The same of everything, for addresses with a share of their own, as that of the platform or of a
    /// proxy.
    #[serde(deserialize_with = "percentages")]
    pub share_percent_of: BTreeMap<IpAddr, usize>,
    /// Seconds that a TLS handshake may take, 1 to 3600.
    #[serde(deserialize_with = "bounded::<_, 1, 3600, _>")]
    pub handshake_timeout_seconds: u64,
    /// Seconds after which a TLS connection ends with its next answer, 1 to 86 400.
    #[serde(deserialize_with = "bounded::<_, 1, 86_400, _>")]
    pub connection_age_seconds: u64,
    /// Seconds that a connection may be idle, 1 to 3600.
    #[serde(deserialize_with = "bounded::<_, 1, 3600, _>")]
    pub idle_timeout_seconds: u64,
    /// Seconds that a request's head may take from its first byte, 1 to 3600.
    #[serde(deserialize_with = "bounded::<_, 1, 3600, _>")]
    pub header_timeout_seconds: u64,
    /// In so many seconds, 1 to 3600, a body must have come on and an answer been taken ...
    #[serde(deserialize_with = "bounded::<_, 1, 3600, _>")]
    pub stall_timeout_seconds: u64,
    /// ... by so many bytes a second, 1 to 1 000 000; otherwise the connection is cut.
    #[serde(deserialize_with = "bounded::<_, 1, 1_000_000, _>")]
    pub least_bytes_per_second: usize,
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

/// Percentages by address.
fn percentages<'de, D>(from: D) -> Result<BTreeMap<IpAddr, usize>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let table = BTreeMap::<IpAddr, usize>::deserialize(from)?;
    match table.values().all(|percent| (1..=100).contains(percent)) {
        true => Ok(table),
        false => Err(serde::de::Error::custom("must be 1 to 100 for each address")),
    }
}

impl Limits {
    /// What one address may hold.
    pub fn percentages(&self) -> Percentages {
        let own = self.share_percent_of.iter().map(|(peer, percent)| (*peer, *percent));
        Percentages::new(self.share_percent, own)
    }

    /// The limit that contradicts another, and why.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        if self.bodies_bytes_max < self.body_bytes_max {
            return Some("bodies_bytes_max: must be at least limits.body_bytes_max");
        }
        None
    }

    /// How long a TLS handshake may take.
    pub fn handshake_timeout(&self) -> Duration {
        Duration::from_secs(self.handshake_timeout_seconds)
    }

    /// After how long a TLS connection ends with its next answer.
    pub fn connection_age(&self) -> Duration {
        Duration::from_secs(self.connection_age_seconds)
    }

    /// How long a connection may be idle.
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.idle_timeout_seconds)
    }

    /// In which time a body or an answer must have come on.
    pub fn stall_timeout(&self) -> Duration {
        Duration::from_secs(self.stall_timeout_seconds)
    }

    /// By how many bytes.
    pub fn stall_bytes(&self) -> usize {
        let seconds = usize::try_from(self.stall_timeout_seconds).unwrap_or(usize::MAX);
        self.least_bytes_per_second.saturating_mul(seconds)
    }

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
            requests_max: 48,
            connections_max: 1024,
            bodies_bytes_max: 256 * 1024 * 1024,
            answers_bytes_max: 128 * 1024 * 1024,
            large_calls_max: 8,
            check_blocks_rows_max: 20_000,
            share_percent: 25,
            share_percent_of: BTreeMap::new(),
            handshake_timeout_seconds: 10,
            connection_age_seconds: 3600,
            idle_timeout_seconds: 120,
            header_timeout_seconds: 10,
            stall_timeout_seconds: 10,
            least_bytes_per_second: 512,
            body_timeout_seconds: 30,
            answer_timeout_seconds: 25,
            drain_timeout_seconds: 30,
        }
    }
}
