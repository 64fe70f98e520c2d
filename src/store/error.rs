//! What can go wrong in the store. The texts are for the log, never for a caller.

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The driver or the database failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought to this program's version.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored row makes no sense.
    #[error("inconsistent row in {table}: {what}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// What does not fit; no personal data.
        what: &'static str,
    },
    /// The connection broke at a commit: what was sent may or may not be stored.
    #[error("the outcome of a commit is unknown")]
    CommitUnknown,
    /// The log writer ended before it answered.
    #[error("the log writer has stopped")]
    Stopped,
}
