//! The tree of the log: leaves are added under its row's lock, which whoever has it may.

use super::findings::{self, NewFinding};
use super::intake::Intake;
use super::notices::{self, NewNotice, StoredNotice};
use super::pending::{self, PendingBatch};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sigill_seal::entry::Kind;
use sigill_seal::tree::FullTile;
use sqlx::{FromRow, PgConnection, Postgres, Transaction};
use std::collections::HashMap;
use uuid::Uuid;

/// Nothing in such a transaction takes as long, and whoever has died is not waited for.
const LIMITS: &str = "/* limits_of_sealing */ select set_config('statement_timeout', '10s', true),
    set_config('idle_in_transaction_session_timeout', '10s', true)";

/// The tree as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct TreeRow {
    /// Its size.
    pub size: i64,
    /// What is in no full tile.
    pub edge: Vec<u8>,
    /// Its root.
    pub root: Vec<u8>,
    /// What only a process with the intake key can make of these.
    pub mac: Vec<u8>,
}

impl TreeRow {
    /// A tree as a process with the intake key makes it.
    pub fn made_by(intake: &Intake, size: i64, edge: Vec<u8>, root: Vec<u8>) -> Self {
        let mac = intake.mac_of_tree(size, &root, &edge).to_vec();
        Self { size, edge, root, mac }
    }

    /// Whether a process with the intake key has made it.
    pub fn is_made_by(&self, intake: &Intake) -> bool {
        intake.has_made_tree((self.size, &self.root, &self.edge), &self.mac)
    }
}

/// Running numbers that follow each other, with leaves that do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Run {
    /// The first leaf.
    pub first_leaf: i64,
    /// The first number.
    pub first_number: i64,
    /// How many.
    pub count: i32,
}

/// What a round has added to the tree.
#[derive(Debug)]
pub struct Grown {
    /// The tree with it.
    pub tree: TreeRow,
    /// Tiles that have become full.
    pub tiles: Vec<FullTile>,
    /// Which leaves the numbers have got.
    pub runs: Vec<Run>,
    /// Which batch of each sender comes next.
    pub steps: HashMap<Uuid, i64>,
    /// The batches that are in it.
    pub batches: Vec<i64>,
}

/// The tree while it is being changed: nobody else changes it.
pub struct TreeChange {
    transaction: Transaction<'static, Postgres>,
    /// As it was.
    pub tree: TreeRow,
}

/// What waits for its leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct WaitingForLeaf {
    /// How many entries, as far as that was counted.
    pub entries: i64,
    /// For how many seconds the oldest has waited.
    pub seconds: i64,
}

#[derive(FromRow)]
struct WriterStep {
    writer_id: Uuid,
    next_step: i64,
    mac: Vec<u8>,
}

impl Store {
    /// What waits for its leaf: of the first so many batches.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting_for_leaf(&self, batches: i64) -> Result<WaitingForLeaf, StoreError> {
        Ok(sqlx::query_as(
            "/* waiting_for_leaf */ select coalesce(sum(greatest(length(entries) / 33, 1)), 0)::bigint as entries,
                greatest(coalesce(extract(epoch from clock_timestamp() - min(stored_at) filter (where isfinite(stored_at))), 0), 0)::bigint as seconds
             from (select entries, stored_at from log_pending order by batch_number limit $1) p",
        )
        .bind(batches)
        .fetch_one(&self.pool)
        .await?)
    }

    /// Begins to change the tree; `None`: somebody else does.
    ///
    /// # Errors
    /// The store's.
    pub async fn change_tree(&self) -> Result<Option<TreeChange>, StoreError> {
        self.tree_locked("for update skip locked").await
    }

    /// The same, when it is our turn.
    ///
    /// # Errors
    /// The store's.
    pub async fn change_tree_in_turn(&self) -> Result<TreeChange, StoreError> {
        self.tree_locked("for update").await?.ok_or_else(no_tree)
    }

    async fn tree_locked(&self, lock: &str) -> Result<Option<TreeChange>, StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(LIMITS).execute(&mut *transaction).await?;
        let sql = format!("/* lock_tree */ select size, edge, root, mac from log_tree {lock}");
        let tree = sqlx::query_as(&sql).fetch_optional(&mut *transaction).await?;
        Ok(tree.map(|tree| TreeChange { transaction, tree }))
    }
}

/// The tree as it is.
pub(in crate::store::log) async fn tree(
    connection: &mut PgConnection,
) -> Result<TreeRow, StoreError> {
    let sql = "/* tree */ select size, edge, root, mac from log_tree";
    sqlx::query_as(sql).fetch_optional(connection).await?.ok_or_else(no_tree)
}

fn no_tree() -> StoreError {
    StoreError::Inconsistent { table: "log_tree", row: 1, what: "there is no row" }
}

impl TreeChange {
    /// The batches that came first.
    ///
    /// # Errors
    /// The store's.
    pub async fn batches(&mut self, most: i64) -> Result<Vec<PendingBatch>, StoreError> {
        pending::first_batches(&mut self.transaction, most).await
    }

    /// Which batch comes next of those senders that are known.
    ///
    /// # Errors
    /// The store's.
    pub async fn next_steps(
        &mut self,
        intake: &Intake,
        senders: &[Uuid],
    ) -> Result<HashMap<Uuid, i64>, StoreError> {
        let sql = "/* next_steps */ select writer_id, next_step, mac from log_writers where writer_id = any($1)";
        let steps: Vec<WriterStep> =
            sqlx::query_as(sql).bind(senders).fetch_all(&mut *self.transaction).await?;
        // What somebody else has put there says nothing.
        let made = steps
            .into_iter()
            .filter(|step| intake.has_made_step((step.writer_id, step.next_step), &step.mac));
        Ok(made.map(|step| (step.writer_id, step.next_step)).collect())
    }

    /// Takes away runs of leaves that the tree does not have; how many there were.
    ///
    /// # Errors
    /// The store's.
    pub async fn drop_runs_ahead(&mut self) -> Result<u64, StoreError> {
        let done = sqlx::query("/* runs_ahead */ delete from log_runs where first_leaf >= $1")
            .bind(self.tree.size)
            .execute(&mut *self.transaction)
            .await?;
        Ok(done.rows_affected())
    }

    /// Those of some batches of which a running number has a leaf already.
    ///
    /// # Errors
    /// The store's.
    pub async fn sealed_already(
        &mut self,
        batches: &[PendingBatch],
    ) -> Result<Vec<i64>, StoreError> {
        let (mut numbers, mut firsts, mut lasts) = (Vec::new(), Vec::new(), Vec::new());
        for batch in batches {
            for (first, entries) in batch.ranges().unwrap_or_default() {
                let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
                numbers.push(batch.batch_number);
                firsts.push(first);
                lasts.push(first.saturating_add(count - 1));
            }
        }
        Ok(sqlx::query_scalar(
            "/* sealed_already */ select distinct n.batch from unnest($1::bigint[], $2::bigint[], $3::bigint[])
                as n (batch, first, last)
             cross join lateral (select * from log_runs where first_number <= n.last
                order by first_number desc limit 1) r
             where r.first_number + r.count > n.first",
        )
        .bind(numbers)
        .bind(firsts)
        .bind(lasts)
        .fetch_all(&mut *self.transaction)
        .await?)
    }

    /// Puts a batch aside, as evidence.
    ///
    /// # Errors
    /// The store's.
    pub async fn refuse(&mut self, batch: i64, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "/* refuse_batch */ with refused as (delete from log_pending where batch_number = $1 returning *)
             insert into log_refused select refused.*, $2 from refused",
        )
        .bind(batch)
        .bind(now)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Keeps a finding.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_finding(
        &mut self,
        finding: &NewFinding,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        findings::add(&mut self.transaction, finding, now).await?;
        Ok(())
    }

    /// Notices of these kinds, in their order.
    ///
    /// # Errors
    /// The store's.
    pub async fn notices(&mut self, kinds: &[Kind]) -> Result<Vec<StoredNotice>, StoreError> {
        notices::of_kinds(&mut self.transaction, kinds).await
    }

    /// Stores a notice and sends it to the tree.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_notice(
        &mut self,
        intake: &Intake,
        new: &NewNotice<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        notices::add(&mut self.transaction, intake, new, now).await?;
        Ok(())
    }

    /// Acknowledges what was found about the log as a whole: it goes on otherwise.
    ///
    /// # Errors
    /// The store's.
    pub async fn acknowledge_whole(&mut self, now: Timestamp) -> Result<(), StoreError> {
        findings::acknowledge_whole(&mut self.transaction, now).await
    }

    /// Takes the tree over as it is, with another intake key: where that of before is lost, or the database is an older
    /// state.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_over(&mut self, intake: &Intake) -> Result<(), StoreError> {
        let tree = &self.tree;
        let mac = intake.mac_of_tree(tree.size, &tree.root, &tree.edge);
        sqlx::query("/* take_over_tree */ update log_tree set mac = $1")
            .bind(mac.as_slice())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// The last number of records from before sealing; `None`: there are none.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_of_before(&mut self) -> Result<Option<i64>, StoreError> {
        let sql = "/* last_of_before */ select last_number from log_adoption where last_number >= next_number";
        Ok(sqlx::query_scalar(sql).fetch_optional(&mut *self.transaction).await?)
    }

    /// The connection, for what else belongs to the same change.
    pub(in crate::store) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Adds what a round has made.
    ///
    /// # Errors
    /// The store's; also that a batch is gone.
    pub async fn grow(
        &mut self,
        intake: &Intake,
        grown: &Grown,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tiles = &grown.tiles;
        sqlx::query(
            // What is there before its time was put there by somebody else.
            "/* add_tiles */ insert into log_tiles (level, tile, hashes)
             select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])
             on conflict (level, tile) do update set hashes = excluded.hashes",
        )
        .bind(tiles.iter().map(|tile| i16::from(tile.level)).collect::<Vec<_>>())
        .bind(tiles.iter().map(|tile| number(tile.index)).collect::<Vec<_>>())
        .bind(tiles.iter().map(|tile| tile.bytes.as_slice()).collect::<Vec<_>>())
        .execute(&mut *self.transaction)
        .await?;
        let runs = &grown.runs;
        sqlx::query(
            "/* add_runs */ insert into log_runs (first_leaf, first_number, count)
             select * from unnest($1::bigint[], $2::bigint[], $3::integer[])",
        )
        .bind(runs.iter().map(|run| run.first_leaf).collect::<Vec<_>>())
        .bind(runs.iter().map(|run| run.first_number).collect::<Vec<_>>())
        .bind(runs.iter().map(|run| run.count).collect::<Vec<_>>())
        .execute(&mut *self.transaction)
        .await?;
        let (senders, steps): (Vec<Uuid>, Vec<i64>) =
            grown.steps.iter().map(|(id, step)| (*id, *step)).unzip();
        let macs: Vec<Vec<u8>> =
            grown.steps.iter().map(|(id, step)| intake.mac_of_step(*id, *step).to_vec()).collect();
        sqlx::query(
            "/* writers_seen */ insert into log_writers (writer_id, next_step, seen_at, mac)
             select id, step, $3, mac from unnest($1::uuid[], $2::bigint[], $4::bytea[]) as n (id, step, mac)
             on conflict (writer_id) do update set next_step = excluded.next_step, seen_at = excluded.seen_at,
                mac = excluded.mac",
        )
        .bind(senders)
        .bind(steps)
        .bind(now)
        .bind(macs)
        .execute(&mut *self.transaction)
        .await?;
        sqlx::query(
            "/* add_checkpoint */ insert into log_checkpoints (size, root, integrated_at) values ($1, $2, $3)
             on conflict (size) do update set root = excluded.root, integrated_at = excluded.integrated_at, note = null",
        )
        .bind(grown.tree.size)
        .bind(&grown.tree.root)
        .bind(now)
        .execute(&mut *self.transaction)
        .await?;
        sqlx::query(
            "/* grow_tree */ update log_tree set size = $1, edge = $2, root = $3, mac = $4",
        )
        .bind(grown.tree.size)
        .bind(&grown.tree.edge)
        .bind(&grown.tree.root)
        .bind(&grown.tree.mac)
        .execute(&mut *self.transaction)
        .await?;
        let done =
            sqlx::query("/* integrated */ delete from log_pending where batch_number = any($1)")
                .bind(&grown.batches)
                .execute(&mut *self.transaction)
                .await?;
        match done.rows_affected() {
            rows if rows == grown.batches.len() as u64 => Ok(()),
            rows => Err(StoreError::RowCount { what: "integrated batches", rows }),
        }
    }

    /// Makes it so.
    ///
    /// # Errors
    /// The store's; whether it was made so may be unknown.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
