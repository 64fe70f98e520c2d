//! Sizes and roots of the tree, and the notes that sign them.

use super::tiles::{self, TreeView};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sigill_seal::Hash;
use sqlx::{FromRow, Postgres, Transaction};

/// Held by who signs.
const LOCK: i64 = 0x5347_4C4C_5349_474E;

/// A size of the tree.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct CheckpointRow {
    /// The size.
    pub size: i64,
    /// The root.
    pub root: Vec<u8>,
    /// Since when it is committed.
    pub integrated_at: Timestamp,
    /// The signed note.
    pub note: Option<String>,
    /// The operator's own signature.
    pub cms: Option<Vec<u8>>,
}

/// The newest size that nobody has signed, while it is being signed.
pub struct Signing {
    transaction: Transaction<'static, Postgres>,
    /// What is to be signed.
    pub unsigned: CheckpointRow,
    /// What was signed last.
    pub last_note: Option<String>,
    /// The tree.
    pub view: TreeView,
}

const COLUMNS: &str = "size, root, integrated_at, note, cms";

impl Store {
    /// The newest checkpoint that is signed.
    ///
    /// # Errors
    /// The store's.
    pub async fn newest_checkpoint(&self) -> Result<Option<String>, StoreError> {
        let sql = "/* newest_checkpoint */ select note from log_checkpoints
             where note is not null order by size desc limit 1";
        Ok(sqlx::query_scalar(sql).fetch_optional(&self.pool).await?)
    }

    /// Begins to sign the newest size that has been committed before a time; `None`: there is none, or somebody
    /// else does.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin_signing(&self, before: Timestamp) -> Result<Option<Signing>, StoreError> {
        let mut transaction = self.begin().await?;
        let ours: bool = sqlx::query_scalar("/* sign */ select pg_try_advisory_xact_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut *transaction)
            .await?;
        if !ours {
            return Ok(None);
        }
        let newest = |which: &str| {
            format!(
                "/* checkpoint */ select {COLUMNS} from log_checkpoints where {which} order by size desc limit 1"
            )
        };
        let signed: Option<CheckpointRow> =
            sqlx::query_as(&newest("note is not null")).fetch_optional(&mut *transaction).await?;
        let above = signed.as_ref().map_or(0, |signed| signed.size);
        let sql = newest(
            "note is null and integrated_at <= $1 and size > $2 and size <= (select size from log_tree)",
        );
        let unsigned: Option<CheckpointRow> =
            sqlx::query_as(&sql).bind(before).bind(above).fetch_optional(&mut *transaction).await?;
        let Some(unsigned) = unsigned else { return Ok(None) };
        let view = tiles::view(&mut transaction).await?;
        let last_note = signed.and_then(|signed| signed.note);
        Ok(Some(Signing { transaction, unsigned, last_note, view }))
    }

    /// The tree as it is, with the proof that it, at `size`, goes on where that of `before` ended. No proof: it
    /// does not, or has not come so far.
    ///
    /// # Errors
    /// The store's.
    pub async fn tree_since(
        &self,
        sizes: Option<(u64, u64)>,
    ) -> Result<(TreeView, Option<Vec<Hash>>), StoreError> {
        let mut connection = self.pool.acquire().await?;
        let view = tiles::view(&mut connection).await?;
        let proof = match sizes {
            Some((size, before)) if size <= view.size() => {
                view.consistency(&mut connection, (size, before)).await?
            }
            _ => None,
        };
        Ok((view, proof))
    }

    /// Adds lines of signatures to the note of a size, unless they are in it.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_to_note(
        &self,
        size: i64,
        lines: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* add_to_note */ update log_checkpoints set note = note || $2, witnessed_at = $3
             where size = $1 and position($2 in note) = 0",
        )
        .bind(size)
        .bind(lines)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The newest checkpoint, if none of its hour has the operator's own signature.
    ///
    /// # Errors
    /// The store's.
    pub async fn without_operators_signature(&self) -> Result<Option<CheckpointRow>, StoreError> {
        let sql = format!(
            "/* without_cms */ select {COLUMNS} from log_checkpoints c
             where size = (select max(size) from log_checkpoints where note is not null)
               and not exists (select 1 from log_checkpoints s where s.cms is not null
                    and date_trunc('hour', s.integrated_at) = date_trunc('hour', c.integrated_at))"
        );
        Ok(sqlx::query_as(&sql).fetch_optional(&self.pool).await?)
    }

    /// Keeps the operator's own signature of a checkpoint.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_operators_signature(&self, size: i64, cms: &[u8]) -> Result<(), StoreError> {
        sqlx::query("/* keep_cms */ update log_checkpoints set cms = $2 where size = $1")
            .bind(size)
            .bind(cms)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Removes checkpoints of before a time, but one an hour; those that were never signed go with them. Forgets
    /// senders that have not been heard of since then.
    ///
    /// # Errors
    /// The store's.
    pub async fn thin_checkpoints(&self, before: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "/* thin_checkpoints */ delete from log_checkpoints c where integrated_at < $1 and cms is null
                and exists (select 1 from log_checkpoints l where l.size > c.size and l.note is not null
                    and date_trunc('hour', l.integrated_at) = date_trunc('hour', c.integrated_at))",
        )
        .bind(before)
        .execute(&self.pool)
        .await?;
        sqlx::query("/* forget_writers */ delete from log_writers where seen_at < $1")
            .bind(before)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

impl Signing {
    /// The proof that the tree goes on where what is to be signed ends.
    ///
    /// # Errors
    /// The store's.
    pub async fn until_now(&mut self) -> Result<Option<Vec<Hash>>, StoreError> {
        let size = u64::try_from(self.unsigned.size).unwrap_or_default();
        self.view.consistency(&mut self.transaction, (self.view.size(), size)).await
    }

    /// The proof that what is to be signed goes on where a tree of this size ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn since(&mut self, before: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        let size = u64::try_from(self.unsigned.size).unwrap_or_default();
        self.view.consistency(&mut self.transaction, (size, before)).await
    }

    /// Keeps the note, and forgets smaller sizes that nobody signed.
    ///
    /// # Errors
    /// The store's; whether the note is kept may be unknown.
    pub async fn signed(mut self, note: &str, now: Timestamp) -> Result<(), StoreError> {
        let size = self.unsigned.size;
        sqlx::query(
            "/* signed */ update log_checkpoints set note = $2, signed_at = $3 where size = $1",
        )
        .bind(size)
        .bind(note)
        .bind(now)
        .execute(&mut *self.transaction)
        .await?;
        sqlx::query("/* unsigned */ delete from log_checkpoints where size < $1 and note is null")
            .bind(size)
            .execute(&mut *self.transaction)
            .await?;
        Ok(self.transaction.commit().await?)
    }
}
