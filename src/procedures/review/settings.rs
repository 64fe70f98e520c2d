//! How the log is reviewed, as configured.

use crate::peers::notice::NoticeService;
use std::sync::Arc;

/// How the log is reviewed.
#[derive(Debug, Clone, Default)]
pub struct ReviewSettings {
    /// Kinds of information and units that are sensitive (Q6).
    pub sensitive: Vec<String>,
    /// Where reminders are told outside the pages.
    pub notices: Option<Arc<NoticeService>>,
    /// A program that is run with each reminder, with its arguments.
    pub command: Vec<String>,
    /// Lists show initials in place of patients' names.
    pub initials: bool,
}
