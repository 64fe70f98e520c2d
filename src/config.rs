//! Settings: one struct a concern, every field bounded and safe when absent.
//!
//! The file is TOML; unknown keys are refused. `testdata/config/full.toml` is the
//! documentation and is parsed by a test.

mod retention;
mod tenant;

pub use retention::Retention;
pub use tenant::{BlockLevel, Replication, Tenant};

use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The whole configuration.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where files of ours are kept, and the private database.
    pub data: Data,
    /// The HTTP listener.
    pub http: Http,
    /// The database.
    pub database: Database,
    /// Sizes, counts and times.
    pub limits: Limits,
    /// Whose data is kept; none is one tenant that answers every logical address.
    pub tenant: Vec<Tenant>,
    /// Blocks.
    pub blocking: Blocking,
    /// Consents.
    pub consent: Consent,
    /// The access log.
    pub log: Log,
    /// What is removed after how long.
    pub retention: Retention,
}

/// Files of ours.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// The folder.
    pub dir: PathBuf,
}

/// The HTTP listener.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port.
    pub listen: SocketAddr,
}

/// The database.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://…`; when absent, a private `PostgreSQL` is started under the data folder.
    pub url: Option<String>,
    /// Connections in the pool, 4 to 500.
    pub connections: u32,
}

/// Sizes, counts and times.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one request's body, 64 KiB to 64 MiB.
    pub body_bytes_max: usize,
    /// Requests under way at one time, 1 to 10 000; one more gets a Server fault at once.
    pub requests_max: usize,
    /// Open connections, 1 to 100 000; one more waits until another closes.
    pub connections_max: usize,
    /// Seconds that a connection may take to send headers, or be idle, 1 to 3600.
    pub header_timeout_seconds: u64,
    /// Seconds that a request's body may take, 1 to 3600.
    pub body_timeout_seconds: u64,
    /// Seconds that an answer may take, 1 to 3600. Routers give up after 29 or 35.
    pub answer_timeout_seconds: u64,
    /// Seconds that requests under way are given at the end, 1 to 3600.
    pub drain_timeout_seconds: u64,
}

/// How blocks may be lifted for a time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Blocking {
    /// Days that a temporary revoke may last from when it is registered, 0 to 36 500; 0 is
    /// without limit.
    pub longest_temporary_revoke_days: u32,
    /// Whether outer blocks may be lifted for a time.
    pub lift_outer_blocks: bool,
    /// Care providers (HSA-id) that want it otherwise.
    pub care_provider: BTreeMap<String, BlockingOfProvider>,
}

/// What one care provider wants otherwise.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlockingOfProvider {
    /// Instead of the general number of days.
    pub longest_temporary_revoke_days: Option<u32>,
    /// Instead of the general rule.
    pub lift_outer_blocks: Option<bool>,
}

/// Consents.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consent {
    /// Assertions in a page of GetConsentsForCareProvider, 1 to 100 000; those stored within one
    /// second are never split.
    pub page_rows: usize,
    /// HSA-ids of the systems that may act for patients; when absent, whatever calls from this
    /// machine may.
    pub citizen_services: Option<Vec<String>>,
}

/// The access log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// What happens when a log id comes again.
    pub repeated_log_id: RepeatedLogId,
    /// Transactions that store log records at one time, 1 to 16.
    pub writers: usize,
}

/// What happens when a log id comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatedLogId {
    /// The call is refused.
    #[default]
    Refuse,
    /// Identical records are accepted and not stored again.
    AcceptIdentical,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key or value that is not ours.
    #[error("{path}: {source}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// A tenant that no call could reach, or that two could be meant.
    #[error("tenant {name}: {what}")]
    Tenant {
        /// Its name.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A number is outside its bounds.
    #[error("{key} must be {min} to {max}, not {value}")]
    OutOfBounds {
        /// The setting.
        key: &'static str,
        /// Least value.
        min: u64,
        /// Greatest value.
        max: u64,
        /// What was given.
        value: u64,
    },
}

impl Config {
    /// Reads a file, or takes every default without one.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key, a value out of bounds.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let config = match path {
            None => Self::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
                toml::from_str(&text).map_err(|source| ConfigError::Invalid {
                    path: path.into(),
                    source: Box::new(source),
                })?
            }
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let days = self.blocking.longest_temporary_revoke_days;
        let of_providers = self.blocking.care_provider.values();
        let own_days = of_providers.filter_map(|p| p.longest_temporary_revoke_days).max();
        for (key, value, min, max) in [
            ("blocking.longest_temporary_revoke_days", u64::from(days), 0, 36_500),
            (
                "blocking.care_provider.….longest_temporary_revoke_days",
                u64::from(own_days.unwrap_or(0)),
                0,
                36_500,
            ),
            ("database.connections", u64::from(self.database.connections), 4, 500),
            ("limits.body_bytes_max", count(limits.body_bytes_max), 65_536, 67_108_864),
            ("limits.requests_max", count(limits.requests_max), 1, 10_000),
            ("limits.connections_max", count(limits.connections_max), 1, 100_000),
            ("limits.header_timeout_seconds", limits.header_timeout_seconds, 1, 3600),
            ("limits.body_timeout_seconds", limits.body_timeout_seconds, 1, 3600),
            ("limits.answer_timeout_seconds", limits.answer_timeout_seconds, 1, 3600),
            ("limits.drain_timeout_seconds", limits.drain_timeout_seconds, 1, 3600),
            ("consent.page_rows", count(self.consent.page_rows), 1, 100_000),
            ("log.writers", count(self.log.writers), 1, 16),
        ] {
            if !(min..=max).contains(&value) {
                return Err(ConfigError::OutOfBounds { key, min, max, value });
            }
        }
        retention::check(&self.retention)?;
        tenant::check(&self.tenant)
    }
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

impl Default for Data {
    fn default() -> Self {
        Self { dir: "./var".into() }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, connections: 8 }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        let url = self.url.as_ref().map(|_| "…");
        f.debug_struct("Database")
            .field("url", &url)
            .field("connections", &self.connections)
            .finish()
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

impl Default for Blocking {
    fn default() -> Self {
        Self {
            longest_temporary_revoke_days: 7,
            lift_outer_blocks: true,
            care_provider: BTreeMap::new(),
        }
    }
}

impl Default for Consent {
    fn default() -> Self {
        Self { page_rows: 10_000, citizen_services: None }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { repeated_log_id: RepeatedLogId::Refuse, writers: 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_holds_every_default() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/config/full.toml"));
        let mut config = Config::load(Some(path)).unwrap();
        assert!(config.database.url.take().is_some(), "the file shows how a database is named");
        let tenants = std::mem::take(&mut config.tenant);
        assert_eq!(tenants[0].name, "region-exempel");
        // Every setting of replication is shown, and those with a default show it.
        let shown = tenants[0].replication.clone().unwrap();
        let least =
            toml::from_str::<Replication>("url = 'https://platform.example.org/vp'").unwrap();
        assert!(shown.ca_file.is_some() && shown.certificate_file.is_some());
        assert!(shown.key_file.is_some() && shown.consumer_id.is_some());
        let Replication { ca_file, certificate_file, key_file, consumer_id, .. } = shown.clone();
        let least = Replication { ca_file, certificate_file, key_file, consumer_id, ..least };
        assert_eq!(shown, least);
        let own = std::mem::take(&mut config.blocking.care_provider);
        assert_eq!(own["SE2321000016-VG01"].lift_outer_blocks, Some(false));
        let longer = std::mem::take(&mut config.retention.consents.care_provider);
        assert_eq!(longer["SE2321000016-VG01"].years, 15);
        let citizen_services = config.consent.citizen_services.take();
        assert!(citizen_services.is_some(), "the file shows how they are named");
        assert_eq!(config, Config::default());
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = toml::from_str::<Config>("[http]\nport = 80\n").unwrap_err();
        assert!(error.to_string().contains("port"), "{error}");
    }

    #[test]
    fn values_out_of_bounds_are_refused() {
        let mut config = Config::default();
        config.log.writers = 17;
        assert_eq!(config.check().unwrap_err().to_string(), "log.writers must be 1 to 16, not 17");
    }
}
