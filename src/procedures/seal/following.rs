//! Following: every server process checks each new checkpoint against the last one that it saw, so a database that was
//! rolled back or goes two ways is seen.

use super::identity::{self, KINDS, SealIdentity};
use super::log_seal::{LogSeal, SealError};
use super::opening::keys_here;
use crate::domain::time::Timestamp;
use crate::store::log::seal::findings::NewFinding;
use sigill_seal::note::SignedCheckpoint;
use sigill_seal::proof::is_consistent;

/// Checks the newest checkpoint against the anchor, and moves that; whether the database can be trusted.
///
/// # Errors
/// The store's, or that the anchor cannot be kept.
pub async fn follow(seal: &LogSeal, now: Timestamp) -> Result<bool, SealError> {
    read_identities(seal).await?;
    let anchor = match seal.anchor() {
        Some(anchor) => Some(anchor),
        None => kept_anchor(seal).await?,
    };
    let anchor = match anchor {
        Some(anchor) if goes_on_otherwise(seal, &anchor) => {
            let size = anchor.checkpoint().size;
            seal.on_disk(move |folder| folder.retire_anchor(size)).await?;
            let mut state = seal.state();
            (state.anchor, state.distrusted, state.witness_says) = (None, None, None);
            None
        }
        anchor => anchor,
    };
    if seal.state().witness_says.is_some() {
        return Ok(false);
    }
    let newest = seal.store.newest_checkpoint().await?;
    let Some(anchor) = anchor else { return first(seal, newest, now).await };
    let before = (anchor.checkpoint().size, anchor.checkpoint().root);
    let newest = match newest {
        Some(newest) => checked(seal, &newest, now).await?.map(Some),
        None => Some(None),
    };
    let Some(newest) = newest else { return Ok(false) };
    let found = newest.as_ref().map_or(0, |newest| newest.checkpoint().size);
    if let Some(newest) = &newest
        && newest.checkpoint().origin != anchor.checkpoint().origin
    {
        return other_name(seal, &anchor, newest, now).await;
    }
    let sizes = (found > before.0).then_some((found, before.0));
    let (view, proof) = seal.store.tree_since(sizes).await?;
    if view.size() < before.0 || found < before.0 {
        let detail = format!(
            "the database has {} entries, {found} of them signed, and this server has seen {} signed: it is an older state, as \
             from a backup, and what came later is missing",
            view.size(),
            before.0
        );
        distrust(seal, "rolled back", detail, now).await?;
        return Ok(false);
    }
    let Some(newest) = newest else { return Ok(true) };
    let whole = (found, newest.checkpoint().root);
    if !is_consistent(&proof.unwrap_or_default(), whole, before) {
        let detail = format!(
            "the checkpoint of {found} entries does not go on where that of {} ended that this server has seen: the log was \
             changed before that, or goes two ways",
            before.0
        );
        distrust(seal, "fork", detail, now).await?;
        return Ok(false);
    }
    if found > before.0 {
        move_anchor(seal, newest).await?;
    }
    seal.state().distrusted = None;
    Ok(true)
}

/// Without an anchor the first checkpoint that is found is trusted.
async fn first(seal: &LogSeal, newest: Option<String>, now: Timestamp) -> Result<bool, SealError> {
    let Some(newest) = newest else { return Ok(true) };
    let Some(first) = checked(seal, &newest, now).await? else { return Ok(false) };
    if goes_on_otherwise(seal, &first) {
        // Nothing has been signed under the log's new name.
        return Ok(true);
    }
    tracing::warn!(
        size = first.checkpoint().size,
        "no anchor yet: the first checkpoint of the log that was found is trusted"
    );
    move_anchor(seal, first).await?;
    Ok(true)
}

/// Whether the log goes on under another name than a checkpoint's, and this server was given the keys of that.
fn goes_on_otherwise(seal: &LogSeal, checkpoint: &SignedCheckpoint) -> bool {
    let state = seal.state();
    let (Some(last), Some(keys)) = (state.identities.last(), &state.keys) else { return false };
    last.continues.is_some()
        && last.has(&keys.current)
        && last.origin != checkpoint.checkpoint().origin
}

/// The log is signed under another name, and nobody has given this server its keys.
async fn other_name(
    seal: &LogSeal,
    anchor: &SignedCheckpoint,
    newest: &SignedCheckpoint,
    now: Timestamp,
) -> Result<bool, SealError> {
    let detail = format!(
        "the log is signed as {}, and this server has followed {}: if somebody has continued the log, give this server its \
         new keys",
        newest.checkpoint().origin,
        anchor.checkpoint().origin
    );
    distrust(seal, "fork", detail, now).await?;
    Ok(false)
}

/// The checkpoint of a note that the log has signed.
async fn checked(
    seal: &LogSeal,
    note: &str,
    now: Timestamp,
) -> Result<Option<SignedCheckpoint>, SealError> {
    let read = SignedCheckpoint::of_text(note).ok();
    let is_signed = |seal: &LogSeal| {
        // A server that has keys believes nothing else; notices could be anybody's.
        let own = seal.keys().map(|(current, previous)| {
            let all = [Some(current), previous].into_iter().flatten();
            all.filter_map(|keys| keys.signing).collect::<Vec<_>>()
        });
        let own = own.unwrap_or_default();
        let identities = seal.state().identities.clone();
        read.as_ref().is_some_and(|read| match own.is_empty() {
            true => identity::is_signed(&identities, read),
            false => own.iter().any(|keys| {
                keys.origin == read.checkpoint().origin && read.is_signed_by(&keys.verifying()[0])
            }),
        })
    };
    if !is_signed(seal) {
        // With keys that are newer than what was read of them.
        read_identities(seal).await?;
    }
    let is_signed = is_signed(seal);
    let signed = read.filter(|_| is_signed);
    if signed.is_none() {
        let detail = "the newest checkpoint is not signed by the log: it was changed, or made by somebody else".to_owned();
        distrust(seal, "checkpoint", detail, now).await?;
    }
    Ok(signed)
}

/// The database is not to be trusted: an alarm, a finding, and no sealing by this process.
pub(super) async fn distrust(
    seal: &LogSeal,
    kind: &'static str,
    detail: String,
    now: Timestamp,
) -> Result<(), SealError> {
    let is_new = {
        let mut state = seal.state();
        let is_new = state.distrusted.as_ref() != Some(&detail);
        state.distrusted = Some(detail.clone());
        is_new
    };
    if is_new {
        tracing::error!(kind, detail, "ALARM: the log is not what this server has seen");
        let finding = NewFinding { kind, detail, ..NewFinding::default() };
        seal.store.add_finding(&finding, now).await?;
    }
    Ok(())
}

/// As whom the log signs; with which keys is read again when they may have changed.
async fn read_identities(seal: &LogSeal) -> Result<(), SealError> {
    let notices = seal.store.notices(&KINDS).await?;
    let identities = SealIdentity::all(&notices);
    let rotated = notices.last().filter(|last| last.body.starts_with("keys\n"));
    {
        let mut state = seal.state();
        (state.identities, state.rotated_at) = (identities, rotated.map(|last| last.stored_at));
    }
    keys_have_changed(seal).await.map(|_| ())
}

/// Reads the keys again if their file is another one; whether it is.
pub(super) async fn keys_have_changed(seal: &LogSeal) -> Result<bool, SealError> {
    let version = seal.settings.folder.version();
    let known = seal.state().keys.as_ref().and_then(|keys| keys.version);
    if version.is_none() || known == version {
        return Ok(false);
    }
    let Some(keys) = seal.on_disk(keys_here).await? else { return Ok(false) };
    // What was stored with the keys of before, here or elsewhere, may be on its way still.
    let former = seal.keys().map(|(former, _)| former.intake);
    let former = former.filter(|former| *former != keys.current.intake);
    let previous = former.or(keys.previous.as_ref().map(|previous| previous.intake));
    seal.intake.replace(keys.current.intake, previous);
    tracing::info!("keys of the log are read anew");
    seal.state().keys = Some(keys);
    Ok(true)
}

async fn kept_anchor(seal: &LogSeal) -> Result<Option<SignedCheckpoint>, SealError> {
    let text = seal.on_disk(crate::seal_folder::SealFolder::anchor).await?;
    let read = text.as_deref().map(SignedCheckpoint::of_text).transpose();
    let anchor = read.map_err(|no| std::io::Error::other(format!("the anchor is {no}")))?;
    seal.state().anchor.clone_from(&anchor);
    Ok(anchor)
}

async fn move_anchor(seal: &LogSeal, to: SignedCheckpoint) -> Result<(), SealError> {
    let (text, size) = (to.to_text(), to.checkpoint().size);
    seal.on_disk(move |folder| folder.move_anchor(&text, size)).await?;
    seal.state().anchor = Some(to);
    Ok(())
}
