//! How the service did the last time that somebody looked.

use crate::domain::time::Timestamp;
pub use crate::store::people::availability::{ServiceMessage, StoredInterruption};
use chrono::NaiveDate;
use std::sync::{Arc, PoisonError, RwLock};

/// A function as the public knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Blocks.
    Blocking,
    /// Consents.
    Consent,
    /// Storing log records.
    Log,
    /// Reports and extracts.
    Reports,
    /// Telling the national service.
    Replication,
    /// These pages.
    Site,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Blocking, Self::Consent, Self::Log, Self::Reports, Self::Replication, Self::Site];

    /// As the store names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Consent => "consent",
            Self::Log => "log",
            Self::Reports => "reports",
            Self::Replication => "replication",
            Self::Site => "site",
        }
    }

    /// The function of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }
}

/// How a function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Working {
    /// As it should.
    Working,
    /// Slowly, or not wholly.
    Disturbed,
    /// Not at all.
    Interrupted,
}

impl Working {
    /// As the store names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Disturbed => "disturbed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Each function's per cent of a month; `None`: nobody measured.
pub type Shares = Vec<(Function, Option<f64>)>;

/// What everybody is told.
#[derive(Debug, Clone, Default)]
pub struct StatusView {
    /// How each function does, and since when it does not do as it should.
    pub functions: Vec<(Function, Working, Option<Timestamp>)>,
    /// When that was looked at.
    pub looked_at: Option<Timestamp>,
    /// Interruptions of the last year, planned stops among them, the latest first.
    pub interruptions: Vec<StoredInterruption>,
    /// What operators tell.
    pub messages: Vec<ServiceMessage>,
    /// The last twelve months, each function's per cent.
    pub months: Vec<(NaiveDate, Shares)>,
    /// Since when the history is as it is told: the database may be gone.
    pub read_at: Option<Timestamp>,
}

/// What everybody is told, as it was known last.
#[derive(Debug, Clone, Default)]
pub struct KnownStatus(Arc<RwLock<StatusView>>);

impl KnownStatus {
    /// As it was known last.
    pub fn view(&self) -> StatusView {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut StatusView)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}
