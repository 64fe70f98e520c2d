//! Signing: a size of the tree that is committed, and goes on where what this process saw last ended, gets its note.

use super::following::distrust;
use super::identity;
use super::log_seal::{LogSeal, SealError};
use crate::domain::time::Timestamp;
use chrono::TimeDelta;
use sigill_seal::Hash;
use sigill_seal::keys::LogKeys;
use sigill_seal::note::{Checkpoint, SignedCheckpoint};
use sigill_seal::proof::is_consistent;

/// How long the keys of before a rotation sign beside the new ones.
const BOTH_KEYS_DAYS: i64 = 30;

/// Signs the newest size that is not signed and old enough; whether one was.
///
/// # Errors
/// The store's, or that it must not be signed.
pub async fn sign(seal: &LogSeal, now: Timestamp) -> Result<bool, SealError> {
    let Some((keys, previous)) = seal.keys() else { return Ok(false) };
    let Some(signing_keys) = &keys.signing else { return Ok(false) };
    let after = TimeDelta::from_std(seal.settings.sign_after).unwrap_or_default();
    let Some(mut signing) = seal.store.begin_signing(now - after).await? else { return Ok(false) };
    let size = u64::try_from(signing.unsigned.size).unwrap_or_default();
    let root: Hash = signing.unsigned.root.clone().try_into().unwrap_or_default();
    let anchor = seal.anchor();
    if let Some(anchor) = &anchor {
        let before = anchor.checkpoint();
        let proof = signing.since(before.size).await?;
        if !is_consistent(&proof.unwrap_or_default(), (size, root), (before.size, before.root)) {
            drop(signing);
            let what = "fork";
            let detail = format!(
                "the tree of {size} entries does not go on where the checkpoint of {} ended that this server has seen: it \
                 is not signed",
                before.size
            );
            distrust(seal, what, detail, now).await?;
            return Ok(false);
        }
    }
    // And the tree of now, which nobody makes without the intake key, must go on from it.
    let (now_size, now_root) = (signing.view.size(), signing.view.root);
    let proof = signing.until_now().await?.unwrap_or_default();
    let is_ours = signing.view.is_made_by(&seal.intake);
    if !is_ours || !is_consistent(&proof, (now_size, now_root), (size, root)) {
        drop(signing);
        let detail = format!(
            "the tree, or its root of {size} entries, was not made by a process with the intake key: it is not signed"
        );
        distrust(seal, "tree", detail, now).await?;
        return Ok(false);
    }
    let identities = seal.state().identities.clone();
    let last = signing.last_note.as_deref().map(SignedCheckpoint::of_text);
    let last = last.and_then(Result::ok).and_then(|last| identity::time_of(&identities, &last));
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default().max(last.unwrap_or_default());
    let checkpoint = Checkpoint { origin: signing_keys.origin.clone(), size, root };
    let mut signed = SignedCheckpoint::sign(checkpoint, signing_keys, seconds);
    if let Some(previous) = previous.filter(|previous| signs_still(seal, &keys, previous, now))
        && let Some(previous) = &previous.signing
    {
        signed.add_lines_of(previous, seconds);
    }
    signing.signed(&signed.to_text(), now).await?;
    Ok(true)
}

/// Signs the newest checkpoint with the operator's own key, where there is one and none of this hour has been.
///
/// # Errors
/// The store's, or that the key does not sign.
pub async fn sign_as_operator(seal: &LogSeal) -> Result<(), SealError> {
    let Some(signer) = &seal.settings.cms else { return Ok(()) };
    let Some(row) = seal.store.without_operators_signature().await? else { return Ok(()) };
    let note = row.note.as_deref().and_then(|note| SignedCheckpoint::of_text(note).ok());
    let Some(checkpoint) = note else { return Ok(()) };
    let signature = signer.sign(checkpoint.checkpoint().body().as_bytes())?;
    Ok(seal.store.keep_operators_signature(row.size, &signature).await?)
}

/// Whether the keys of before sign too: of the same log, and not for long any more.
fn signs_still(seal: &LogSeal, keys: &LogKeys, previous: &LogKeys, now: Timestamp) -> bool {
    let origin = |keys: &LogKeys| keys.signing.as_ref().map(|signing| signing.origin.clone());
    let rotated_at = seal.state().rotated_at;
    origin(keys) == origin(previous)
        && rotated_at.is_some_and(|at| now - at < TimeDelta::days(BOTH_KEYS_DAYS))
}
