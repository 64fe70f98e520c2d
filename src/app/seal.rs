//! The seal of the log, as configured.

use crate::clock::Clock;
use crate::config::file::Config;
use crate::config::log::ReadCheck;
use crate::procedures::seal::log_seal::{LogSeal, SealSettings};
use crate::procedures::seal::trust::LogTrust;
use crate::seal_folder::SealFolder;
use crate::store::log::seal::checked::CheckDepth;
use std::time::Duration;
use uuid::Uuid;

/// How the log is sealed, as configured.
pub fn settings(config: &Config) -> SealSettings {
    let (log, data) = (&config.log, &config.data.dir);
    let keys = log.key_file.clone().unwrap_or_else(|| data.join("log-keys"));
    let anchors = log.anchor_folder.clone().unwrap_or_else(|| data.join("log-anchor"));
    SealSettings {
        folder: SealFolder::at(keys, anchors),
        origin: log.origin.clone(),
        sign_after: Duration::from_secs(log.sign_after_seconds),
        new_name: Uuid::new_v4,
        fill_random,
    }
}

/// How what is read from the log is checked, as configured.
pub(super) fn trust(config: &Config, seal: LogSeal, clock: Clock) -> LogTrust {
    let depth = match config.log.read_check {
        ReadCheck::Entry => CheckDepth::Entry,
        ReadCheck::Tree => CheckDepth::Tree,
    };
    LogTrust { seal: Some(seal), depth, clock }
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
