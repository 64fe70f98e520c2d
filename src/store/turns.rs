//! Turns to change a tenant's data within this process, first come, first served: who waits for one
//! holds no connection.

use super::error::StoreError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a change waits for those before it.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// A tenant and a domain, whose changes are made one at a time.
type Changed = (i32, &'static str);

/// A turn; over when this is dropped.
pub(super) type ChangeTurn = OwnedSemaphorePermit;

/// Turns to change.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<Changed, Arc<Semaphore>>>>);

impl Turns {
    /// Waits for a turn.
    ///
    /// # Errors
    /// That it does not come in time.
    pub async fn wait(&self, changed: Changed) -> Result<ChangeTurn, StoreError> {
        let queue = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(changed).or_insert_with(|| Arc::new(Semaphore::new(1))))
        };
        match timeout(TURN_TIMEOUT, queue.acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(sqlx::Error::PoolTimedOut.into()),
        }
    }
}
