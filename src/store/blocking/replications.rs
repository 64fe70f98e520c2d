//! What the national service has not confirmed: queued with the change, leased while it is
//! being sent, removed when confirmed.
//!
//! What concerns a block goes in order, whichever process sends it: a temporary revoke waits for
//! its block's changes and its own, a change of the block for everything before it. What a removal
//! makes void is dropped when the removal is queued, so that a refusal cannot hold it up. Leases
//! follow the database's clock, the one that all processes share.

use super::blocks::{BLOCK_COLUMNS, BlockRow};
use super::changes::{BlockNumber, RevokeNumber};
use super::history::{REVOKE_COLUMNS, RevokeRow};
use crate::domain::blocking::block::{Block, TemporaryRevoke};
use crate::domain::blocking::replication::NoticeKind;
use crate::store::change::Change;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use sqlx::{FromRow, PgConnection};
use std::time::Duration;

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued {
    block: BlockNumber,
    revoke: Option<RevokeNumber>,
    number: i64,
}

/// A change that this process may send until its lease ends, with what it is about.
#[derive(Debug, Clone)]
pub struct Leased {
    /// Its place in the queue.
    pub place: Queued,
    /// How often it has been taken up, this time included.
    pub attempts: u32,
    /// What is to be told.
    pub kind: NoticeKind,
    /// The block as it stands now, without its revokes.
    pub block: Block,
    /// The temporary revoke that it is about, as it stands now.
    pub revoke: Option<TemporaryRevoke>,
}

/// What taking up the first change of a block came to.
#[derive(Debug)]
pub enum Next {
    /// It can be sent.
    Ready(Box<Leased>),
    /// Somebody else is sending it.
    Elsewhere,
    /// Nothing is left up to the place asked for.
    Nothing,
}

/// A row that has been leased.
#[derive(FromRow)]
struct LeasedRow {
    replication_number: i64,
    block_number: i64,
    revoke_number: Option<i64>,
    kind: String,
    attempts: i32,
}

const LEASED_COLUMNS: &str =
    "r.replication_number, r.block_number, r.revoke_number, r.kind, r.attempts";

impl Change {
    /// Queues what the national service must be told of this change, and drops what that makes
    /// void.
    ///
    /// # Errors
    /// The store's.
    pub async fn queue(
        &mut self,
        kind: NoticeKind,
        block: BlockNumber,
        revoke: Option<RevokeNumber>,
    ) -> Result<Queued, StoreError> {
        let revoke = match kind {
            NoticeKind::RegisterBlock | NoticeKind::UnregisterBlock => None,
            NoticeKind::RegisterTemporaryRevoke | NoticeKind::UnregisterTemporaryRevoke => revoke,
        };
        if matches!(kind, NoticeKind::UnregisterBlock | NoticeKind::UnregisterTemporaryRevoke) {
            sqlx::query(
                "/* queue */ delete from replications where block_number = $1
                   and coalesce(revoke_number = $2, $2 is null) and coalesce(leased_until <= now(), true)",
            )
            .bind(block.0)
            .bind(revoke.map(|r| r.0))
            .execute(&mut *self.transaction)
            .await?;
        }
        let number = sqlx::query_scalar(
            "/* queue */ insert into replications (tenant_id, block_number, revoke_number, kind, queued_at)
             values ($1, $2, $3, $4, $5) returning replication_number",
        )
        .bind(self.tenant.0)
        .bind(block.0)
        .bind(revoke.map(|r| r.0))
        .bind(kind.name())
        .bind(self.stored_at())
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok(Queued { block, revoke, number })
    }

    /// The place of a change that is still queued.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_queued(
        &mut self,
        kind: NoticeKind,
        block: BlockNumber,
        revoke: Option<RevokeNumber>,
    ) -> Result<Option<Queued>, StoreError> {
        let number: Option<i64> = sqlx::query_scalar(
            "/* find_queued */ select max(replication_number) from replications
             where block_number = $1 and revoke_number is not distinct from $2 and kind = $3",
        )
        .bind(block.0)
        .bind(revoke.map(|r| r.0))
        .bind(kind.name())
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok(number.map(|number| Queued { block, revoke, number }))
    }

    /// The last place of a block in the queue, if anything of it waits.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_last_queued(
        &mut self,
        block: BlockNumber,
    ) -> Result<Option<Queued>, StoreError> {
        let sql = "/* find_last_queued */ select max(replication_number) from replications where block_number = $1";
        let number: Option<i64> =
            sqlx::query_scalar(sql).bind(block.0).fetch_one(&mut *self.transaction).await?;
        Ok(number.map(|number| Queued { block, revoke: None, number }))
    }

    /// Clears the way for a new start: what is queued of the block is dropped if it has failed
    /// and nobody is sending it. `false` when something of the block is on its way.
    ///
    /// # Errors
    /// The store's.
    pub async fn drop_failing(&mut self, block: BlockNumber) -> Result<bool, StoreError> {
        sqlx::query(
            "/* drop_failing */ delete from replications r
             where block_number = $1 and coalesce(leased_until <= now(), true)
               and exists (select 1 from replications f
                    where f.block_number = r.block_number and f.failure is not null)",
        )
        .bind(block.0)
        .execute(&mut *self.transaction)
        .await?;
        let sql = "/* drop_failing */ select not exists (select 1 from replications where block_number = $1)";
        Ok(sqlx::query_scalar(sql).bind(block.0).fetch_one(&mut *self.transaction).await?)
    }
}

impl Store {
    /// Takes up to `count` changes, the oldest first, each the first of what it waits for.
    ///
    /// # Errors
    /// The store's.
    pub async fn lease_replications(
        &self,
        tenant: TenantId,
        count: usize,
        lease: Duration,
    ) -> Result<Vec<Leased>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let sql = format!(
            "/* lease_replications */ with first as (
                select replication_number from replications r
                where tenant_id = $1 and due_at <= now() and coalesce(leased_until <= now(), true)
                  and not exists (select 1 from replications e
                    where e.block_number = r.block_number and e.replication_number < r.replication_number
                      and coalesce(e.revoke_number = r.revoke_number, true))
                order by replication_number limit $2 for update skip locked)
             update replications r set attempts = attempts + 1, leased_until = now() + $3
             from first where r.replication_number = first.replication_number
             returning {LEASED_COLUMNS}"
        );
        let rows: Vec<LeasedRow> = sqlx::query_as(&sql)
            .bind(tenant.0)
            .bind(i64::try_from(count).unwrap_or(i64::MAX))
            .bind(lease)
            .fetch_all(&mut *connection)
            .await?;
        let mut leased = Vec::new();
        for row in rows {
            let number = row.replication_number;
            match leased_of(&mut connection, row).await {
                Ok(change) => leased.push(change),
                Err(error @ StoreError::Inconsistent { .. }) => {
                    // Somebody must look at it; the others go on.
                    tracing::error!(%error, "replication");
                    set_aside(&mut connection, number).await?;
                }
                Err(error) => return Err(error),
            }
        }
        leased.sort_by_key(|l| l.place.number);
        Ok(leased)
    }

    /// Takes up the first change that the one at `place` waits for, or that one, due or not.
    ///
    /// # Errors
    /// The store's.
    pub async fn lease_replication_of(
        &self,
        place: Queued,
        lease: Duration,
    ) -> Result<Next, StoreError> {
        const BEFORE: &str = "block_number = $1 and replication_number <= $2
            and ($3::bigint is null or coalesce(revoke_number = $3, true))";
        let mut connection = self.pool.acquire().await?;
        let sql = format!(
            "/* lease_replication_of */ update replications r
             set attempts = attempts + 1, leased_until = now() + $4
             where replication_number = (select min(replication_number) from replications where {BEFORE})
               and coalesce(leased_until <= now(), true)
             returning {LEASED_COLUMNS}"
        );
        let row: Option<LeasedRow> = sqlx::query_as(&sql)
            .bind(place.block.0)
            .bind(place.number)
            .bind(place.revoke.map(|r| r.0))
            .bind(lease)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = row {
            return Ok(Next::Ready(Box::new(leased_of(&mut connection, row).await?)));
        }
        let sql = format!(
            "/* lease_replication_of */ select exists (select 1 from replications where {BEFORE})"
        );
        let left: bool = sqlx::query_scalar(&sql)
            .bind(place.block.0)
            .bind(place.number)
            .bind(place.revoke.map(|r| r.0))
            .fetch_one(&mut *connection)
            .await?;
        Ok(if left { Next::Elsewhere } else { Next::Nothing })
    }

    /// The national service has confirmed the change.
    ///
    /// # Errors
    /// The store's.
    pub async fn confirm_replication(&self, leased: &Leased) -> Result<(), StoreError> {
        // Whoever confirmed it, it is done: the lease need not be ours any more, nor the row there.
        let sql =
            "/* confirm_replication */ delete from replications where replication_number = $1";
        sqlx::query(sql).bind(leased.place.number).execute(&self.pool).await?;
        Ok(())
    }

    /// The change could not be told: it waits before it is sent again of itself. One whose lease
    /// is no longer ours is left to whoever has it.
    ///
    /// # Errors
    /// The store's.
    pub async fn postpone_replication(
        &self,
        leased: &Leased,
        failure: &str,
        wait: Duration,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* postpone_replication */ update replications
             set leased_until = null, due_at = now() + $4, failure = $3
             where replication_number = $1 and attempts = $2",
        )
        .bind(leased.place.number)
        .bind(i32::try_from(leased.attempts).unwrap_or(i32::MAX))
        .bind(failure)
        // An interval has microseconds.
        .bind(Duration::from_micros(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The change was not sent after all.
    ///
    /// # Errors
    /// The store's.
    pub async fn release_replication(&self, leased: &Leased) -> Result<(), StoreError> {
        sqlx::query(
            "/* release_replication */ update replications set leased_until = null
             where replication_number = $1 and attempts = $2",
        )
        .bind(leased.place.number)
        .bind(i32::try_from(leased.attempts).unwrap_or(i32::MAX))
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// A change whose rows make no sense waits, and is seen among those that fail.
async fn set_aside(connection: &mut PgConnection, number: i64) -> Result<(), StoreError> {
    sqlx::query(
        "/* set_aside */ update replications set leased_until = null, failure = 'inconsistent row',
            due_at = now() + interval '5 minutes' where replication_number = $1",
    )
    .bind(number)
    .execute(connection)
    .await?;
    Ok(())
}

/// A leased row with what it is about.
async fn leased_of(connection: &mut PgConnection, row: LeasedRow) -> Result<Leased, StoreError> {
    let at = Origin { table: "replications", row: row.replication_number };
    let sql =
        format!("/* leased_of */ select {BLOCK_COLUMNS} from blocks b where block_number = $1");
    let block = sqlx::query(&sql).bind(row.block_number).fetch_one(&mut *connection).await?;
    let block = BlockRow::from_row(&block)?.block(|| Ok(()))?;
    let revoke = match row.revoke_number {
        None => None,
        Some(number) => {
            let sql = format!(
                "/* leased_of */ select {REVOKE_COLUMNS}
                 from temporary_revokes r join blocks b using (block_number) where revoke_number = $1"
            );
            let revoke = sqlx::query(&sql).bind(number).fetch_one(connection).await?;
            Some(RevokeRow::from_row(&revoke)?.revoke()?)
        }
    };
    let kind = NoticeKind::ALL.into_iter().find(|kind| kind.name() == row.kind);
    let kind = kind.ok_or_else(|| at.inconsistent("unknown kind of notice"))?;
    let (block_number, revoke_number) =
        (BlockNumber(row.block_number), row.revoke_number.map(RevokeNumber));
    let place =
        Queued { block: block_number, revoke: revoke_number, number: row.replication_number };
    let attempts = u32::try_from(row.attempts).unwrap_or(0);
    Ok(Leased { place, attempts, kind, block, revoke })
}
