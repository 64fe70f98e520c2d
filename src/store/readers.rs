//! Connections kept for the look-ups that decide about access.
//!
//! sqlx's pool asks each connection that comes back whether it still works: one more round
//! trip a call. A look-up that has ended well has just shown that it does. So these
//! connections stay out of the pool; one whose look-up failed or was given up goes back to it
//! and is tested there.

use super::{ACQUIRE_TIMEOUT, StoreError};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Semaphore;

/// The kept connections.
#[derive(Debug)]
pub(super) struct Readers {
    permits: Semaphore,
    idle: Mutex<Vec<PoolConnection<Postgres>>>,
}

impl Readers {
    /// At most `count` connections of the pool's.
    pub fn new(count: usize) -> Self {
        Self { permits: Semaphore::new(count), idle: Mutex::default() }
    }

    /// Runs a look-up on one of the connections.
    pub async fn read<T>(
        &self,
        pool: &PgPool,
        look_up: impl AsyncFnOnce(&mut PgConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let waiting = tokio::time::timeout(ACQUIRE_TIMEOUT, self.permits.acquire());
        let Ok(Ok(_permit)) = waiting.await else { return Err(sqlx::Error::PoolTimedOut.into()) };
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => pool.acquire().await?,
        };
        let found = look_up(&mut connection).await?;
        self.idle().push(connection);
        Ok(found)
    }

    /// Gives every connection back to the pool.
    pub fn release(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<PoolConnection<Postgres>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
