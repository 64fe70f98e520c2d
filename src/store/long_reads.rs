//! Reads that may find much: few at one time, in turns by address, each on a thread of its own.

use super::error::StoreError;
use super::readers::{Tries, turn};
use crate::fairness::address::Address;
use crate::fairness::shares::{HeldShare, Percentages, Shares};
use crate::fairness::threads::beside;
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Rows that are put together in no time.
const FEW_ROWS: usize = 500;

/// Connections for reads that may find much.
#[derive(Debug)]
pub(super) struct LongReads {
    pool: PgPool,
    turns: Arc<Shares>,
}

/// What has been found. As long as it is kept, what was much holds the turn in which it was read: so
/// few are in memory at one time.
#[derive(Debug)]
pub struct Found<T> {
    /// What has been found.
    pub it: T,
    turn: Option<HeldShare>,
}

impl<T> Found<T> {
    /// Little, read like everything else.
    pub(super) fn little(it: T) -> Self {
        Self { it, turn: None }
    }

    /// Whether it is much, so that all that is done with it takes its time.
    pub fn is_much(&self) -> bool {
        self.turn.is_some()
    }

    /// The same, as long as what was read and what is made of it are about as large.
    pub fn map<U>(self, made: impl FnOnce(T) -> U) -> Found<U> {
        Found { it: made(self.it), turn: self.turn }
    }
}

impl LongReads {
    /// At most `count` at one time, on a pool that nobody else uses.
    pub fn new(pool: PgPool, count: usize, percentages: Percentages) -> Self {
        Self { pool, turns: Shares::new(count, percentages) }
    }

    /// Reads what may be much, and makes something of it, on a connection that answers; `read` does
    /// all of it anew for each try, and tells how many rows it has found. Who gives up leaves its
    /// turn behind until the database is done.
    ///
    /// # Errors
    /// The driver's, or that no turn is to be had for so long.
    pub async fn read<T: Send + 'static>(
        &self,
        asker: Address,
        patience: Duration,
        read: impl AsyncFn(&mut PgConnection) -> Result<(T, usize), StoreError> + Send + 'static,
    ) -> Result<Found<T>, StoreError> {
        let turn = turn(&self.turns, asker, patience).await?;
        let pool = self.pool.clone();
        let reading = async move || {
            let mut tries = Tries::with(&pool);
            let (it, rows) = loop {
                let mut connection = pool.acquire().await?;
                match read(&mut connection).await {
                    Ok(found) => break found,
                    Err(error) => tries.again(error)?,
                }
            };
            Ok(Found { it, turn: (rows > FEW_ROWS).then_some(turn) })
        };
        let read = beside(move || Handle::current().block_on(reading())).await;
        read.map_err(|_| StoreError::Stopped)?
    }

    /// Closes its connections when their work is done.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Begins to read from one snapshot.
pub(super) async fn read_snapshot(
    connection: &mut PgConnection,
) -> Result<Transaction<'_, Postgres>, StoreError> {
    let mut transaction = connection.begin().await?;
    sqlx::query("/* read_snapshot */ set transaction isolation level repeatable read, read only")
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}
