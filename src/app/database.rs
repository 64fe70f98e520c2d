//! The database that is served.

use crate::config::file::Config;
use crate::config::trust::Profile;
use crate::health::Health;
use crate::private_postgres::{PrivatePostgres, PrivatePostgresError};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::roles::SERVER;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The private `PostgreSQL`.
    #[error(transparent)]
    Private(#[from] PrivatePostgresError),
    /// Somebody could be between us and the database.
    #[error(
        "database.url: across a network it must have sslmode=verify-full (trust.profile = \"production\")"
    )]
    Unverified,
    /// `database.url` cannot be read.
    #[error("database.url: {0}")]
    Url(sqlx::Error),
}

/// How to connect, for what.
#[derive(Clone)]
pub(super) struct Logins {
    /// To serve callers.
    pub server: PgConnectOptions,
    /// To bring tables to a version, and to make new ones.
    pub owner: PgConnectOptions,
    /// To remove what is old enough.
    pub retention: PgConnectOptions,
}

impl Logins {
    /// Those that are configured; `None`: the database is our own.
    pub fn named(config: &Config) -> Result<Option<Self>, DatabaseError> {
        let is_strict = config.profile() == Profile::Production;
        let read = |url: &str| {
            let options = PgConnectOptions::from_str(url).map_err(DatabaseError::Url)?;
            // A socket, or this machine's own address: nobody is between.
            let host = options.get_host();
            let is_here = options.get_socket().is_some()
                || host.starts_with('/')
                || host == "localhost"
                || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
            let is_verified = matches!(options.get_ssl_mode(), PgSslMode::VerifyFull);
            match is_here || is_verified || !is_strict {
                true => Ok(options),
                false => Err(DatabaseError::Unverified),
            }
        };
        let Some(url) = &config.database.url else { return Ok(None) };
        let owner = config.database.owner_url.as_ref().unwrap_or(url);
        let retention = config.database.retention_url.as_ref().unwrap_or(owner);
        Ok(Some(Self { server: read(url)?, owner: read(owner)?, retention: read(retention)? }))
    }

    /// Those of our own database: nobody but us reaches it, and its roles are ours to make.
    fn private(owner: PgConnectOptions) -> Self {
        Self { server: owner.clone().username(SERVER), retention: owner.clone(), owner }
    }
}

/// Connections of the owner and of retention: what goes on beside the calls needs few.
const UPKEEP_CONNECTIONS: u32 = 8;

/// What goes on beside the calls: no caller's wish reaches it.
pub(super) struct Upkeep {
    /// Makes months of the log, and tables of its ids.
    pub owner: Store,
    /// Removes what is old enough.
    pub retention: Store,
}

impl Upkeep {
    /// Connects, and brings the tables to this program's version.
    pub async fn open(config: &Config, logins: &Logins) -> Result<Self, StoreError> {
        let open = async |login: &PgConnectOptions| {
            Store::open(login.clone(), UPKEEP_CONNECTIONS, config.limits.percentages()).await
        };
        let owner = open(&logins.owner).await?;
        let retention = match logins.retention.get_username() == logins.owner.get_username() {
            true => owner.clone(),
            false => open(&logins.retention).await?,
        };
        Ok(Self { owner, retention })
    }
}

/// The database that is served: one that somebody else runs, or our own.
pub(super) enum Database {
    Named(Box<Logins>),
    Private(PrivatePostgres),
}

impl Database {
    pub async fn prepare(config: &Config) -> Result<Self, DatabaseError> {
        if let Some(logins) = Logins::named(config)? {
            return Ok(Self::Named(Box::new(logins)));
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

    pub async fn start(&self) -> Result<Logins, PrivatePostgresError> {
        match self {
            Self::Named(logins) => Ok((**logins).clone()),
            Self::Private(private) => {
                private.start().await?;
                Ok(Logins::private(private.options()))
            }
        }
    }

    /// Whether it is our own.
    pub fn is_private(&self) -> bool {
        matches!(self, Self::Private(_))
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
pub(super) fn of_running(config: &Config) -> Result<Logins, DatabaseError> {
    match Logins::named(config)? {
        Some(logins) => Ok(logins),
        None => Ok(Logins::private(PrivatePostgres::of_running(&config.data.dir)?)),
    }
}
