//! Turns to change a tenant's data within this process, by address: who waits for one holds no
//! connection.

use super::error::StoreError;
use crate::fairness::address::Address;
use crate::fairness::shares::{HeldShare, Percentages, Shares};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// How long a change waits for those before it.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// A tenant and a domain, whose changes are made one at a time.
type Changed = (i32, &'static str);

/// Turns to change.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Changed, Arc<Shares>>>);

impl Turns {
    /// Waits for a turn.
    ///
    /// # Errors
    /// That it does not come in time.
    pub async fn wait(&self, changed: Changed, asker: Address) -> Result<HeldShare, StoreError> {
        let turns = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let one = || Shares::new(1, Percentages::default());
            Arc::clone(known.entry(changed).or_insert_with(one))
        };
        let turn = timeout(TURN_TIMEOUT, turns.wait(asker, 1)).await;
        turn.map_err(|_| sqlx::Error::PoolTimedOut.into())
    }
}
