//! `sigill check-config`: what a configuration file means.

use super::error::CommandError;
use crate::app::error::AppError;
use crate::app::{check_database, trust};
use crate::clock::Clock;
use crate::config::file::Config;
use crate::wire::caller::Callers;
use crate::wire::tls::snapshot::TlsError;
use std::path::PathBuf;

/// Say what a configuration file means, without starting anything.
#[derive(Debug, clap::Args)]
pub struct CheckConfigCommand {
    /// Settings (TOML).
    file: PathBuf,
}

impl CheckConfigCommand {
    /// Prints what was understood.
    ///
    /// # Errors
    /// That it cannot be used.
    pub fn run(self) -> Result<bool, CommandError> {
        let config = Config::load(Some(&self.file))?;
        println!("{config:#?}");
        // What it names must be there, and fit.
        check_database(&config)?;
        let tls = trust::tls(&config, Clock::System.now()).map_err(AppError::from)?;
        let ended = tls.as_ref().and_then(|tls| tls.current().certificate_ends);
        if let Some(ended) = ended.filter(|ends| *ends < Clock::System.now()) {
            return Err(AppError::from(TlsError::Ended(ended)).into());
        }
        Callers::new(&config.trust, config.profile(), tls).map_err(AppError::from)?;
        Ok(true)
    }
}
