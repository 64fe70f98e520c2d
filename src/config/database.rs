//! Files of ours, and the database.

use super::values::bounded;
use serde::Deserialize;
use std::path::PathBuf;

/// Files of ours.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// The folder.
    pub dir: PathBuf,
    /// Bytes of free space there, up to 1 EiB, below which the server is not ready and gives no large
    /// answers; 0 is none. Only looked at where the database is private.
    #[serde(deserialize_with = "bounded::<_, 0, 1_152_921_504_606_846_976, _>")]
    pub free_bytes_low: u64,
    /// The same, below which nothing is stored any more: PostgreSQL needs some to go on.
    #[serde(deserialize_with = "bounded::<_, 0, 1_152_921_504_606_846_976, _>")]
    pub free_bytes_least: u64,
    /// Seconds, 1 to 86 400, for which the private database is started again when it ends by itself,
    /// before the server gives up.
    #[serde(deserialize_with = "bounded::<_, 1, 86_400, _>")]
    pub restart_seconds: u64,
}

/// The database.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://…`; when absent, a private `PostgreSQL` is started under the data folder.
    pub url: Option<String>,
    /// The same with the login of the tables' owner, which brings them to a version and makes months of the log; when
    /// absent, `url`.
    pub owner_url: Option<String>,
    /// The same with the login that removes what is old enough; when absent, `owner_url`.
    pub retention_url: Option<String>,
    /// Connections, 8 to 500: an eighth each for CheckBlocks, CheckConsent, other short reads, reads
    /// that may find much, small and large calls of StoreLog; one for readiness, the rest for
    /// everything else.
    #[serde(deserialize_with = "bounded::<_, 8, 500, _>")]
    pub connections: u32,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dir: "./var".into(),
            free_bytes_low: 1024 * 1024 * 1024,
            free_bytes_least: 128 * 1024 * 1024,
            restart_seconds: 600,
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, owner_url: None, retention_url: None, connections: 20 }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Addresses may hold passwords.
        let hidden = |url: &Option<String>| url.as_ref().map(|_| "…");
        f.debug_struct("Database")
            .field("url", &hidden(&self.url))
            .field("owner_url", &hidden(&self.owner_url))
            .field("retention_url", &hidden(&self.retention_url))
            .field("connections", &self.connections)
            .finish()
    }
}
