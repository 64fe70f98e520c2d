//! Proving that a record is in the log, to whoever has the log's key.

use super::log_seal::SealError;
use crate::domain::identity::RecordId;
use crate::store::database::Store;
use sigill_seal::entry::{Entry, Kind};
use sigill_seal::note::SignedCheckpoint;
use sigill_seal::proof::is_included;
use sigill_seal::proof_file::ProofFile;

/// What becomes of the wish for a proof.
#[derive(Debug)]
pub enum Proved {
    /// It is proved.
    Proof(Box<ProofFile>),
    /// No record has the id.
    NoSuchId,
    /// The record was removed.
    Removed,
    /// It has no leaf yet, or none that was signed.
    NotYet,
    /// What the record says is not what was sealed.
    Changed(u64),
}

/// The proof of a record, checked.
///
/// # Errors
/// The store's.
pub async fn prove(store: &Store, id: &RecordId) -> Result<Proved, SealError> {
    let Some(number) = store.number_of_id(id).await? else { return Ok(Proved::NoSuchId) };
    let Some(preimage) = store.sealed_record(number).await? else { return Ok(Proved::Removed) };
    let note = store.newest_checkpoint().await?;
    let Some(checkpoint) = note.and_then(|note| SignedCheckpoint::of_text(&note).ok()) else {
        return Ok(Proved::NotYet);
    };
    let (size, root) = (checkpoint.checkpoint().size, checkpoint.checkpoint().root);
    let Some((leaf, hashes)) = store.inclusion_of(number, size).await? else {
        return Ok(Proved::NotYet);
    };
    let hash = Entry::over(Kind::Record, &preimage).leaf_hash();
    if !is_included(&hashes, (size, root), (leaf, hash)) {
        return Ok(Proved::Changed(leaf));
    }
    let kind = Kind::Record;
    Ok(Proved::Proof(Box::new(ProofFile { kind, preimage, leaf, hashes, checkpoint })))
}
