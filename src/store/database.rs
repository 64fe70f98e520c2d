//! The store: connections to one `PostgreSQL` database, and its schema's version.
//!
//! Each kind of work has connections of its own, so that none takes another's: look-ups that decide
//! about access, log records, reads that may find much, the question whether the database answers,
//! and everything else.

use super::error::StoreError;
use super::log::available_times::AvailableTimes;
use super::log::seal::intake::Intake;
use super::long_reads::{Found, LongReads};
use super::lookups::{LookUps, PatientAt, PatientOf};
use super::readers::{ACQUIRE_TIMEOUT, Readers, Tries};
use super::readiness::{Answering, Readiness};
use super::turns::Turns;
use crate::fairness::address::Address;
use crate::fairness::shares::Percentages;
use crate::fairness::threads::gives_way;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, Transaction};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

static MIGRATOR: Migrator = sqlx::migrate!();

/// Connections to one `PostgreSQL` database.
#[derive(Debug, Clone)]
pub struct Store {
    connections: Arc<Connections>,
    /// For whom they are used.
    pub(super) asker: Address,
    pub(super) storing_time: StoringTime,
    intake: Option<Intake>,
}

/// Connections by what they are for.
#[derive(Debug)]
pub struct Connections {
    /// For changes and jobs.
    pub(super) pool: PgPool,
    /// For log records, of small calls and of large ones.
    log: [PgPool; 2],
    readiness: Readiness,
    pub(super) readers: Readers,
    pub(super) long: LongReads,
    pub(super) blocks_of: LookUps<PatientOf>,
    pub(super) assertions_at: LookUps<PatientAt>,
    pub(super) turns: Turns,
    pub(super) available: AvailableTimes,
}

/// Whose clock says when something was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoringTime {
    /// The database's, which several servers share.
    Database,
    /// That of whoever makes the change; for a clock that a test holds.
    Caller,
}

impl Store {
    /// Connects, and brings the schema to this program's version under a lock.
    ///
    /// # Errors
    /// A database that cannot be reached, a migration that fails, or a schema that is newer
    /// than this program.
    pub async fn open(
        options: PgConnectOptions,
        connections: u32,
        percentages: Percentages,
    ) -> Result<Self, StoreError> {
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
        let share = (connections / 8).max(1);
        let pool_of = |size| {
            PgPoolOptions::new()
                .max_connections(size)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
        };
        let pool = |size| pool_of(size).connect_lazy_with(options.clone());
        // Nobody waits for what a caller has left behind for long.
        let long_options = [("statement_timeout", "10s"), ("plan_cache_mode", "force_custom_plan")];
        let is_here = options.get_socket().is_some();
        // One more than two addresses can fill; others go before them in the database too.
        let long = pool_of(share + 1)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if is_here {
                        gives_way(process_of(connection).await?);
                    }
                    Ok(())
                })
            })
            .connect_lazy_with(options.clone().options(long_options));
        let rest = connections.saturating_sub(6 * share + 2).max(1);
        let count = share as usize;
        let connections = Connections {
            pool: pool(rest),
            log: [pool(share), pool(share)],
            readiness: Readiness::over(options.clone()),
            readers: Readers::new(pool(share), count, percentages.clone()),
            long: LongReads::new(long, count + 1, percentages),
            blocks_of: LookUps::new(pool(share), count),
            assertions_at: LookUps::new(pool(share), count),
            turns: Turns::default(),
            available: AvailableTimes::default(),
        };
        Ok(Self {
            connections: Arc::new(connections),
            asker: Address::OWN,
            storing_time: StoringTime::Database,
            intake: None,
        })
    }

    /// The same store, used for somebody else.
    pub fn asked_by(&self, asker: Address) -> Self {
        Self { asker, ..self.clone() }
    }

    /// The same store, with another clock to say when something was stored.
    pub fn with_storing_time(self, storing_time: StoringTime) -> Self {
        Self { storing_time, ..self }
    }

    /// The same store, with the key that takes what is stored in the log to its tree.
    pub fn with_intake(self, intake: Intake) -> Self {
        Self { intake: Some(intake), ..self }
    }

    /// The key that takes what is stored in the log to its tree.
    pub(super) fn intake(&self) -> Result<&Intake, StoreError> {
        self.intake.as_ref().ok_or(StoreError::NoIntakeKey)
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

    /// Reads what may be much, in its turn (see `LongReads::read`).
    pub(super) async fn read_at_length<T: Send + 'static>(
        &self,
        patience: Duration,
        read: impl AsyncFn(&mut PgConnection) -> Result<(T, usize), StoreError> + Send + 'static,
    ) -> Result<Found<T>, StoreError> {
        self.long.read(self.asker, patience, read).await
    }

    /// Whether the database answers, and takes changes.
    pub async fn answering(&self) -> Answering {
        self.readiness.ask().await
    }

    /// Closes every connection when its work is done.
    pub async fn close(&self) {
        self.readers.close().await;
        self.blocks_of.close().await;
        self.assertions_at.close().await;
        self.long.close().await;
        self.readiness.close().await;
        for pool in [&self.pool, &self.log[0], &self.log[1]] {
            pool.close().await;
        }
    }
}

impl Deref for Store {
    type Target = Connections;

    fn deref(&self) -> &Connections {
        &self.connections
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

/// Brings the schema to this program's version, however long that takes; a login that may not make tables finds it
/// there.
async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    let mut connection = options.connect().await?;
    let may_change: bool = sqlx::query_scalar(
        "/* may_migrate */ select has_schema_privilege(current_schema(), 'CREATE')",
    )
    .fetch_one(&mut connection)
    .await?;
    if may_change {
        MIGRATOR.run(&mut connection).await?;
    } else {
        let applied: Vec<i64> = sqlx::query_scalar(
            "/* applied */ select version from _sqlx_migrations where success order by version",
        )
        .fetch_all(&mut connection)
        .await?;
        if !MIGRATOR.iter().map(|migration| migration.version).eq(applied) {
            return Err(StoreError::OtherSchema);
        }
    }
    connection.close().await?;
    Ok(())
}

/// The process of the database's that answers a connection.
async fn process_of(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("/* process_of */ select pg_backend_pid()").fetch_one(connection).await
}
