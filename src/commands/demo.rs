//! `sigill demo`: fills the empty tenant of a demonstration beside a running server.

use super::error::CommandError;
use super::settings::Settings;
use crate::app;
use crate::clock::Clock;
use crate::config::tenant::DEMO_TENANT;
use crate::config::trust::Profile;
use crate::demo::fill::Filled;
use crate::demo::region::Size;
use crate::store::log::writer::LogWriters;

/// Fill the empty tenant `demo` with a made-up region.
#[derive(Debug, clap::Args)]
pub struct DemoCommand {
    #[command(flatten)]
    settings: Settings,
    /// What everything follows from.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// small: 3 care providers, 4 000 patients, 400 000 records; region: ten times that.
    #[arg(long, default_value = "small", value_parser = ["small", "region"])]
    size: String,
}

impl DemoCommand {
    /// Fills it; `false`: it is not empty, and nothing was done.
    ///
    /// # Errors
    /// The store's, or that this is production.
    pub async fn run(self) -> Result<bool, CommandError> {
        let config = self.settings.load()?;
        if config.profile() == Profile::Production {
            return Err(CommandError::Request("a demonstration is not for production"));
        }
        let seal = app::seal_of_running(&config).await?;
        let owner = app::owner_of_running(&config).await?;
        let store = &seal.store;
        let (writers, writing) = LogWriters::start(store, config.log.writers)?;
        let tenant = store.tenant(DEMO_TENANT).await?;
        let size = if self.size == "region" { Size::REGION } else { Size::SMALL };
        let filled = Filled { store, owner: &owner, writers: &writers, tenant, name: DEMO_TENANT };
        let done = filled.fill(self.seed, size, Clock::System.now()).await?;
        drop(writing);
        if !done {
            eprintln!("the tenant {DEMO_TENANT} is not empty: nothing was done");
        }
        owner.close().await;
        store.close().await;
        Ok(done)
    }
}
