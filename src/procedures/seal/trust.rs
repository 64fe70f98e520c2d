//! Whether what is read from the log can be told to others.

use super::log_seal::LogSeal;
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::seal::checked::{CheckDepth, RecordCheck};

/// How what is read from the log is checked before it is told.
#[derive(Debug, Clone)]
pub struct LogTrust {
    /// The seal as this process knows it.
    pub seal: Option<LogSeal>,
    /// How deep records are checked.
    pub depth: CheckDepth,
    /// The time of what is found.
    pub clock: Clock,
}

impl LogTrust {
    /// How records are checked now.
    pub fn check(&self) -> RecordCheck {
        let anchor = self.seal.as_ref().and_then(LogSeal::anchor);
        let anchor = anchor.map(|anchor| (anchor.checkpoint().size, anchor.checkpoint().root));
        RecordCheck { depth: self.depth, anchor, now: self.clock.now() }
    }

    /// Whether records of a time may be told at all.
    ///
    /// # Errors
    /// That they may not, because something is not as it was sealed and nobody has acknowledged that; the store's.
    pub async fn allows(
        &self,
        store: &Store,
        interval: (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        let distrusted = self.seal.as_ref().and_then(LogSeal::distrusted).is_some();
        match distrusted || store.is_distrusted(interval).await? {
            true => Err(StoreError::Distrusted),
            false => Ok(()),
        }
    }
}
