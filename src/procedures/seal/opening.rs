//! The opening of the log: its keys are made, and the first leaf says which they are.

use super::adoption::ADOPTS;
use super::identity::{KINDS, SealIdentity};
use super::log_seal::{LogSeal, ProcessKeys, SealError, SealSettings, on_disk};
use crate::domain::time::Timestamp;
use crate::seal_folder::{KeyFile, SealFolder};
use crate::store::database::Store;
use crate::store::log::seal::intake::Intake;
use crate::store::log::seal::notices::NewNotice;
use crate::store::log::seal::tree::TreeChange;
use sigill_seal::entry::Kind;
use sigill_seal::keys::{LogKeys, is_origin};
use std::fmt::Write;

/// Opens the log, or goes on with one that is open.
///
/// # Errors
/// That its keys are not here, or the store's.
pub async fn open(
    store: Store,
    settings: SealSettings,
    now: Timestamp,
) -> Result<LogSeal, SealError> {
    let mut change = store.change_tree_in_turn().await?;
    let identities = SealIdentity::all(&change.notices(&KINDS).await?);
    if let Some(last) = identities.last() {
        let keys = keys_of(&settings, last).await?;
        return Ok(LogSeal::new(store, settings, keys));
    }
    let folder = settings.folder.clone();
    let found = on_disk(folder, keys_here).await?;
    let has_anchor = settings.folder.anchor()?.is_some();
    let keys = match found {
        Some(keys) => keys,
        None => make_keys(&settings).await?,
    };
    if keys.current.signing.is_none() {
        let file = settings.folder.path(KeyFile::Current).display().to_string();
        return Err(SealError::StoringOnly(file));
    }
    // Where there has been a log before, somebody must say how to go on; what is stored meanwhile waits.
    if !has_anchor {
        begin(&mut change, &settings, &keys.current, now).await?;
        change.commit().await?;
        tracing::info!("the log is opened");
    }
    Ok(LogSeal::new(store, settings, keys))
}

/// The first leaf, and the holds that are in force.
async fn begin(
    change: &mut TreeChange,
    settings: &SealSettings,
    keys: &LogKeys,
    now: Timestamp,
) -> Result<(), SealError> {
    let intake = Intake::new(keys.intake, None, settings.new_name);
    let mut body = SealIdentity::body("opening", keys);
    if let Some(last) = change.last_of_before().await? {
        body += &format!("{ADOPTS} {last}\n");
    }
    let opening = NewNotice { kind: Kind::Opening, salt: None, body: &body };
    change.add_notice(&intake, &opening, now).await?;
    let holds = change.seal_holds(&intake, now).await?;
    if holds > 0 {
        tracing::info!(holds, "legal holds of before are sealed");
    }
    Ok(())
}

async fn make_keys(settings: &SealSettings) -> Result<ProcessKeys, SealError> {
    let keys = new_keys(settings, settings.origin.as_deref())?;
    let kept = keys.clone();
    on_disk(settings.folder.clone(), move |folder| {
        folder.create_keys(KeyFile::Current, &kept)?;
        Ok::<_, SealError>(())
    })
    .await?;
    tracing::info!(file = %settings.folder.path(KeyFile::Current).display(), "keys of the log are made");
    // Those that another process made at the same time, if one did.
    let found = on_disk(settings.folder.clone(), keys_here).await?;
    found.ok_or_else(|| SealError::System(std::io::ErrorKind::NotFound.into()))
}

/// New keys for a log of this name, or of one that is made.
pub(super) fn new_keys(
    settings: &SealSettings,
    origin: Option<&str>,
) -> Result<LogKeys, SealError> {
    let mut random = [0; 112];
    (settings.fill_random)(&mut random)?;
    let (seeds, name) = random
        .split_first_chunk::<96>()
        .ok_or(std::io::ErrorKind::InvalidData)
        .map_err(std::io::Error::from)?;
    let made = || {
        let mut origin = String::from("log.sigill/");
        for byte in name {
            _ = write!(origin, "{byte:02x}");
        }
        origin + "/1"
    };
    let origin = origin.map_or_else(made, str::to_owned);
    if !is_origin(&origin) {
        return Err(SealError::Origin(origin));
    }
    LogKeys::of_random(&origin, seeds).ok_or(SealError::Origin(origin))
}

/// The keys of an identity, from where they should be.
async fn keys_of(
    settings: &SealSettings,
    identity: &SealIdentity,
) -> Result<ProcessKeys, SealError> {
    let (file, identity) = (settings.folder.path(KeyFile::Current), identity.clone());
    on_disk(settings.folder.clone(), move |folder| {
        let other = |why| {
            let file = file.display().to_string();
            SealError::OtherKeys { origin: identity.origin.clone(), file, why }
        };
        let mut found = keys_here(folder)?;
        let fits = |keys: &Option<ProcessKeys>| {
            keys.as_ref().is_some_and(|keys| identity.has(&keys.current))
        };
        if !fits(&found) && folder.keys(KeyFile::Next)?.is_some_and(|next| identity.has(&next)) {
            // A rotation was sealed, and the process ended before its keys were in their place.
            folder.take_next_keys()?;
            found = keys_here(folder)?;
        }
        match found {
            Some(keys) if identity.has(&keys.current) => Ok(keys),
            Some(_) => Err(other("those there are another log's, or older")),
            None => Err(other("there is no such file")),
        }
    })
    .await
}

/// The keys that are here.
pub(super) fn keys_here(folder: &SealFolder) -> Result<Option<ProcessKeys>, SealError> {
    let version = folder.version();
    let Some(current) = folder.keys(KeyFile::Current)? else { return Ok(None) };
    Ok(Some(ProcessKeys { current, previous: folder.keys(KeyFile::Previous)?, version }))
}
