//! `sigill check-contracts`: our schemas and WSDLs against the official package.

use super::error::CommandError;
use crate::check_contracts;
use std::path::PathBuf;

/// Compare our schemas and WSDLs with the official package in a folder.
#[derive(Debug, clap::Args)]
pub struct CheckContractsCommand {
    /// The folder; files are matched by target namespace.
    dir: PathBuf,
}

impl CheckContractsCommand {
    /// Prints the differences; `false` when there are any.
    ///
    /// # Errors
    /// That the folder cannot be read.
    pub fn run(self) -> Result<bool, CommandError> {
        let report = check_contracts::run(&self.dir)?;
        print!("{report}");
        Ok(report.agrees())
    }
}
