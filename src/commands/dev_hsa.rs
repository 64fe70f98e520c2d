//! `sigill dev-hsa`: a national directory for tests.

use super::directory;
use super::error::CommandError;
use super::stub::StubOptions;
use crate::stubs::directory::DirectoryStub;
use crate::stubs::serving::{PlayedFault, Switches};
use std::path::PathBuf;

/// Be a national directory (HSA) for tests, on this machine only: GetCredentialsForPersonIncludingProtectedPerson 2.2 and
/// GetHealthCareUnit 2.0.
#[derive(Debug, clap::Args)]
pub struct DevHsaCommand {
    /// A directory, as `sigill import directory` takes it; default: the demonstration's.
    file: Option<PathBuf>,
    #[command(flatten)]
    options: StubOptions,
    /// Every answer waits so long.
    #[arg(long, default_value_t = 0)]
    delay_milliseconds: u64,
    /// Every call gets this fault.
    #[arg(long, value_parser = ["server", "unauthorised"])]
    fault: Option<String>,
    /// Every answer ends in its middle.
    #[arg(long)]
    cut: bool,
}

impl DevHsaCommand {
    /// Serves until the process is stopped.
    ///
    /// # Errors
    /// What kept it from starting.
    pub async fn run(self) -> Result<bool, CommandError> {
        let mut stub = match &self.file {
            Some(path) => {
                let directory = directory::read(path)?;
                DirectoryStub { directory, switches: Switches::default() }
            }
            None => DirectoryStub::of_demo(),
        };
        let fault = self.fault.as_deref().map(|fault| match fault {
            "server" => PlayedFault::Server,
            _ => PlayedFault::Unauthorised,
        });
        let delay_milliseconds = self.delay_milliseconds;
        stub.switches = Switches { delay_milliseconds, fault, cut: self.cut };
        self.options.serve(stub).await
    }
}
