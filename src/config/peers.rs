//! Services that the pages ask.

use super::values::{bounded, filled};
use crate::domain::people::person::TestPersons;
use serde::Deserialize;
use std::path::PathBuf;

/// Services that the pages ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Peers {
    /// The population service; none: names are those of the log.
    pub person: Option<PersonPeer>,
    /// The national directory; none: assignments are those of logins and of the imported directory.
    pub directory: Option<DirectoryPeer>,
}

/// The population service (Personuppgiftstjänsten).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonPeer {
    /// The whole address of the contract GetPersonsForProfile 5.
    pub url: String,
    /// The service's logical address.
    #[serde(default = "inera")]
    pub logical_address: String,
    /// Whom to trust (PEM); needed for https.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and what leads to its root (PEM) ...
    pub certificate_file: Option<PathBuf>,
    /// ... and its key (PEM).
    pub key_file: Option<PathBuf>,
    /// Sent as `x-rivta-original-serviceconsumer-hsaid`, where the other side wants it.
    pub consumer_id: Option<String>,
    /// Series beside the national ones whose numbers may be sent.
    #[serde(default, deserialize_with = "filled")]
    pub roots: Vec<String>,
    /// Milliseconds for all that one page asks, 100 to 10 000.
    #[serde(default = "two_seconds", deserialize_with = "bounded::<_, 100, 10_000, _>")]
    pub timeout_milliseconds: u64,
    /// Seconds that answers are kept in memory, 0 to 600.
    #[serde(default = "ten_minutes", deserialize_with = "bounded::<_, 0, 600, _>")]
    pub cache_seconds: u64,
    /// Numbers of one call, 1 to 500.
    #[serde(default = "fifty", deserialize_with = "bounded::<_, 1, 500, _>")]
    pub batch: usize,
    /// What becomes of test persons.
    #[serde(default = "refuse")]
    pub test_persons: ConfiguredTestPersons,
}

/// The national directory (HSA).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryPeer {
    /// What stands before `/infrastructure/directory/…`.
    pub url: String,
    /// The HSA-id of who operates the directory.
    #[serde(default = "inera")]
    pub logical_address: String,
    /// Whom to trust (PEM); needed for https.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and what leads to its root (PEM) ...
    pub certificate_file: Option<PathBuf>,
    /// ... and its key (PEM).
    pub key_file: Option<PathBuf>,
    /// Sent as `x-rivta-original-serviceconsumer-hsaid`, where the other side wants it.
    pub consumer_id: Option<String>,
    /// Milliseconds for all that one page or login asks, 100 to 10 000.
    #[serde(default = "two_seconds", deserialize_with = "bounded::<_, 100, 10_000, _>")]
    pub timeout_milliseconds: u64,
    /// Seconds that names of units are kept in memory, 0 to 600.
    #[serde(default = "ten_minutes", deserialize_with = "bounded::<_, 0, 600, _>")]
    pub cache_seconds: u64,
}

/// What becomes of test persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfiguredTestPersons {
    /// They do not exist.
    Refuse,
    /// They are like others.
    Show,
}

impl From<ConfiguredTestPersons> for TestPersons {
    fn from(configured: ConfiguredTestPersons) -> Self {
        match configured {
            ConfiguredTestPersons::Refuse => Self::Refuse,
            ConfiguredTestPersons::Show => Self::Show,
        }
    }
}

impl DirectoryPeer {
    /// One at an address, with everything else as it is by itself.
    pub fn at(url: String) -> Self {
        Self {
            url,
            logical_address: inera(),
            ca_file: None,
            certificate_file: None,
            key_file: None,
            consumer_id: None,
            timeout_milliseconds: two_seconds(),
            cache_seconds: ten_minutes(),
        }
    }
}

impl PersonPeer {
    /// One at an address, with everything else as it is by itself.
    pub fn at(url: String) -> Self {
        Self {
            url,
            logical_address: inera(),
            ca_file: None,
            certificate_file: None,
            key_file: None,
            consumer_id: None,
            roots: Vec::new(),
            timeout_milliseconds: two_seconds(),
            cache_seconds: ten_minutes(),
            batch: fifty(),
            test_persons: refuse(),
        }
    }
}

fn inera() -> String {
    "SE165565594230-1000".to_owned()
}

fn two_seconds() -> u64 {
    2000
}

fn ten_minutes() -> u64 {
    600
}

fn fifty() -> usize {
    50
}

fn refuse() -> ConfiguredTestPersons {
    ConfiguredTestPersons::Refuse
}

impl Peers {
    /// What is wrong with it, if anything is.
    pub fn wrong(&self) -> Option<&'static str> {
        let half = |files: (bool, bool)| files.0 != files.1;
        let person = self.person.as_ref();
        let person = person.map(|peer| (peer.certificate_file.is_some(), peer.key_file.is_some()));
        let directory = self.directory.as_ref();
        let directory =
            directory.map(|peer| (peer.certificate_file.is_some(), peer.key_file.is_some()));
        match (person.is_some_and(half), directory.is_some_and(half)) {
            (true, _) => Some("person.certificate_file and key_file go together"),
            (_, true) => Some("directory.certificate_file and key_file go together"),
            (false, false) => None,
        }
    }
}
