//! `sigill check-config`: what a configuration file means.

use super::error::CommandError;
use crate::config::file::Config;
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
        println!("{:#?}", Config::load(Some(&self.file))?);
        Ok(true)
    }
}
