//! `sigill log keys`, `rotate-key` and `continue`.

use super::say::say;
use crate::app::{seal, store_of_running};
use crate::clock::Clock;
use crate::commands::error::CommandError;
use crate::commands::settings::Settings;
use crate::procedures::seal::identity::{KINDS, SealIdentity};
use crate::procedures::seal::rotating::{go_on, rotate};
use serde_json::json;
use sigill_seal::names::VerifyingName;

/// Print the keys with which the log's signatures are verified.
#[derive(Debug, clap::Args)]
pub struct KeysCommand {
    #[command(flatten)]
    settings: Settings,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

/// Give the log new keys; servers that run take them up by themselves. Those of before sign beside them for 30 days.
#[derive(Debug, clap::Args)]
pub struct RotateKeyCommand {
    #[command(flatten)]
    settings: Settings,
    /// Nobody has the present keys: the new ones alone sign from now on. Tell everybody who verifies the log.
    #[arg(long)]
    lost: bool,
}

/// Go on after the database was rolled back, under another name and with other keys.
#[derive(Debug, clap::Args)]
pub struct ContinueCommand {
    #[command(flatten)]
    settings: Settings,
    /// What has happened; it is sealed, and without personal data.
    #[arg(long)]
    reason: String,
    /// Also where nothing has been found.
    #[arg(long)]
    force: bool,
}

impl KeysCommand {
    /// Prints them, those in use last; `false`: there are none yet.
    ///
    /// # Errors
    /// The store's.
    pub async fn run(self) -> Result<bool, CommandError> {
        let config = self.settings.load()?;
        let store = store_of_running(&config).await?;
        let identities = SealIdentity::all(&store.notices(&KINDS).await?);
        store.close().await;
        for identity in &identities {
            let names: Vec<String> = identity.names.iter().map(VerifyingName::to_vkey).collect();
            match self.json {
                true => say(json!({ "origin": identity.origin, "keys": names })),
                false => say(names.join("\n")),
            }
        }
        if let Some(witness) = seal::witness(&config)? {
            let key = witness.verifying().to_vkey();
            match self.json {
                true => say(json!({ "witness": key })),
                false => say(format!("as a witness of others: {key}")),
            }
        }
        Ok(!identities.is_empty())
    }
}

impl RotateKeyCommand {
    /// Rotates.
    ///
    /// # Errors
    /// The store's, or that keys cannot be kept.
    pub async fn run(self) -> Result<bool, CommandError> {
        let config = self.settings.load()?;
        let store = store_of_running(&config).await?;
        let now = Clock::System.now();
        let identity = rotate(&store, &seal::settings(&config), self.lost, now).await?;
        store.close().await;
        print(&identity);
        eprintln!(
            "copy the key file to every server of this database, and give these keys to whoever verifies the log"
        );
        Ok(true)
    }
}

impl ContinueCommand {
    /// Goes on.
    ///
    /// # Errors
    /// The store's, or that keys cannot be kept.
    pub async fn run(self) -> Result<bool, CommandError> {
        if self.reason.trim().is_empty() {
            return Err(CommandError::Request("the reason is blank"));
        }
        let config = self.settings.load()?;
        let store = store_of_running(&config).await?;
        let now = Clock::System.now();
        let identity =
            go_on(&store, &seal::settings(&config), (&self.reason, self.force), now).await?;
        store.close().await;
        print(&identity);
        eprintln!(
            "copy the key file to every server of this database, and give these keys to whoever verifies the log"
        );
        Ok(true)
    }
}

fn print(identity: &SealIdentity) {
    for name in &identity.names {
        say(name.to_vkey());
    }
}
