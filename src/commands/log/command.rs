//! `sigill log`: which of its commands.

use super::export::ExportCommand;
use super::judge::JudgeCommand;
use super::keys::{ContinueCommand, KeysCommand, RotateKeyCommand};
use super::proofs::{ProveCommand, VerifyArchiveCommand, VerifyProofCommand};
use super::verify::{AcknowledgeCommand, FindingsCommand, VerifyCommand};
use crate::commands::error::CommandError;
use clap::Subcommand;

/// The seal of the log: verify it, prove records, export it, rotate its keys.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Verify that everything in the log is what was sealed.
    Verify(VerifyCommand),
    /// Write the proof that a record is in the log.
    Prove(ProveCommand),
    /// Verify a proof, without a database.
    VerifyProof(VerifyProofCommand),
    /// Verify an archive, without a database.
    VerifyArchive(VerifyArchiveCommand),
    /// Write an archive that outsiders can verify.
    Export(ExportCommand),
    /// Say what the registers tell of the ground of every access in a period.
    Judge(JudgeCommand),
    /// Print the keys with which the log's signatures are verified.
    Keys(KeysCommand),
    /// Give the log new keys.
    RotateKey(RotateKeyCommand),
    /// Go on after the database was rolled back, under another name and with other keys.
    Continue(ContinueCommand),
    /// List what has been found and not acknowledged.
    Findings(FindingsCommand),
    /// Acknowledge a finding: reports of its time are told again.
    Acknowledge(AcknowledgeCommand),
}

impl LogCommand {
    /// `false`: something is not as it should be.
    ///
    /// # Errors
    /// That it could not be asked.
    pub async fn run(self) -> Result<bool, CommandError> {
        match self {
            Self::Verify(command) => command.run().await,
            Self::Prove(command) => command.run().await,
            Self::VerifyProof(command) => command.run(),
            Self::VerifyArchive(command) => command.run(),
            Self::Export(command) => command.run().await,
            Self::Judge(command) => command.run().await,
            Self::Keys(command) => command.run().await,
            Self::RotateKey(command) => command.run().await,
            Self::Continue(command) => command.run().await,
            Self::Findings(command) => command.run().await,
            Self::Acknowledge(command) => command.run().await,
        }
    }
}
