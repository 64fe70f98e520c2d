//! Which command: the program's arguments.

use super::check_config::CheckConfigCommand;
use super::check_contracts::CheckContractsCommand;
use super::clock::ClockCommand;
use super::database::DatabaseCommand;
use super::demo::DemoCommand;
use super::dev_hsa::DevHsaCommand;
use super::dev_persons::DevPersonsCommand;
use super::dev_pki::DevPkiCommand;
use super::error::CommandError;
use super::grants::GrantsCommand;
use super::hold::HoldCommand;
use super::import::ImportCommand;
use super::log::command::LogCommand;
use super::replication::ReplicationCommand;
use super::retention::RetentionCommand;
use super::review::ReviewCommand;
use super::serve::ServeCommand;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The program's arguments.
#[derive(Parser)]
#[command(version, about = "Blocks, consents and the access log for the Swedish service platform")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the contracts.
    Serve(ServeCommand),
    /// Say what a configuration file means, without starting anything.
    CheckConfig(CheckConfigCommand),
    /// Replication of blocks to a national service elsewhere.
    #[command(subcommand)]
    Replication(ReplicationCommand),
    /// Take up copies from local systems, or the directory.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Remove what has been invalid for long enough.
    Retention(RetentionCommand),
    /// The tables' version, and the roles that use them.
    #[command(subcommand)]
    Database(DatabaseCommand),
    /// What callers may do: list, add, end, check.
    #[command(subcommand)]
    Grants(GrantsCommand),
    /// Legal holds: what must not be removed, however old.
    #[command(subcommand)]
    Hold(HoldCommand),
    /// The seal of the log: verify it, prove records, acknowledge findings.
    #[command(subcommand)]
    Log(LogCommand),
    /// The review of the log: repeat a draw.
    #[command(subcommand)]
    Review(ReviewCommand),
    /// Change clocks that ran ahead of the database's own.
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Make a hierarchy of certificates for tests.
    DevPki(DevPkiCommand),
    /// Be a population service (Personuppgiftstjänsten) for tests.
    #[command(alias = "dev-person")]
    DevPersons(DevPersonsCommand),
    /// Be a national directory (HSA) for tests.
    DevHsa(DevHsaCommand),
    /// Fill an empty tenant with a made-up region.
    Demo(DemoCommand),
    /// Compare our schemas and WSDLs with the official package in a folder.
    CheckContracts(CheckContractsCommand),
}

impl Arguments {
    /// Runs the command to its end: 0 when all went well, 1 when what it looked at is not as it
    /// should be, or when it failed, which is said on standard error; `sigill log` that failed is 2: nothing is said of the log.
    pub fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime,
            Err(error) => return failed(&CommandError::Input(error)),
        };
        let command = self.command;
        let asks = matches!(command, Command::Log(_) | Command::Review(_));
        match runtime.block_on(command.run()) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) if asks => {
                failed(&error);
                ExitCode::from(2)
            }
            Err(error) => failed(&error),
        }
    }
}

impl Command {
    /// `false` is failure without an error.
    async fn run(self) -> Result<bool, CommandError> {
        match self {
            Self::Serve(command) => Box::pin(command.run()).await,
            Self::CheckConfig(command) => command.run(),
            Self::Replication(command) => command.run().await,
            Self::Import(command) => command.run().await,
            Self::Retention(command) => command.run().await,
            Self::Database(command) => command.run().await,
            Self::Grants(command) => command.run().await,
            Self::Hold(command) => command.run().await,
            Self::Log(command) => command.run().await,
            Self::Review(command) => command.run(),
            Self::Clock(command) => command.run().await,
            Self::DevPki(command) => command.run(),
            Self::DevPersons(command) => command.run().await,
            Self::DevHsa(command) => command.run().await,
            Self::Demo(command) => command.run().await,
            Self::CheckContracts(command) => command.run(),
        }
    }
}

fn failed(error: &CommandError) -> ExitCode {
    eprintln!("sigill: {error}");
    ExitCode::FAILURE
}
