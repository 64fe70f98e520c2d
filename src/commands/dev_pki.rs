//! `sigill dev-pki`: a hierarchy of certificates for tests.

use super::error::CommandError;
use crate::clock::Clock;
use crate::dev_pki::DevPki;
use std::path::PathBuf;

/// Make a hierarchy of certificates for tests.
#[derive(Debug, clap::Args)]
pub struct DevPkiCommand {
    /// The folder; what is in it is written anew.
    folder: PathBuf,
}

impl DevPkiCommand {
    /// Makes it.
    ///
    /// # Errors
    /// What cannot be made.
    pub fn run(self) -> Result<bool, CommandError> {
        let made = DevPki::at(&self.folder);
        made.make(Clock::System.now())?;
        println!("{}", made.file("README").display());
        Ok(true)
    }
}
