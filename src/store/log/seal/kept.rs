//! What of the tree is kept, as it is verified: runs, tiles, checkpoints.

use super::checked::leaves_of;
use super::checkpoints::CheckpointRow;
use super::tiles::{self, TileRow, TreeView};
use super::tree::Run;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sqlx::FromRow;

/// How runs fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct RunsFound {
    /// The leaf before which there is a gap, or that two have.
    pub wrong_leaf: Option<i64>,
    /// The number that two have.
    pub wrong_number: Option<i64>,
    /// Behind the last leaf.
    pub leaves: i64,
    /// Tiles of leaves that there are not.
    pub tiles_ahead: i64,
    /// Checkpoints of sizes that the tree does not have.
    pub checkpoints_ahead: i64,
}

impl Store {
    /// How large the tree will be when all that waits now has its leaves.
    ///
    /// # Errors
    /// The store's.
    pub async fn size_to_come(&self) -> Result<i64, StoreError> {
        let found = sqlx::query_scalar(
            "/* size_to_come */ select (select size from log_tree) + (select coalesce(sum(n), 0)::bigint
                from log_pending, unnest(counts) n)",
        );
        Ok(found.fetch_one(&self.pool).await?)
    }

    /// The tree as it is.
    ///
    /// # Errors
    /// The store's; also that there is none that could be read.
    pub async fn tree_view(&self) -> Result<TreeView, StoreError> {
        tiles::view(&mut *self.pool.acquire().await?).await
    }

    /// Full tiles of a level, from one on, so many; in order.
    ///
    /// # Errors
    /// The store's.
    pub async fn tiles_from(
        &self,
        level: u8,
        first: u64,
        most: u64,
    ) -> Result<Vec<TileRow>, StoreError> {
        let sql = "/* tiles_from */ select level, tile, hashes from log_tiles
             where level = $1 and tile >= $2 and tile < $2 + $3 order by tile";
        let tiles = sqlx::query_as(sql).bind(i16::from(level));
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        Ok(tiles.bind(number(first)).bind(number(most)).fetch_all(&self.pool).await?)
    }

    /// Signed checkpoints up to a size of the tree, by size.
    ///
    /// # Errors
    /// The store's.
    pub async fn signed_checkpoints(
        &self,
        above: i64,
        most: i64,
    ) -> Result<Vec<CheckpointRow>, StoreError> {
        let sql =
            "/* signed_checkpoints */ select size, root, integrated_at, note, cms from log_checkpoints
             where note is not null and size > $1 order by size limit $2";
        Ok(sqlx::query_as(sql).bind(above).bind(most).fetch_all(&self.pool).await?)
    }

    /// Since when a size is committed that nobody has signed; the largest.
    ///
    /// # Errors
    /// The store's.
    pub async fn unsigned_since(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "/* unsigned_since */ select min(integrated_at) from log_checkpoints where note is null
             and size > (select coalesce(max(size), 0) from log_checkpoints where note is not null)";
        Ok(sqlx::query_scalar(sql).fetch_one(&self.pool).await?)
    }

    /// The number with which the last so many leaves begin.
    ///
    /// # Errors
    /// The store's.
    pub async fn number_before_last(&self, leaves: i64) -> Result<i64, StoreError> {
        let number: Option<i64> = sqlx::query_scalar(
            "/* number_before_last */ select min(first_number) from log_runs
             where first_leaf + count > (select size from log_tree) - $1",
        )
        .bind(leaves)
        .fetch_one(&self.pool)
        .await?;
        Ok(number.unwrap_or(i64::MIN))
    }

    /// The note of the largest checkpoint that was signed before a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_checkpoint_signed_by(
        &self,
        time: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let sql = "/* last_checkpoint_signed_by */ select note from log_checkpoints
             where note is not null and signed_at <= $1 order by size desc limit 1";
        Ok(sqlx::query_scalar(sql).bind(time).fetch_optional(&self.pool).await?)
    }

    /// The note of the smallest signed checkpoint of at least so many entries.
    ///
    /// # Errors
    /// The store's.
    pub async fn first_checkpoint_from(&self, size: u64) -> Result<Option<String>, StoreError> {
        let sql = "/* first_checkpoint_from */ select note from log_checkpoints
             where note is not null and size >= $1 order by size limit 1";
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        Ok(sqlx::query_scalar(sql).bind(size).fetch_optional(&self.pool).await?)
    }

    /// The note of the smallest signed checkpoint in which a running number is.
    ///
    /// # Errors
    /// The store's.
    pub async fn first_checkpoint_with(&self, number: i64) -> Result<Option<String>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let leaf = leaves_of(&mut connection, &[number]).await?.get(&number).copied();
        drop(connection);
        match leaf {
            Some(leaf) => self.first_checkpoint_from(leaf + 1).await,
            None => Ok(None),
        }
    }

    /// The newest notes, the newest first; only those to which witnesses have added something, when they are wanted.
    ///
    /// # Errors
    /// The store's.
    pub async fn newest_notes(
        &self,
        most: i64,
        witnessed: bool,
    ) -> Result<Vec<String>, StoreError> {
        let sql = "/* newest_notes */ select note from log_checkpoints
             where note is not null and (not $2 or witnessed_at is not null) order by size desc limit $1";
        let most = if witnessed { most } else { 1 };
        Ok(sqlx::query_scalar(sql).bind(most).bind(witnessed).fetch_all(&self.pool).await?)
    }

    /// A tile as it is stored, full or at the edge; `None`: there is nothing of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn tile_bytes(&self, level: u8, tile: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let view = self.tree_view().await?;
        let full = view.full_tiles(level);
        if tile < full {
            let rows = self.tiles_from(level, tile, 1).await?;
            return Ok(rows.into_iter().next().map(|row| row.hashes));
        }
        let at_edge = match level {
            0 => view.edge.entries().concat(),
            level => view.edge.hashes(level).concat(),
        };
        Ok((tile == full && !at_edge.is_empty()).then_some(at_edge))
    }

    /// How runs fit together.
    ///
    /// # Errors
    /// The store's.
    pub async fn runs_found(&self) -> Result<RunsFound, StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("set local statement_timeout = '1h'").execute(&mut *transaction).await?;
        Ok(sqlx::query_as(
            "/* runs_found */ select
                (select min(first_leaf) from (select first_leaf,
                    lag(first_leaf::numeric + count, 1, 0::numeric) over (order by first_leaf) as expected
                    from log_runs) r where first_leaf <> expected) as wrong_leaf,
                (select min(first_number) from (select first_number,
                    lag(first_number::numeric + count) over (order by first_number) as behind
                    from log_runs) r where first_number < behind) as wrong_number,
                coalesce((select least(max(first_leaf::numeric + count), 9e18) from log_runs), 0)::bigint as leaves,
                (select count(*) from log_tiles t where t.tile >= (select size from log_tree) >> (8 * (t.level + 1))) as tiles_ahead,
                (select count(*) from log_checkpoints where size > (select size from log_tree)) as checkpoints_ahead",
        )
        .fetch_one(&mut *transaction)
        .await?)
    }

    /// Runs, by number, behind one.
    ///
    /// # Errors
    /// The store's.
    pub async fn runs_behind(&self, number: i64, most: i64) -> Result<Vec<Run>, StoreError> {
        let sql = "/* runs_behind */ select first_leaf, first_number, count from log_runs
             where first_number > $1 order by first_number limit $2";
        Ok(sqlx::query_as(sql).bind(number).bind(most).fetch_all(&self.pool).await?)
    }
}
