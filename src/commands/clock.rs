//! `sigill clock`: change clocks that ran ahead of the database's own.

use super::error::CommandError;
use super::settings::Settings;
use crate::app::store_of_running;

/// Change clocks that ran ahead of the database's own.
#[derive(Debug, clap::Subcommand)]
pub enum ClockCommand {
    /// Say which are ahead, and how far; exits 1 if any is.
    Status(Settings),
    /// Bring those that are ahead, and what was stored by them, back to the present.
    Repair(Settings),
}

impl ClockCommand {
    /// Says, or repairs; `false` when a clock is ahead and stays so.
    ///
    /// # Errors
    /// The store's.
    pub async fn run(self) -> Result<bool, CommandError> {
        let (settings, repairs) = match self {
            Self::Status(settings) => (settings, false),
            Self::Repair(settings) => (settings, true),
        };
        let store = store_of_running(&settings.load()?).await?;
        let ahead = store.clocks_ahead().await?;
        if ahead.is_empty() {
            println!("no change clock is ahead of the database's");
        }
        for clock in &ahead {
            let (tenant, domain, seconds) = (&clock.tenant, clock.domain(), clock.seconds);
            print!("{tenant}: the clock of {domain} is {seconds} s ahead");
            if repairs {
                let rows = store.repair_clock(clock).await?;
                println!(
                    "; repaired, {rows} rows with it. Systems that follow {domain} of {tenant} must \
                     begin anew, without a cursor"
                );
            } else {
                println!();
            }
        }
        store.close().await;
        Ok(repairs || ahead.is_empty())
    }
}
