//! Letting others witness our log: they are sent the newest checkpoint, and their signatures are added to it.

use super::following::distrust;
use super::log_seal::{LogSeal, SealError};
use crate::domain::time::Timestamp;
use crate::peers::witness::{RemoteWitness, WitnessReply};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sigill_seal::note::{SignatureLine, SignedCheckpoint};
use std::fmt::Write;

/// A witness may have seen another size than we knew, once.
const TRIES: usize = 2;

/// Sends the newest checkpoint to a witness that had `known` of the log; what it has seen now.
///
/// # Errors
/// The store's.
pub async fn send(
    seal: &LogSeal,
    witness: &RemoteWitness,
    mut known: u64,
    now: Timestamp,
) -> Result<u64, SealError> {
    let Some(note) = seal.store.newest_checkpoint().await? else { return Ok(known) };
    let Ok(mut checkpoint) = SignedCheckpoint::of_text(&note) else { return Ok(known) };
    let size = checkpoint.checkpoint().size;
    // What the witness has seen is asked once, also where it has signed this one: it may have seen more.
    if known == size && checkpoint.is_witnessed_by(witness.name()) {
        return Ok(known);
    }
    if known > size {
        rolled_back(seal, witness, (known, size), now).await?;
        return Ok(known);
    }
    for _ in 0..TRIES {
        let proof = match known {
            0 => Vec::new(),
            same if same == size => Vec::new(),
            before => seal.store.tree_since(Some((size, before))).await?.1.unwrap_or_default(),
        };
        let mut body = format!("old {known}\n");
        for hash in proof {
            _ = writeln!(body, "{}", STANDARD.encode(hash));
        }
        body += "\n";
        match witness.add_checkpoint(body + &note).await {
            Err(error) => {
                tracing::warn!(%error, witness = witness.name().name(), "a witness does not answer");
                return Ok(known);
            }
            Ok(WitnessReply::Signed(lines)) => {
                let lines: Vec<SignatureLine> =
                    lines.lines().filter_map(SignatureLine::of_line).collect();
                let text: String = lines.iter().map(SignatureLine::to_line).collect();
                for line in lines {
                    checkpoint.add(line);
                }
                if !checkpoint.is_witnessed_by(witness.name()) {
                    tracing::error!(
                        witness = witness.name().name(),
                        "a witness's signature is not its own"
                    );
                    return Ok(known);
                }
                let row = i64::try_from(size).unwrap_or(i64::MAX);
                seal.store.add_to_note(row, &text, now).await?;
                return Ok(size);
            }
            Ok(WitnessReply::Has(theirs)) if theirs > size => {
                rolled_back(seal, witness, (theirs, size), now).await?;
                return Ok(known);
            }
            Ok(WitnessReply::Has(theirs)) => known = theirs,
            Ok(WitnessReply::Refused(status)) => {
                let detail = format!(
                    "the witness {} refuses the checkpoint of {size} entries (status {status}): for it the log does not go on \
                     where it had ended",
                    witness.name().name()
                );
                if status == 422 {
                    seal.state().witness_says = Some(detail.clone());
                    distrust(seal, "fork", detail, now).await?;
                } else {
                    tracing::error!(detail, "not witnessed");
                }
                return Ok(known);
            }
        }
    }
    Ok(known)
}

/// The witness has seen more than there is.
async fn rolled_back(
    seal: &LogSeal,
    witness: &RemoteWitness,
    (theirs, size): (u64, u64),
    now: Timestamp,
) -> Result<(), SealError> {
    // Another server may have signed and sent more since this was read.
    let newest = seal.store.newest_checkpoint().await?;
    let newest = newest.and_then(|note| SignedCheckpoint::of_text(&note).ok());
    if newest.is_some_and(|newest| newest.checkpoint().size >= theirs) {
        return Ok(());
    }
    let detail = format!(
        "the witness {} has seen {theirs} entries signed, and the newest checkpoint here has {size}: the database is an older \
         state, as from a backup, and what came later is missing",
        witness.name().name()
    );
    seal.state().witness_says = Some(detail.clone());
    distrust(seal, "rolled back", detail, now).await
}
