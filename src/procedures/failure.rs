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
    Store(StoreError),
}

/// What cannot be shown to be as it was sealed is not told: the contract foresees that.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Distrusted => Self::Refused(Rejection::validation(DISTRUSTED)),
            error => Self::Store(error),
        }
    }
}

/// What callers are told of a log that is not as it was sealed.
const DISTRUSTED: &str = "Loggens riktighet kunde inte visas för den tid som frågan gäller: uppgifter kan saknas eller vara \
     ändrade. Driften är larmad; inga loggposter lämnas ut förrän felet är utrett.";

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

/// What is done for each of many: one that fails keeps no other from it, unless it would fail for everybody.
#[derive(Debug, Default)]
pub struct EachAlone {
    first: Option<StoreError>,
}

impl EachAlone {
    /// Notes how one went; whether to go on with the next.
    pub fn goes_on(&mut self, done: Result<(), StoreError>) -> bool {
        let Err(error) = done else { return true };
        let goes_on = !error.concerns_everybody();
        self.first.get_or_insert(error);
        goes_on
    }

    /// How all of them went.
    ///
    /// # Errors
    /// The first failure: the next round tries again.
    pub fn done(self) -> Result<(), StoreError> {
        self.first.map_or(Ok(()), Err)
    }
}
