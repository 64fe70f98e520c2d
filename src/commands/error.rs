//! Why a command could not be carried out.

use crate::app::error::AppError;
use crate::app::tenants::TenantsError;
use crate::check_contracts::CheckError;
use crate::config::file::ConfigError;
use crate::dev_pki::DevPkiError;
use crate::peers::connection::PeerSettingsError;
use crate::procedures::blocking::resync::ResyncError;
use crate::procedures::consent::import::ProducerError;
use crate::procedures::seal::log_seal::SealError;
use crate::store::error::StoreError;
use crate::wire::stub::StubError;
use crate::wire::tls::snapshot::TlsError;
use std::path::PathBuf;

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The server, or the database that it uses.
    #[error(transparent)]
    App(#[from] AppError),
    /// The seal of the log.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A tenant cannot be as configured.
    #[error(transparent)]
    Tenants(#[from] TenantsError),
    /// Another service cannot be called as asked for.
    #[error(transparent)]
    Peer(#[from] PeerSettingsError),
    /// Local and national service could not be compared.
    #[error(transparent)]
    Resync(#[from] ResyncError),
    /// Another producer could not be read.
    #[error(transparent)]
    Producer(#[from] ProducerError),
    /// A file that cannot be read.
    #[error("cannot read {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A file that is not what it should be.
    #[error("{0}: {1}")]
    Broken(PathBuf, String),
    /// Standard input, or the system.
    #[error("{0}")]
    Input(#[from] std::io::Error),
    /// Certificates for tests cannot be made.
    #[error(transparent)]
    DevPki(#[from] DevPkiError),
    /// A stub cannot be served.
    #[error(transparent)]
    Stub(#[from] StubError),
    /// What TLS is made of.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A grant cannot be read.
    #[error("{0}")]
    Grant(String),
    /// It asks for what cannot be.
    #[error("{0}")]
    Request(&'static str),
    /// The official package cannot be read.
    #[error(transparent)]
    Contracts(#[from] CheckError),
}
