//! Connections kept for the look-ups that decide about access.
//!
//! sqlx's pool asks each connection that comes back whether it still works: one more round
//! trip a call. A look-up that has ended well has just shown that it does. So these
//! connections stay out of the pool; one whose look-up failed or was given up goes back to it
//! and is tested there. A kept connection that turns out to be dead, as all are after the
//! database was restarted, is no reason to fail: the look-up is tried once more on one that
//! answers.

use super::error::StoreError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Connection, PgPool, Postgres};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a request waits for a connection before it counts as overload.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

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

    /// The rows of a look-up, on one of the connections; `query` makes it anew for each try.
    pub async fn fetch_all<'q>(
        &self,
        pool: &PgPool,
        query: impl Fn() -> Query<'q, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let waiting = tokio::time::timeout(ACQUIRE_TIMEOUT, self.permits.acquire());
        let Ok(Ok(_permit)) = waiting.await else { return Err(sqlx::Error::PoolTimedOut.into()) };
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => pool.acquire().await?,
        };
        let found = match query().fetch_all(&mut *connection).await {
            Err(error) if is_lost(&error) => {
                drop(connection.detach());
                connection = answering(pool).await?;
                query().fetch_all(&mut *connection).await?
            }
            found => found?,
        };
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

/// A connection that has just answered: those in the pool may be as dead, and are dropped.
async fn answering(pool: &PgPool) -> Result<PoolConnection<Postgres>, StoreError> {
    let mut tries = pool.options().get_max_connections();
    loop {
        let mut connection = pool.acquire().await?;
        match connection.ping().await {
            Ok(()) => return Ok(connection),
            Err(error) if tries == 0 => return Err(error.into()),
            Err(_) => drop(connection.detach()),
        }
        tries -= 1;
    }
}

/// Whether it was the connection that failed, and not the look-up.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // The database says goodbye: shut down, crashed, or starting.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P0")),
        _ => false,
    }
}
