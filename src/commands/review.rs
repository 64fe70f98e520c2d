//! `sigill review verify-draw`: a draw is repeated by anybody, without a database.

use super::error::CommandError;
use crate::procedures::review::draw_file::{DrawFile, DrawNotHeld};
use clap::Subcommand;
use sigill_seal::names::VerifyingName;
use std::path::PathBuf;

/// The review of the log.
#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// Repeat a draw from its file, without a database: the day and the staff follow from what was sealed.
    VerifyDraw(VerifyDrawCommand),
}

/// Repeat a draw from its file.
#[derive(Debug, clap::Args)]
pub struct VerifyDrawCommand {
    /// The file, from the page of the draw.
    file: PathBuf,
    /// The log's key (NAME+ID+KEY), from somebody you trust.
    #[arg(long, value_parser = vkey)]
    key: VerifyingName,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

fn vkey(text: &str) -> Result<VerifyingName, String> {
    VerifyingName::of_vkey(text).ok_or_else(|| "no verification key (NAME+ID+KEY)".to_owned())
}

impl ReviewCommand {
    /// `false`: the draw does not hold.
    ///
    /// # Errors
    /// That it cannot be read.
    pub fn run(self) -> Result<bool, CommandError> {
        let Self::VerifyDraw(command) = self;
        let text = std::fs::read_to_string(&command.file)
            .map_err(|error| CommandError::File(command.file.clone(), error))?;
        let held = DrawFile::read(&text).and_then(|file| file.verify(&command.key));
        let (holds, says) = match held {
            Ok(says) => (true, format!("HOLDS: {says}")),
            Err(DrawNotHeld::NoDraw(why)) => return Err(CommandError::Broken(command.file, why)),
            Err(why) => (false, format!("DOES NOT HOLD: {why}")),
        };
        match command.json {
            true => println!("{}", serde_json::json!({ "holds": holds, "text": says })),
            false => println!("{says}"),
        }
        Ok(holds)
    }
}
