//! Where settings and data are: the options that most commands share.

use super::error::CommandError;
use crate::config::file::Config;
use crate::store::database::Store;
use crate::store::tenants::TenantId;
use std::path::PathBuf;

/// Where settings and data are.
#[derive(Debug, clap::Args)]
pub struct Settings {
    /// Settings (TOML).
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder for the private database; default ./var.
    #[arg(long)]
    data: Option<PathBuf>,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// That they cannot be used.
    pub fn load(self) -> Result<Config, CommandError> {
        let mut config = Config::load(self.config.as_deref())?;
        config.data.dir = self.data.unwrap_or(config.data.dir);
        Ok(config)
    }
}

/// The tenant of a name.
///
/// # Errors
/// That there is none, or the store's.
pub async fn tenant_named(store: &Store, name: &str) -> Result<TenantId, CommandError> {
    let tenants = store.tenants().await?;
    let found = tenants.iter().find(|(_, tenant)| tenant == name);
    found.map(|(id, _)| *id).ok_or(CommandError::Request("there is no tenant of that name"))
}
