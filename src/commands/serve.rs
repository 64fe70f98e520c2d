//! `sigill serve`: the server.

use super::error::CommandError;
use super::settings::Settings;
use crate::app;
use crate::clock::Clock;
use crate::telemetry;
use std::net::SocketAddr;

/// Serve the contracts.
#[derive(Debug, clap::Args)]
pub struct ServeCommand {
    #[command(flatten)]
    settings: Settings,
    /// Address and port to listen on; default 127.0.0.1:8080.
    #[arg(long)]
    http: Option<SocketAddr>,
}

impl ServeCommand {
    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// What kept it from starting or from stopping cleanly.
    pub async fn run(self) -> Result<bool, CommandError> {
        let mut config = self.settings.load()?;
        config.http.listen = self.http.unwrap_or(config.http.listen);
        let log = telemetry::start();
        app::serve(config, Clock::System, log.dropped()).await?;
        Ok(true)
    }
}
