//! Why something was not done: the one place where refusals and failures of our own meet.

use crate::domain::rejection::Rejection;
/// A failure of the store, for those who may not know the store.
pub use crate::store::error::StoreError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The contract foresees it: an ordinary answer with a result code.
    #[error("refused: {}", .0.text)]
    Refused(Rejection),
    /// Our own: a fault without the cause, and the cause in the log.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}
