//! The store: a pool of connections to one `PostgreSQL` database, and its schema's version.

use super::error::StoreError;
use super::readers::{ACQUIRE_TIMEOUT, Readers, Tries};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Postgres, Transaction};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long the readiness question may take.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// A pool of connections to one `PostgreSQL` database.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) pool: PgPool,
    pub(super) readers: Arc<Readers>,
    /// Reads without a limit of rows; a slow receiver holds its connection for long.
    long_reads: Arc<Semaphore>,
}

impl Store {
    /// Connects, and brings the schema to this program's version under a lock.
    ///
    /// # Errors
    /// A database that cannot be reached, a migration that fails, or a schema that is newer
    /// than this program.
    pub async fn open(options: PgConnectOptions, connections: u32) -> Result<Self, StoreError> {
        // The statement time limit keeps a lost call from holding a tenant's change clock.
        // Statements carry the name of their function; what fails is logged where it is handled.
        let options = options.disable_statement_logging().options([
            ("statement_timeout", "60s"),
            ("idle_in_transaction_session_timeout", "60s"),
            ("timezone", "UTC"),
            ("jit", "off"),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        MIGRATOR.run(&pool).await?;
        // The other half is for changes, long reads and the log.
        let readers = Arc::new(Readers::new(connections as usize / 2));
        let long_reads = Arc::new(Semaphore::new(connections as usize / 4));
        Ok(Self { pool, readers, long_reads })
    }

    /// Begins a transaction, on a connection that answers.
    ///
    /// # Errors
    /// The driver's, or that no connection is to be had.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut tries = Tries::with(&self.pool);
        loop {
            match self.pool.begin().await {
                Ok(transaction) => return Ok(transaction),
                Err(error) => tries.again(error.into())?,
            }
        }
    }

    /// Whether a record could be stored now: the database answers and takes writes.
    pub async fn is_ready(&self) -> bool {
        let question = sqlx::query_scalar::<_, bool>(
            "/* is_ready */ select not pg_is_in_recovery()
                and current_setting('transaction_read_only') = 'off'",
        )
        .fetch_one(&self.pool);
        matches!(tokio::time::timeout(READY_TIMEOUT, question).await, Ok(Ok(true)))
    }

    /// Waits for its turn to read without a limit of rows.
    pub(super) async fn long_read(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        match tokio::time::timeout(ACQUIRE_TIMEOUT, self.long_reads.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(sqlx::Error::PoolTimedOut.into()),
        }
    }

    /// Closes every connection when its work is done.
    pub async fn close(&self) {
        self.readers.release();
        self.pool.close().await;
    }
}
