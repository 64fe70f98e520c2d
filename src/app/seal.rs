//! The seal of the log, as configured.

use crate::checkpoint_cms::CmsSigner;
use crate::clock::Clock;
use crate::config::file::Config;
use crate::config::log::ReadCheck;
use crate::peers::connection::{Peer, PeerSettings, PeerSettingsError};
use crate::peers::witness::RemoteWitness;
use crate::procedures::seal::log_seal::{LogSeal, SealError, SealSettings};
use crate::procedures::seal::published::Publishing;
use crate::procedures::seal::trust::LogTrust;
use crate::procedures::seal::witness::Witness;
use crate::seal_folder::{self, SealFolder};
use crate::store::log::seal::checked::CheckDepth;
use sigill_seal::sha256;
use sigill_seal::witness_key::WitnessKey;
use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use uuid::Uuid;

/// How long a witness may take.
const WITNESS_TIMEOUT: Duration = Duration::from_secs(10);

/// How the log is sealed, as configured.
pub fn settings(config: &Config) -> SealSettings {
    let (log, folder) = (&config.log, folder_of_database(config));
    let keys = log.key_file.clone().unwrap_or_else(|| folder.join("log-keys"));
    let anchors = log.anchor_folder.clone().unwrap_or_else(|| folder.join("log-anchor"));
    SealSettings {
        folder: SealFolder::at(keys, anchors),
        origin: log.origin.clone(),
        sign_after: Duration::from_secs(log.sign_after_seconds),
        cms: None,
        new_name: Uuid::new_v4,
        fill_random,
    }
}

/// Where keys and anchors are unless somebody says otherwise: in the data folder, and apart for each database that is named,
/// because they belong to its log.
fn folder_of_database(config: &Config) -> PathBuf {
    let data = &config.data.dir;
    let named = config.database.url.as_deref().map(PgConnectOptions::from_str);
    let Some(Ok(options)) = named else { return data.clone() };
    let socket = options.get_socket().map(|socket| socket.display().to_string());
    let place = socket.unwrap_or_else(|| options.get_host().to_owned());
    let name = options.get_database().unwrap_or_else(|| options.get_username());
    let hash = sha256(&[format!("{place}\n{}\n{name}", options.get_port()).as_bytes()]);
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let plain: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    data.join("databases").join(format!("{plain}-{hash}"))
}

/// The same for a server that seals: with the operator's own key, if there is one.
///
/// # Errors
/// That the key cannot be used.
pub(super) fn sealing_settings(config: &Config) -> Result<SealSettings, SealError> {
    let (file, password) = (&config.log.cms_file, config.log.cms_password_file.as_deref());
    let cms = file.as_ref().map(|file| CmsSigner::load(file, password)).transpose()?;
    Ok(SealSettings { cms, ..settings(config) })
}

/// How what is read from the log is checked, as configured.
pub(super) fn trust(config: &Config, seal: LogSeal, clock: Clock) -> LogTrust {
    let depth = match config.log.read_check {
        ReadCheck::Entry => CheckDepth::Entry,
        ReadCheck::Tree => CheckDepth::Tree,
    };
    LogTrust { seal: Some(seal), depth, clock }
}

/// How the log is published, as configured.
pub(super) fn publishing(config: &Config) -> Option<Publishing> {
    let log = &config.log;
    let witnesses = log.witness.iter().map(|witness| witness.vkey.0.clone()).collect();
    log.publish.then_some(Publishing { witnesses, required: log.witness_required })
}

/// The witnesses of the log, as configured.
///
/// # Errors
/// That one cannot be called so.
pub(super) fn witnesses(config: &Config) -> Result<Vec<RemoteWitness>, PeerSettingsError> {
    let remote = config.log.witness.iter().map(|witness| {
        let peer = Peer::new(&PeerSettings {
            base: witness.url.clone(),
            ca_file: witness.ca_file.clone(),
            identity: None,
            timeout: WITNESS_TIMEOUT,
            consumer: None,
        })?;
        Ok(RemoteWitness::new(peer, witness.vkey.0.clone()))
    });
    remote.collect()
}

/// The witness that this service is of others' logs, as configured; its key is made where there is none.
///
/// # Errors
/// That the key cannot be kept or read.
pub fn witness(config: &Config) -> Result<Option<Witness>, SealError> {
    let settings = &config.witness;
    if settings.log.is_empty() {
        return Ok(None);
    }
    let file = settings.key_file.clone().unwrap_or_else(|| config.data.dir.join("witness-key"));
    let mut random = [0; 48];
    fill_random(&mut random)?;
    let (seed, name) = random
        .split_first_chunk::<32>()
        .ok_or(std::io::ErrorKind::InvalidData)
        .map_err(std::io::Error::from)?;
    let made = || format!("witness.sigill/{}", Uuid::from_slice(name).unwrap_or_default().simple());
    let name = settings.name.clone().unwrap_or_else(made);
    let new = WitnessKey::of_seed(&name, seed).ok_or(SealError::Origin(name))?;
    let text = seal_folder::kept_secret(&file, &new.to_text())?;
    let key = WitnessKey::of_text(&text).ok_or(SealError::WitnessKey(file))?;
    let logs = settings.log.iter().map(|log| log.vkey.0.clone()).collect();
    Ok(Some(Witness::new(key, logs)))
}

/// Fills with bytes that nobody can guess.
pub(super) fn fill_random(bytes: &mut [u8]) -> std::io::Result<()> {
    getrandom::fill(bytes).map_err(std::io::Error::other)
}

/// From 0 to 1, evenly.
pub fn chance() -> f64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    // The version stands in the lower half; the 32 bits above are all random.
    f64::from(u32::try_from(high >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}
