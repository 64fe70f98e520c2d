//! `sigill dev-persons`: a population service for tests.

use super::error::CommandError;
use super::stub::StubOptions;
use crate::stubs::persons::PersonsStub;
use std::path::PathBuf;

/// Be a population service (Personuppgiftstjänsten, GetPersonsForProfile 5.0) for tests, on this machine only.
#[derive(Debug, clap::Args)]
pub struct DevPersonsCommand {
    /// Persons and played failures (TOML), read again at each call; default: persons that stand in the program.
    file: Option<PathBuf>,
    #[command(flatten)]
    options: StubOptions,
}

impl DevPersonsCommand {
    /// Serves until the process is stopped.
    ///
    /// # Errors
    /// What kept it from starting.
    pub async fn run(self) -> Result<bool, CommandError> {
        let wrong = |why| CommandError::Broken(self.file.clone().unwrap_or_default(), why);
        let stub = PersonsStub::new(self.file.clone()).map_err(wrong)?;
        self.options.serve(stub).await
    }
}
