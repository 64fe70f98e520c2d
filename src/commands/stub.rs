//! How a stub is served: the options that stubs share.

use super::error::CommandError;
use crate::app::trust;
use crate::clock::Clock;
use crate::config::file::Config;
use crate::config::trust::Trust;
use crate::dev_pki::DevPki;
use crate::stubs::serving::{Served, Stub};
use crate::telemetry;
use crate::wire::stub::ListeningStub;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// How a stub is served.
#[derive(Debug, clap::Args)]
pub struct StubOptions {
    /// Address and port to listen on: of loopback only. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Over TLS, with certificates for tests of this folder; they are made where they are not there.
    #[arg(long)]
    dev_pki: Option<PathBuf>,
}

impl StubOptions {
    /// Serves until the process is stopped.
    ///
    /// # Errors
    /// What kept it from starting.
    pub async fn serve(self, stub: impl Stub) -> Result<bool, CommandError> {
        let _log = telemetry::start();
        let listening = ListeningStub::at(self.listen)?;
        let tls = match &self.dev_pki {
            Some(folder) => {
                let trust = dev_trust(folder, Trust::default())?;
                trust::tls(&Config { trust, ..Config::default() }, Clock::System.now())?
            }
            None => None,
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{}/", listening.address());
        let serving = listening.serve(Served { stub, new_id: Uuid::new_v4 }, tls)?;
        tracing::info!(address, "serving a stub for tests");
        serving.await;
        Ok(true)
    }
}

/// Trust in the certificates for tests of a folder, which are made where they are not there.
///
/// # Errors
/// What cannot be made.
pub fn dev_trust(folder: &Path, trust: Trust) -> Result<Trust, CommandError> {
    let made = DevPki::at(folder);
    if !made.is_there() {
        made.make(Clock::System.now())?;
    }
    Ok(Trust {
        certificate_file: Some(made.file("server.pem")),
        key_file: Some(made.file("server.key")),
        client_ca_file: Some(made.file("function-ca.pem")),
        crl_dir: Some(made.file("crl")),
        ..trust
    })
}
