//! `sigill retention`: removes what is due, or says what is.

use super::error::CommandError;
use super::settings::Settings;
use crate::app::retention::policy;
use crate::app::{retention_of_running, store_of_running};
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::procedures::retention::{Round, due};

/// Remove what has been invalid for long enough.
#[derive(Debug, clap::Args)]
pub struct RetentionCommand {
    #[command(flatten)]
    settings: Settings,
    /// Only say what is due.
    #[arg(long)]
    dry_run: bool,
    /// Say what will be due at a time (for example 2036-12-24T00:00:00Z).
    #[arg(long, requires = "dry_run")]
    at: Option<Timestamp>,
}

impl RetentionCommand {
    /// Removes, or says what is due; `false` when something due could not be removed.
    ///
    /// # Errors
    /// The store's.
    pub async fn run(self) -> Result<bool, CommandError> {
        let config = self.settings.load()?;
        let policies = policy(&config);
        let store = match self.dry_run {
            true => store_of_running(&config).await?,
            false => retention_of_running(&config).await?,
        };
        let now = self.at.unwrap_or_else(|| Clock::System.now());
        let whole = match self.dry_run {
            true => {
                for (kind, tenant, due) in due(&store, &policies, now).await? {
                    if due.is_empty() {
                        println!("{tenant}: no {kind} is due");
                    }
                    for due in due {
                        println!(
                            "{tenant}: {} {kind} of {} due, the oldest invalid since {}, {} held",
                            due.count,
                            due.care_provider_id,
                            due.oldest_since.format("%Y-%m-%d"),
                            due.held,
                        );
                    }
                }
                true
            }
            false => remove(Round::begin(&store, &policies, now).await?).await,
        };
        store.close().await;
        Ok(whole)
    }
}

async fn remove(mut round: Round<'_>) -> bool {
    while round.step().await {}
    let mut whole = true;
    for removed in round.end() {
        println!("{}: {} {} removed", removed.tenant, removed.count, removed.kind);
        if let Some(error) = removed.error {
            eprintln!("{}: {error}", removed.tenant);
            whole = false;
        }
    }
    whole
}
