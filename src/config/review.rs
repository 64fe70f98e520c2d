//! How the log is reviewed.

use super::values::filled;
use serde::Deserialize;
use std::path::PathBuf;

/// How the log is reviewed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Review {
    /// Kinds of information, and HSA-ids of units, that are sensitive: whoever reads them is asked about (question 6).
    #[serde(deserialize_with = "filled")]
    pub sensitive: Vec<String>,
    /// Whether lists show initials in place of patients' names.
    pub initials: bool,
    /// A system that is told of reminders: JSON by POST, without identities.
    pub webhook: Option<Webhook>,
    /// A program, with its arguments, that is given each reminder on its standard input.
    #[serde(deserialize_with = "filled")]
    pub command: Vec<String>,
}

/// A system that is told of reminders.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its whole address.
    pub url: String,
    /// Whom to trust (PEM); needed for https.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and what leads to its root (PEM) ...
    pub certificate_file: Option<PathBuf>,
    /// ... and its key (PEM).
    pub key_file: Option<PathBuf>,
}

impl Review {
    /// What is wrong with it, if anything is.
    pub fn wrong(&self) -> Option<&'static str> {
        let half = |hook: &Webhook| hook.certificate_file.is_some() != hook.key_file.is_some();
        self.webhook
            .as_ref()
            .is_some_and(half)
            .then_some("webhook.certificate_file and key_file go together")
    }
}
