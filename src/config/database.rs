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
}

/// The database.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://…`; when absent, a private `PostgreSQL` is started under the data folder.
    pub url: Option<String>,
    /// Connections in the pool, 4 to 500.
    #[serde(deserialize_with = "bounded::<_, 4, 500, _>")]
    pub connections: u32,
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: "./var".into() }
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
