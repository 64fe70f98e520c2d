//! `sigill log prove`, `verify-proof` and `verify-archive`.

use super::say::say;
use crate::app::store_of_running;
use crate::commands::error::CommandError;
use crate::commands::settings::Settings;
use crate::domain::identity::RecordId;
use crate::procedures::people::extract_file::ExtractFile;
use crate::procedures::seal::proving::{Proved, prove};
use sigill_seal::names::VerifyingName;
use sigill_seal::words::{self, NotHeld};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// Write the proof that a record is in the log.
#[derive(Debug, clap::Args)]
pub struct ProveCommand {
    #[command(flatten)]
    settings: Settings,
    /// The record's id (logId).
    id: String,
    /// Where to; standard output when absent.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Verify the proof of a record, or the file of a patient's extract, without a database.
#[derive(Debug, clap::Args)]
pub struct VerifyProofCommand {
    /// The proof.
    file: PathBuf,
    /// The log's key (NAME+ID+KEY), from somebody you trust.
    #[arg(long, value_parser = vkey)]
    key: VerifyingName,
    /// A witness's key; can be given several times.
    #[arg(long, value_parser = vkey)]
    witness: Vec<VerifyingName>,
    /// How many witnesses must have signed; all that are given when absent.
    #[arg(long)]
    quorum: Option<usize>,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

/// Verify an archive, without a database.
#[derive(Debug, clap::Args)]
pub struct VerifyArchiveCommand {
    /// The folder.
    folder: PathBuf,
    /// The log's key (NAME+ID+KEY), from somebody you trust.
    #[arg(long, value_parser = vkey)]
    key: Option<VerifyingName>,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

fn vkey(text: &str) -> Result<VerifyingName, String> {
    VerifyingName::of_vkey(text).ok_or_else(|| "no verification key (NAME+ID+KEY)".to_owned())
}

impl ProveCommand {
    /// Proves; `false`: there is nothing to prove.
    ///
    /// # Errors
    /// The store's, or that the proof cannot be written.
    pub async fn run(self) -> Result<bool, CommandError> {
        let store = store_of_running(&self.settings.load()?).await?;
        let id = RecordId::new(&self.id).ok_or(CommandError::Request("the id is blank"))?;
        let proved = prove(&store, &id).await?;
        store.close().await;
        let why = match proved {
            Proved::Proof(proof) => {
                let text = proof.to_text();
                match &self.out {
                    Some(path) => std::fs::write(path, text)
                        .map_err(|error| CommandError::File(path.clone(), error))?,
                    None => say(text.trim_end()),
                }
                let checkpoint = proof.checkpoint.checkpoint();
                eprintln!(
                    "leaf {} of the {} that {} has signed",
                    proof.leaf, checkpoint.size, checkpoint.origin
                );
                return Ok(true);
            }
            Proved::NoSuchId => "no record has this id".to_owned(),
            Proved::Removed => {
                "the record was removed when its time was over: whoever kept it has its proof"
                    .to_owned()
            }
            Proved::NotYet => {
                "the record is not in a signed checkpoint yet: try again in some seconds".to_owned()
            }
            Proved::Changed(leaf) => {
                format!(
                    "CHANGED: leaf {leaf} is not what the record says: run sigill log verify --full"
                )
            }
        };
        eprintln!("{why}");
        Ok(false)
    }
}

impl VerifyProofCommand {
    /// Verifies; `false`: it does not hold.
    ///
    /// # Errors
    /// That it cannot be read.
    pub fn run(self) -> Result<bool, CommandError> {
        let text = std::fs::read_to_string(&self.file)
            .map_err(|error| CommandError::File(self.file.clone(), error))?;
        if ExtractFile::is_one(&text) {
            let held = ExtractFile::read(&text).and_then(|file| file.verify(&self.key));
            let held = held.map(|(code, records)| {
                format!("HOLDS: the rows give the code {code}, and the {records} records that they tell of lie in the log")
            });
            let held =
                held.map_err(|error| NotHeld { could_not_be_read: false, why: error.to_string() });
            return said(held, self.file, self.json);
        }
        let quorum = self.quorum.unwrap_or(self.witness.len());
        let held = words::proof(&self.file, &self.key, (&self.witness, quorum));
        said(held, self.file, self.json)
    }
}

impl VerifyArchiveCommand {
    /// Verifies; `false`: it does not hold.
    ///
    /// # Errors
    /// That it cannot be read.
    pub fn run(self) -> Result<bool, CommandError> {
        let shows = std::io::stderr().is_terminal();
        let held = words::archive(&self.folder, self.key.as_ref(), &mut |count| {
            if shows && count.is_multiple_of(1 << 16) {
                _ = write!(std::io::stderr(), "\r{count} looked at");
            }
        });
        if shows {
            eprintln!();
        }
        said(held, self.folder, self.json)
    }
}

fn said(held: Result<String, NotHeld>, path: PathBuf, json: bool) -> Result<bool, CommandError> {
    let (holds, text) = match held {
        Ok(text) => (true, text),
        Err(NotHeld { could_not_be_read: true, why }) => {
            return Err(CommandError::Broken(path, why));
        }
        Err(NotHeld { why, .. }) => (false, format!("DOES NOT HOLD: {why}")),
    };
    match json {
        true => say(serde_json::json!({ "holds": holds, "text": text })),
        false => say(text),
    }
    Ok(holds)
}
