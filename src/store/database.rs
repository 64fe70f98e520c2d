//! The store: connections to one `PostgreSQL` database, and its schema's version.
//!
//! Each kind of work has connections of its own, so that none takes another's: look-ups that decide
//! about access, log records, the question whether the database answers, and everything else.

use super::error::StoreError;
use super::lookups::{LookUps, PatientAt, PatientOf};
use super::readers::{ACQUIRE_TIMEOUT, Readers, Tries};
use super::turns::Turns;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, Postgres, Transaction};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long the readiness question may take.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

static MIGRATOR: Migrator = sqlx::migrate!();

/// Connections to one `PostgreSQL` database.
#[derive(Debug, Clone)]
pub struct Store {
    /// For changes, pages and jobs.
    pub(super) pool: PgPool,
    /// For log records, of small calls and of large ones.
    log: [PgPool; 2],
    ready: PgPool,
    pub(super) readers: Arc<Readers>,
    pub(super) blocks_of: LookUps<PatientOf>,
    pub(super) assertions_at: LookUps<PatientAt>,
    pub(super) turns: Turns,
    pub(super) storing_time: StoringTime,
    /// Pages of long answers that are read at one time.
    pages: Arc<Semaphore>,
    /// Whole answers that may be long.
    whole: Arc<Semaphore>,
}

/// Whose clock says when something was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoringTime {
    /// The database's, which several servers share.
    Database,
    /// That of whoever makes the change; for a clock that a test holds.
    Caller,
}

/// Whether the database answers, and takes changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// Neither.
    No,
    /// It answers, and takes no changes.
    ReadOnly,
    /// Both.
    Fully,
}

impl Store {
    /// Connects, and brings the schema to this program's version under a lock.
    ///
    /// # Errors
    /// A database that cannot be reached, a migration that fails, or a schema that is newer
    /// than this program.
    pub async fn open(options: PgConnectOptions, connections: u32) -> Result<Self, StoreError> {
        // Statements carry the name of their function; what fails is logged where it is handled.
        let options =
            options.disable_statement_logging().options([("timezone", "UTC"), ("jit", "off")]);
        migrate(&options).await?;
        // A lost call must not hold what others wait for.
        let options = options.options([
            ("statement_timeout", "60s"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "60s"),
        ]);
        let share = (connections / 6).max(1);
        let pool = |size| {
            PgPoolOptions::new()
                .max_connections(size)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
                .connect_lazy_with(options.clone())
        };
        let rest = connections.saturating_sub(5 * share + 1).max(1);
        let count = share as usize;
        Ok(Self {
            pool: pool(rest),
            log: [pool(share), pool(share)],
            ready: pool(1),
            readers: Arc::new(Readers::new(pool(share), count)),
            blocks_of: LookUps::new(pool(share), count),
            assertions_at: LookUps::new(pool(share), count),
            turns: Turns::default(),
            storing_time: StoringTime::Database,
            pages: Arc::new(Semaphore::new((rest as usize / 3).max(1))),
            whole: Arc::new(Semaphore::new((rest as usize / 3).max(1))),
        })
    }

    /// The same store, with another clock to say when something was stored.
    pub fn with_storing_time(self, storing_time: StoringTime) -> Self {
        Self { storing_time, ..self }
    }

    /// Begins a transaction, on a connection that answers.
    ///
    /// # Errors
    /// The driver's, or that no connection is to be had.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        begin(&self.pool).await
    }

    /// The same, on a connection for log records of small calls or of large ones.
    pub(super) async fn begin_log(
        &self,
        large: bool,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        begin(&self.log[usize::from(large)]).await
    }

    /// How many log records of either may be stored at one time.
    pub(super) fn log_connections(&self) -> usize {
        self.log[0].options().get_max_connections() as usize
    }

    /// Whether the database answers, and takes changes.
    pub async fn answering(&self) -> Answering {
        let question = async {
            let mut tries = Tries::with(&self.ready);
            loop {
                let asked = sqlx::query_scalar::<_, bool>(
                    "/* answering */ select not pg_is_in_recovery()
                        and current_setting('transaction_read_only') = 'off'",
                )
                .fetch_one(&self.ready);
                match asked.await {
                    Ok(takes_changes) => return Ok(takes_changes),
                    Err(error) => tries.again(error.into())?,
                }
            }
        };
        match tokio::time::timeout(READY_TIMEOUT, question).await {
            Ok(Ok(true)) => Answering::Fully,
            Ok(Ok(false)) => Answering::ReadOnly,
            Ok(Err::<_, StoreError>(_)) | Err(_) => Answering::No,
        }
    }

    /// The rows of a query, on a connection that answers; `query` makes it anew for each try.
    pub(super) async fn retried<'q>(
        &self,
        query: impl Fn() -> Query<'q, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let mut tries = Tries::with(&self.pool);
        loop {
            match query().fetch_all(&self.pool).await {
                Ok(rows) => return Ok(rows),
                Err(error) => tries.again(error.into())?,
            }
        }
    }

    /// Waits for its turn to read a page of a long answer.
    pub(super) async fn page_turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        turn(&self.pages).await
    }

    /// Waits for its turn to read a whole answer that may be long.
    pub(super) async fn whole_turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        turn(&self.whole).await
    }

    /// Closes every connection when its work is done.
    pub async fn close(&self) {
        self.readers.close().await;
        self.blocks_of.close().await;
        self.assertions_at.close().await;
        for pool in [&self.pool, &self.log[0], &self.log[1], &self.ready] {
            pool.close().await;
        }
    }
}

async fn turn(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
    match tokio::time::timeout(ACQUIRE_TIMEOUT, Arc::clone(turns).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(sqlx::Error::PoolTimedOut.into()),
    }
}

async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, StoreError> {
    let mut tries = Tries::with(pool);
    loop {
        match pool.begin().await {
            Ok(transaction) => return Ok(transaction),
            Err(error) => tries.again(error.into())?,
        }
    }
}

/// Brings the schema to this program's version, however long that takes.
async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    let mut connection = options.connect().await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
