//! Being a witness of others' logs.

use super::values::ConfiguredKey;
use serde::Deserialize;
use std::path::PathBuf;

/// Being a witness of others' logs, as the national service is of local ones.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Witness {
    /// The witness's name for all who verify its signatures, such as `vittne.example/1`; when absent, one is made with its
    /// key.
    pub name: Option<String>,
    /// File with its key; when absent, `witness-key` in the data folder. It is made when it is not there.
    pub key_file: Option<PathBuf>,
    /// The logs that it knows; none is no witness.
    pub log: Vec<WitnessedLog>,
}

/// A log whose checkpoints are signed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessedLog {
    /// Its key (NAME+ID+KEY).
    pub vkey: ConfiguredKey,
}
