//! `sigill database`: the tables' version, and the roles that use them.

use super::error::CommandError;
use super::settings::Settings;
use crate::app::{apply_roles, owner_of_running};
use crate::store::roles;

/// The tables' version, and the roles that use them.
#[derive(Debug, clap::Subcommand)]
pub enum DatabaseCommand {
    /// Bring the tables to this program's version, as their owner (database.owner_url).
    Migrate {
        #[command(flatten)]
        settings: Settings,
    },
    /// Print the statements that make the roles: sigill_server, sigill_reports, sigill_retention.
    Roles {
        #[command(flatten)]
        settings: Settings,
        /// Carry them out, as the tables' owner.
        #[arg(long)]
        apply: bool,
    },
}

impl DatabaseCommand {
    /// Migrates, prints or carries out.
    ///
    /// # Errors
    /// The store's.
    pub async fn run(self) -> Result<bool, CommandError> {
        match self {
            Self::Migrate { settings } => {
                owner_of_running(&settings.load()?).await?.close().await;
            }
            Self::Roles { settings, apply: true } => apply_roles(&settings.load()?).await?,
            Self::Roles { apply: false, .. } => {
                for statement in roles::statements() {
                    println!("{statement};");
                }
            }
        }
        Ok(true)
    }
}
