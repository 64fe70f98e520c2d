//! The database that is served.

use crate::config::file::Config;
use crate::health::Health;
use crate::private_postgres::{PrivatePostgres, PrivatePostgresError};
use sqlx::postgres::PgConnectOptions;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The private `PostgreSQL`.
    #[error(transparent)]
    Private(#[from] PrivatePostgresError),
    /// `database.url` cannot be read.
    #[error("database.url: {0}")]
    Url(sqlx::Error),
}

/// The database that is served: one that somebody else runs, or our own.
pub(super) enum Database {
    Named(Box<PgConnectOptions>),
    Private(PrivatePostgres),
}

impl Database {
    pub async fn prepare(config: &Config) -> Result<Self, DatabaseError> {
        if let Some(url) = &config.database.url {
            let options = PgConnectOptions::from_str(url).map_err(DatabaseError::Url)?;
            return Ok(Self::Named(Box::new(options)));
        }
        let connections = config.database.connections;
        Ok(Self::Private(PrivatePostgres::prepare(&config.data.dir, connections).await?))
    }

    /// Where the files of our own are.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Named(_) => None,
            Self::Private(private) => Some(private.folder()),
        }
    }

    pub async fn start(&self) -> Result<PgConnectOptions, PrivatePostgresError> {
        match self {
            Self::Named(options) => Ok((**options).clone()),
            Self::Private(private) => {
                private.start().await?;
                Ok(private.options())
            }
        }
    }

    /// Keeps it running; done only when that cannot be done.
    pub async fn watch(&self, config: &Config, health: &Health) -> PrivatePostgresError {
        let Self::Private(private) = self else { return std::future::pending().await };
        let give_up = Duration::from_secs(config.data.restart_seconds);
        match private.watch(give_up, |down| health.database_is_down(down)).await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    }

    pub async fn stop(&self) -> Result<(), PrivatePostgresError> {
        match self {
            Self::Named(_) => Ok(()),
            Self::Private(private) => private.stop().await,
        }
    }

    pub async fn stop_at_once(&self) -> Result<(), PrivatePostgresError> {
        match self {
            Self::Named(_) => Ok(()),
            Self::Private(private) => private.stop_at_once().await,
        }
    }
}

/// Where the database is that `serve` uses, without starting anything.
///
/// # Errors
/// That it does not run.
pub(super) fn of_running(config: &Config) -> Result<PgConnectOptions, DatabaseError> {
    match &config.database.url {
        Some(url) => PgConnectOptions::from_str(url).map_err(DatabaseError::Url),
        None => Ok(PrivatePostgres::of_running(&config.data.dir)?),
    }
}
