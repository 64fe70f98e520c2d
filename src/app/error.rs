//! Why the server did not start or end cleanly.

use super::database::DatabaseError;
use super::tenants::TenantsError;
use crate::keys::KeyError;
use crate::private_postgres::PrivatePostgresError;
use crate::procedures::seal::log_seal::SealError;
use crate::store::error::StoreError;
use crate::wire::stub::StubError;
use crate::wire::tls::snapshot::TlsError;
use std::net::SocketAddr;

/// Why the server did not start or end cleanly.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Where the database is.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The private `PostgreSQL`.
    #[error(transparent)]
    PrivatePostgres(#[from] PrivatePostgresError),
    /// The store.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The listener.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The seal of the log.
    #[error("{0}")]
    Seal(#[from] SealError),
    /// A tenant cannot be as configured.
    #[error("{0}")]
    Tenants(#[from] TenantsError),
    /// What is trusted over TLS.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// A file of certificates.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// A stub of a demonstration.
    #[error("{0}")]
    Stub(#[from] StubError),
    /// Threads.
    #[error("threads: {0}")]
    Threads(std::io::Error),
    /// Signals.
    #[error("signals: {0}")]
    Signals(std::io::Error),
}
