//! What the national service has not confirmed: queued with the change, leased while it is
//! being sent, removed when confirmed.
//!
//! Only the first of a block can be taken up, so the changes of a block go in order and one
//! at a time, whichever process sends them. Leases follow the database's clock, the one that
//! all processes share.

use super::block_changes::{BlockNumber, RevokeNumber};
use super::blocks::{COLUMNS, block_of, record_id, revoke_of};
use super::{Change, Store, StoreError, TenantId};
use crate::domain::block_change::Registration;
use crate::domain::block_lifecycle::RevokeHistory;
use crate::domain::identity::RecordId;
use crate::domain::replication::{Kind, Message};
use crate::domain::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::time::Duration;

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued {
    block: BlockNumber,
    number: i64,
}

/// A change that this process may send until its lease ends.
#[derive(Debug, Clone)]
pub struct Leased {
    /// Its place in the queue.
    pub place: Queued,
    /// How often it has been taken up, this time included.
    pub attempts: u32,
    /// What to tell.
    pub message: Message,
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

impl Change {
    /// Queues what the national service must be told of this change.
    ///
    /// # Errors
    /// The store's.
    pub async fn queue(
        &mut self,
        kind: Kind,
        block: BlockNumber,
        revoke: Option<RevokeNumber>,
    ) -> Result<Queued, StoreError> {
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
        Ok(Queued { block, number })
    }

    /// The place of a change that is still queued.
    ///
    /// # Errors
    /// The store's.
    pub async fn queued(
        &mut self,
        kind: Kind,
        block: BlockNumber,
        revoke: Option<RevokeNumber>,
    ) -> Result<Option<Queued>, StoreError> {
        let number: Option<i64> = sqlx::query_scalar(
            "/* queued */ select max(replication_number) from replications
             where block_number = $1 and revoke_number is not distinct from $2 and kind = $3",
        )
        .bind(block.0)
        .bind(revoke.map(|r| r.0))
        .bind(kind.name())
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok(number.map(|number| Queued { block, number }))
    }

    /// The temporary revokes of a block that are in force.
    ///
    /// # Errors
    /// The store's.
    pub async fn revokes_in_force(
        &mut self,
        block: BlockNumber,
        now: Timestamp,
    ) -> Result<Vec<RecordId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "/* revokes_in_force */ select revoke_id from temporary_revokes
             where block_number = $1 and cancelled_at is null and end_at > $2 order by revoke_number",
        )
        .bind(block.0)
        .bind(now)
        .fetch_all(&mut *self.transaction)
        .await?;
        ids.iter().map(|id| record_id(id, "temporary_revokes")).collect()
    }

    /// The last place of a block in the queue, if anything of it waits.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_queued(&mut self, block: BlockNumber) -> Result<Option<Queued>, StoreError> {
        let sql = "/* last_queued */ select max(replication_number) from replications where block_number = $1";
        let number: Option<i64> =
            sqlx::query_scalar(sql).bind(block.0).fetch_one(&mut *self.transaction).await?;
        Ok(number.map(|number| Queued { block, number }))
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
    /// Takes up to `count` changes, the oldest first, each the first of its block.
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
        let rows = sqlx::query(
            "/* lease_replications */ with first as (
                select replication_number from replications r
                where tenant_id = $1 and due_at <= now() and coalesce(leased_until <= now(), true)
                  and not exists (select 1 from replications e
                    where e.block_number = r.block_number and e.replication_number < r.replication_number)
                order by replication_number limit $2 for update skip locked)
             update replications r set attempts = attempts + 1, leased_until = now() + $3
             from first where r.replication_number = first.replication_number
             returning r.replication_number, r.block_number, r.revoke_number, r.kind, r.attempts",
        )
        .bind(tenant.0)
        .bind(i64::try_from(count).unwrap_or(i64::MAX))
        .bind(lease)
        .fetch_all(&mut *connection)
        .await?;
        let mut leased = Vec::new();
        for row in &rows {
            leased.push(leased_of(&mut connection, row).await?);
        }
        leased.sort_by_key(|l| l.place.number);
        Ok(leased)
    }

    /// Takes up the first change of a block, due or not, if it is not behind `place`.
    ///
    /// # Errors
    /// The store's.
    pub async fn lease_replication_of(
        &self,
        place: Queued,
        lease: Duration,
    ) -> Result<Next, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let row = sqlx::query(
            "/* lease_replication_of */ update replications
             set attempts = attempts + 1, leased_until = now() + $3
             where replication_number = (select min(replication_number) from replications
                where block_number = $1 and replication_number <= $2)
               and coalesce(leased_until <= now(), true)
             returning replication_number, block_number, revoke_number, kind, attempts",
        )
        .bind(place.block.0)
        .bind(place.number)
        .bind(lease)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(row) = row {
            return Ok(Next::Ready(Box::new(leased_of(&mut connection, &row).await?)));
        }
        let left: bool = sqlx::query_scalar(
            "/* lease_replication_of */ select exists (select 1 from replications
                where block_number = $1 and replication_number <= $2)",
        )
        .bind(place.block.0)
        .bind(place.number)
        .fetch_one(&mut *connection)
        .await?;
        Ok(if left { Next::Elsewhere } else { Next::Nothing })
    }

    /// The national service has confirmed the change.
    ///
    /// # Errors
    /// The store's.
    pub async fn confirm_replication(&self, leased: &Leased) -> Result<(), StoreError> {
        // Whoever confirmed it, it is done: the lease need not be ours any more.
        let sql =
            "/* confirm_replication */ delete from replications where replication_number = $1";
        sqlx::query(sql).bind(leased.place.number).execute(&self.pool).await?;
        Ok(())
    }

    /// The change could not be told: it waits before it is sent again of itself.
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

/// A row of (replication_number, block_number, revoke_number, kind, attempts) with what it is about.
async fn leased_of(connection: &mut PgConnection, row: &PgRow) -> Result<Leased, StoreError> {
    let (number, block, revoke): (i64, i64, Option<i64>) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let kind: &str = row.try_get(3)?;
    let kind = Kind::ALL.into_iter().find(|k| k.name() == kind);
    let attempts: i32 = row.try_get(4)?;
    let sql = format!(
        "/* leased_of */ select {COLUMNS} from blocks b
         left join temporary_revokes r on r.block_number = b.block_number and r.revoke_number = $2
         where b.block_number = $1"
    );
    let facts = sqlx::query(&sql).bind(block).bind(revoke).fetch_one(connection).await?;
    let of_block = block_of(&facts)?;
    let message = match (kind, revoke_of(&facts)?) {
        (Some(Kind::RegisterBlock), None) => {
            Message::register(&Registration { block: of_block, action: None })
        }
        (Some(Kind::UnregisterBlock), None) => Message::UnregisterBlock(of_block.id),
        (Some(Kind::RegisterTemporaryRevoke), Some(revoke)) => {
            let block = of_block.id;
            let basic = RevokeHistory { revoke, block, details: None, cancelled: None };
            Message::RegisterTemporaryRevoke(basic)
        }
        (Some(Kind::UnregisterTemporaryRevoke), Some(revoke)) => {
            Message::UnregisterTemporaryRevoke(revoke.id)
        }
        _ => return Err(StoreError::Inconsistent { table: "replications", what: "kind" }),
    };
    let attempts = u32::try_from(attempts).unwrap_or(0);
    Ok(Leased { place: Queued { block: BlockNumber(block), number }, attempts, message })
}
