//! Other keys: a rotation, and the continuation of a log whose database was rolled back.

use super::identity::{KINDS, SealIdentity};
use super::log_seal::{SealError, SealSettings, on_disk};
use super::opening::new_keys;
use crate::domain::time::Timestamp;
use crate::seal_folder::{KeyFile, SealFolder};
use crate::store::database::Store;
use crate::store::log::seal::findings::one_line;
use crate::store::log::seal::intake::Intake;
use crate::store::log::seal::notices::NewNotice;
use crate::store::log::seal::tree::TreeChange;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use sigill_seal::entry::Kind;
use sigill_seal::keys::LogKeys;
use sigill_seal::note::SignedCheckpoint;

/// Findings after which a log cannot go on under its name.
const CAUSES: [&str; 4] = ["rolled back", "fork", "checkpoint", "tree"];
const FINDINGS: i64 = 1_000;
/// Every server has read new keys within this time, if it has been given them.
const APART: TimeDelta = TimeDelta::minutes(5);
/// Batches on their way that are looked at.
const WAITING_MAX: i64 = 10_000;

/// Gives the log new keys under its name. Where its keys are `lost`, the new ones alone sign from now on, which must be
/// told to everybody who verifies it.
///
/// # Errors
/// The store's, or that keys cannot be kept; also that the present keys are not here, unless they are lost.
pub async fn rotate(
    store: &Store,
    settings: &SealSettings,
    lost: bool,
    now: Timestamp,
) -> Result<SealIdentity, SealError> {
    let mut change = store.change_tree_in_turn().await?;
    let notices = change.notices(&KINDS).await?;
    let identities = SealIdentity::all(&notices);
    let last = identities.last().ok_or(SealError::NotOpen)?;
    let rotated = notices.last().filter(|notice| notice.kind() == Some(Kind::Keys));
    if !lost && rotated.is_some_and(|notice| now - notice.stored_at < APART) {
        return Err(SealError::RotatedLately);
    }
    end_rotation(settings, last).await?;
    let current = on_disk(settings.folder.clone(), |folder| {
        Ok::<_, SealError>(folder.keys(KeyFile::Current)?)
    });
    let ours = current.await?.filter(|keys| last.has(keys) && keys.signing.is_some());
    if ours.is_none() && !lost {
        return Err(SealError::OtherKeys {
            origin: last.origin.clone(),
            file: settings.folder.path(KeyFile::Current).display().to_string(),
            why: "they are not there, or others; --lost if nobody has them",
        });
    }
    if let Some(ours) = &ours {
        // Of keys that servers may send with there are two generations: those before these are forgotten now.
        let intake = Intake::new(ours.intake, None, settings.new_name);
        let waiting = change.batches(WAITING_MAX).await?;
        if !waiting.iter().all(|batch| batch.is_authentic(&intake)) {
            return Err(SealError::RotatedLately);
        }
    }
    let keys = new_keys(settings, Some(&last.origin))?;
    let body = SealIdentity::body("keys", &keys);
    if ours.is_none() {
        change.take_over(&Intake::new(keys.intake, None, settings.new_name)).await?;
    }
    take(change, settings, (ours.as_ref(), &keys), (Kind::Keys, &body), now).await?;
    identity_of(store).await
}

/// Goes on with a log whose database is an older state, or goes two ways: under another name, and with other keys. Without a
/// finding that says so only with `force`.
///
/// # Errors
/// The store's, or that keys cannot be kept; also that there is nothing that it would go on from.
pub async fn go_on(
    store: &Store,
    settings: &SealSettings,
    (reason, force): (&str, bool),
    now: Timestamp,
) -> Result<SealIdentity, SealError> {
    let open = store.open_findings(FINDINGS).await?;
    if !force && !open.iter().any(|found| CAUSES.contains(&found.kind.as_str())) {
        return Err(SealError::NothingToContinue);
    }
    let mut change = store.change_tree_in_turn().await?;
    let identities = SealIdentity::all(&change.notices(&KINDS).await?);
    if let Some(last) = identities.last() {
        end_rotation(settings, last).await?;
    }
    let text = on_disk(settings.folder.clone(), SealFolder::anchor).await?;
    let anchor = text.as_deref().and_then(|text| SignedCheckpoint::of_text(text).ok());
    let seen = anchor.as_ref().map(SignedCheckpoint::checkpoint);
    let before = identities.last().map(|last| last.origin.clone());
    let before =
        before.or_else(|| seen.map(|seen| seen.origin.clone())).ok_or(SealError::NotOpen)?;
    let keys = new_keys(settings, Some(&next_name(&before)))?;
    let size = change.tree.size;
    let lost = seen.map_or(0, |seen| seen.size).max(u64::try_from(size).unwrap_or_default());
    let body = format!(
        "{}continues {before}\nsize {size}\nroot {}\nlost {lost}\nreason {}\n",
        SealIdentity::body("continuation", &keys),
        STANDARD.encode(&change.tree.root),
        one_line(reason)
    );
    change.acknowledge_whole(now).await?;
    change.take_over(&Intake::new(keys.intake, None, settings.new_name)).await?;
    if identities.is_empty() {
        let intake = Intake::new(keys.intake, None, settings.new_name);
        change.seal_holds(&intake, now).await?;
    }
    let current = on_disk(settings.folder.clone(), |folder| {
        Ok::<_, SealError>(folder.keys(KeyFile::Current)?)
    });
    let current = current.await?;
    take(change, settings, (current.as_ref(), &keys), (Kind::Opening, &body), now).await?;
    on_disk(settings.folder.clone(), move |folder| folder.retire_anchor(lost)).await?;
    identity_of(store).await
}

/// A rotation that was sealed, and cut off before its keys were in their place, is ended.
async fn end_rotation(settings: &SealSettings, last: &SealIdentity) -> Result<(), SealError> {
    let last = last.clone();
    on_disk(settings.folder.clone(), move |folder| {
        let is_sealed = folder.keys(KeyFile::Next)?.is_some_and(|next| last.has(&next));
        if is_sealed {
            folder.take_next_keys()?;
        }
        Ok::<_, SealError>(())
    })
    .await
}

/// Keeps keys, seals that they are the log's, and lets them take the place of those of before.
async fn take(
    mut change: TreeChange,
    settings: &SealSettings,
    (before, keys): (Option<&LogKeys>, &LogKeys),
    (kind, body): (Kind, &str),
    now: Timestamp,
) -> Result<(), SealError> {
    let kept = keys.clone();
    on_disk(settings.folder.clone(), move |folder| {
        folder.drop_next_keys()?;
        folder.create_keys(KeyFile::Next, &kept)?;
        Ok::<_, SealError>(())
    })
    .await?;
    // Servers that run know the keys of before until they have read the new ones, and both after that.
    let intake = Intake::new(before.unwrap_or(keys).intake, None, settings.new_name);
    let new = NewNotice { kind, salt: None, body };
    change.add_notice(&intake, &new, now).await?;
    change.commit().await?;
    on_disk(settings.folder.clone(), |folder| Ok::<_, SealError>(folder.take_next_keys()?)).await
}

async fn identity_of(store: &Store) -> Result<SealIdentity, SealError> {
    let identities = SealIdentity::all(&store.notices(&KINDS).await?);
    identities.into_iter().next_back().ok_or(SealError::NotOpen)
}

/// The name of the log that goes on where this one ended: the number at its end is one more.
fn next_name(origin: &str) -> String {
    let (path, last) = origin.rsplit_once('/').unwrap_or((origin, ""));
    match last.parse::<u64>() {
        Ok(number) => format!("{path}/{}", number + 1),
        Err(_) => format!("{origin}/2"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_name_counts_on() {
        assert_eq!(next_name("log.example/sigill/1"), "log.example/sigill/2");
        assert_eq!(next_name("log.example/9"), "log.example/10");
        assert_eq!(next_name("log.example"), "log.example/2");
        assert_eq!(next_name("log.example/x"), "log.example/x/2");
    }
}
