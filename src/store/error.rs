//! What can go wrong in the store. The texts are for the log, never for a caller.

use sqlx::postgres::PgQueryResult;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The driver or the database failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought to this program's version.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The schema is another than this program's, and this login may not bring it to its version.
    #[error(
        "the database has another version of the tables than this program, and this login may not change them: the owner's \
         does (database.owner_url, or sigill database migrate)"
    )]
    OtherSchema,
    /// A stored row makes no sense.
    #[error("inconsistent row {row} in {table}: {what}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The row's number.
        row: i64,
        /// What does not fit; no personal data.
        what: &'static str,
    },
    /// A change touched another number of rows than it must.
    #[error("{what} touched {rows} rows")]
    RowCount {
        /// The change.
        what: &'static str,
        /// How many rows it touched.
        rows: u64,
    },
    /// The connection broke at a commit: what was sent may or may not be stored.
    #[error("the outcome of a commit is unknown")]
    CommitUnknown,
    /// The database could not store a lot of log records; the cause has been told once for all.
    #[error("the database could not store log records")]
    Unavailable,
    /// Nothing can be stored in the log without the key that takes it to the tree.
    #[error("the log's keys are not here")]
    NoIntakeKey,
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    NoRandomness(std::io::Error),
    /// Too little space is left on the disk.
    #[error("too little space is left on the disk")]
    NoSpace,
    /// What is stored in the log cannot be shown to be what was sealed.
    #[error("the log is not as it was sealed")]
    Distrusted,
    /// What the service does by itself was refused, as a caller's would be; why has been told.
    #[error("what the service does by itself was refused")]
    Refused,
    /// The log writer ended before it answered.
    #[error("the log writer has stopped")]
    Stopped,
}

impl StoreError {
    /// Whether it was cut off by a limit of time: its own, or in a queue.
    pub fn took_too_long(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::PoolTimedOut) => true,
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| code == "57014")
            }
            _ => false,
        }
    }

    /// Whether the same would happen to anybody: it is the database, not what was asked of it.
    pub fn concerns_everybody(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                // Not writable, no resources, shut down, system error.
                let classes = ["25", "53", "57", "58"];
                error.code().is_some_and(|code| classes.iter().any(|c| code.starts_with(c)))
            }
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
            ),
            Self::CommitUnknown
            | Self::Unavailable
            | Self::NoIntakeKey
            | Self::NoRandomness(_)
            | Self::NoSpace
            | Self::Stopped => true,
            Self::Migration(_)
            | Self::OtherSchema
            | Self::Refused
            | Self::Inconsistent { .. }
            | Self::RowCount { .. }
            | Self::Distrusted => false,
        }
    }
}

/// A change of exactly one row.
///
/// # Errors
/// That it touched none, or several.
pub(super) fn ensure_one(done: &PgQueryResult, what: &'static str) -> Result<(), StoreError> {
    match done.rows_affected() {
        1 => Ok(()),
        rows => Err(StoreError::RowCount { what, rows }),
    }
}
