//! `sigill log export`.

use super::say::say;
use crate::app::store_of_running;
use crate::commands::error::CommandError;
use crate::commands::settings::Settings;
use crate::procedures::seal::exporting::export;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// Write an archive that outsiders can verify.
#[derive(Debug, clap::Args)]
pub struct ExportCommand {
    #[command(flatten)]
    settings: Settings,
    /// The folder, which is made.
    folder: PathBuf,
    /// Leave out what records say: only their commitments.
    #[arg(long)]
    without_records: bool,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

impl ExportCommand {
    /// Exports.
    ///
    /// # Errors
    /// The store's, or that the archive cannot be written.
    pub async fn run(self) -> Result<bool, CommandError> {
        let store = store_of_running(&self.settings.load()?).await?;
        let shows = std::io::stderr().is_terminal();
        let progress = move |step: &'static str, done: u64, of: u64| {
            if shows {
                _ = write!(std::io::stderr(), "\r{step}: {done} of {of}   ");
            }
        };
        let exported =
            export(&store, self.folder.clone(), !self.without_records, &progress).await?;
        store.close().await;
        if shows {
            eprintln!();
        }
        let (entries, records, notices) = (exported.entries, exported.records, exported.notices);
        match self.json {
            true => say(json!({ "entries": entries, "records": records, "notices": notices })),
            false => say(format!(
                "{}: {entries} entries, {records} records, {notices} notices; verify it with sigill-verify archive",
                self.folder.display()
            )),
        }
        Ok(true)
    }
}
