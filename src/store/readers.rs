//! Connections kept for reads of one patient or provider.
//!
//! sqlx's pool asks each connection that comes back whether it still works: one more round
//! trip a call. A look-up that has ended well has just shown that it does. So these
//! connections stay out of the pool; one whose look-up failed or was given up goes back to it
//! and is tested there. That a kept connection turns out to be dead is no reason to fail.

use super::error::StoreError;
use crate::fairness::address::Address;
use crate::fairness::shares::{HeldShare, Percentages, Shares};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgPool, Postgres};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a request waits for a connection before it counts as overload.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer that has begun waits for the next page.
pub(super) const NEXT_PAGE_TIMEOUT: Duration = Duration::from_mins(1);

/// The kept connections.
#[derive(Debug)]
pub(super) struct Readers {
    pool: PgPool,
    turns: Arc<Shares>,
    idle: Mutex<Vec<PoolConnection<Postgres>>>,
}

impl Readers {
    /// At most `count` connections of a pool that nobody else uses.
    pub fn new(pool: PgPool, count: usize, percentages: Percentages) -> Self {
        Self { pool, turns: Shares::new(count, percentages), idle: Mutex::default() }
    }

    /// The rows of a look-up, on one of the connections; `query` makes it anew for each try.
    pub async fn fetch_all<'q>(
        &self,
        asker: Address,
        query: impl Fn() -> Query<'q, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let _turn = turn(&self.turns, asker, ACQUIRE_TIMEOUT).await?;
        let mut tries = Tries::with(&self.pool);
        loop {
            let idle = self.idle().pop();
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.pool.acquire().await?,
            };
            match query().fetch_all(&mut *connection).await {
                Ok(found) => {
                    self.idle().push(connection);
                    return Ok(found);
                }
                Err(error) => tries.again(error.into())?,
            }
        }
    }

    /// Closes its connections when their work is done.
    pub async fn close(&self) {
        self.idle().clear();
        self.pool.close().await;
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<PoolConnection<Postgres>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for its turn.
pub(super) async fn turn(
    turns: &Arc<Shares>,
    asker: Address,
    patience: Duration,
) -> Result<HeldShare, StoreError> {
    let turn = tokio::time::timeout(patience, turns.wait(asker, 1)).await;
    turn.map_err(|_| sqlx::Error::PoolTimedOut.into())
}

/// For what can be done twice: how often it is tried while it fails because its connection is
/// dead, as all are after the database was restarted. A connection that fails is tested on its way
/// back to the pool, and dropped.
pub(super) struct Tries(u32);

impl Tries {
    /// One more than the pool has connections.
    pub fn with(pool: &PgPool) -> Self {
        Self(pool.options().get_max_connections())
    }

    /// Lets a try follow.
    ///
    /// # Errors
    /// What failed, if that is no dead connection, or there have been enough.
    pub fn again(&mut self, failed: StoreError) -> Result<(), StoreError> {
        match &failed {
            StoreError::Database(error) if self.0 > 0 && is_lost(error) => {
                self.0 -= 1;
                Ok(())
            }
            _ => Err(failed),
        }
    }
}

/// Whether it was the connection that failed, and not what was asked of it.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // The database says goodbye: shut down, crashed, or starting.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P0")),
        _ => false,
    }
}
