//! Logs of others whose checkpoints this service witnesses.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sqlx::{FromRow, Postgres, Transaction};

/// The last checkpoint of a log that was witnessed.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct WitnessedLog {
    /// Its size.
    pub size: i64,
    /// Its root.
    pub root: Vec<u8>,
}

/// A log while its next checkpoint is looked at: nobody else looks at one of it.
pub struct Witnessing {
    transaction: Transaction<'static, Postgres>,
    origin: String,
    /// The last one; nothing for a log that has not been witnessed yet.
    pub last: Option<WitnessedLog>,
}

impl Store {
    /// Begins to look at a log's next checkpoint.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin_witnessing(&self, origin: &str) -> Result<Witnessing, StoreError> {
        let mut transaction = self.begin().await?;
        // Also of a log that has no row yet there is one at a time.
        sqlx::query("/* witness */ select pg_advisory_xact_lock(hashtextextended($1, 1))")
            .bind(origin)
            .execute(&mut *transaction)
            .await?;
        let sql = "/* witnessed_log */ select size, root from witnessed_logs where origin = $1 for update";
        let last = sqlx::query_as(sql).bind(origin).fetch_optional(&mut *transaction).await?;
        Ok(Witnessing { transaction, origin: origin.to_owned(), last })
    }
}

impl Witnessing {
    /// Keeps the checkpoint as the last one.
    ///
    /// # Errors
    /// The store's; it must not be signed then.
    pub async fn keep(
        mut self,
        (size, root): (u64, &[u8]),
        note: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* keep_witnessed */ insert into witnessed_logs (origin, size, root, note, seen_at)
             values ($1, $2, $3, $4, $5)
             on conflict (origin) do update set size = excluded.size, root = excluded.root,
                note = excluded.note, seen_at = excluded.seen_at",
        )
        .bind(&self.origin)
        .bind(i64::try_from(size).unwrap_or(i64::MAX))
        .bind(root)
        .bind(note)
        .bind(now)
        .execute(&mut *self.transaction)
        .await?;
        Ok(self.transaction.commit().await?)
    }
}
