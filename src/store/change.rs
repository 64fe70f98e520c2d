//! A change under way: a transaction that holds its tenant's change clock.

use super::database::{Store, StoringTime};
use super::error::StoreError;
use super::readers::Tries;
use super::tenants::TenantId;
use crate::domain::time::{Timestamp, whole_second};
use crate::fairness::shares::HeldShare;
use sqlx::error::DatabaseError;
use sqlx::{FromRow, PgConnection, Postgres, Transaction};
use std::iter;

/// Domains whose changes consumers follow with cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeDomain {
    /// Blocks and temporary revokes.
    Blocking,
    /// Assertions.
    Consent,
}

impl ChangeDomain {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Consent => "consent",
        }
    }
}

/// A transaction in which blocks or assertions may be changed. Changes of one tenant and
/// domain are made one at a time, each with a storage time no earlier than any cursor that
/// has been given out.
pub struct Change {
    pub(super) transaction: Transaction<'static, Postgres>,
    pub(super) tenant: TenantId,
    domain: ChangeDomain,
    stored_at: Timestamp,
    storing_time: StoringTime,
    _turns: Vec<HeldShare>,
}

/// A tenant's change clock as it stands.
#[derive(FromRow)]
struct ClockRow {
    latest_at: Timestamp,
    now: Timestamp,
}

impl Store {
    /// Waits for its turn and begins a change; `national` is the tenant in which it may go on.
    ///
    /// # Errors
    /// The store's.
    pub async fn change(
        &self,
        tenant: TenantId,
        national: Option<TenantId>,
        domain: ChangeDomain,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let mut turns = Vec::with_capacity(2);
        // From local to national, and a national service has no other above it.
        for tenant in iter::once(tenant).chain(national) {
            turns.push(self.turns.wait((tenant.0, domain.name()), self.asker).await?);
        }
        let mut transaction = self.begin().await?;
        let storing_time = self.storing_time;
        let stored_at = tick(&mut transaction, tenant, domain, storing_time.by_caller(now)).await?;
        Ok(Change { transaction, tenant, domain, stored_at, storing_time, _turns: turns })
    }

    /// A cursor: every change that is not visible yet will be stored at or after it. A change that is
    /// being made does not hold it up, and no database that takes no changes.
    ///
    /// # Errors
    /// The store's.
    pub async fn cursor(
        &self,
        tenant: TenantId,
        domain: ChangeDomain,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let now = self.storing_time.by_caller(now);
        let query = || {
            sqlx::query(
                "/* cursor */ select latest_at, coalesce($3, clock_timestamp()) as now
                 from change_clocks where tenant_id = $1 and domain = $2",
            )
            .bind(tenant.0)
            .bind(domain.name())
            .bind(now)
        };
        let found = self.readers.fetch_all(self.asker, query).await?;
        let Some(row) = found.first() else { return self.first_cursor(tenant, domain, now).await };
        let ClockRow { latest_at, now } = ClockRow::from_row(row)?;
        // What is being changed now is stored no earlier than what is visible of the clock. It is
        // moved on so that what has been told is not told again, once a second and if nobody has it.
        if whole_second(latest_at) >= whole_second(now) {
            return Ok(latest_at);
        }
        let moved = sqlx::query_scalar(
            "/* move_clock */ with free as (select tenant_id, domain from change_clocks
                where tenant_id = $1 and domain = $2 for update skip locked)
             update change_clocks c set latest_at = greatest(c.latest_at, $3)
             from free where c.tenant_id = free.tenant_id and c.domain = free.domain
             returning c.latest_at",
        )
        .bind(tenant.0)
        .bind(domain.name())
        .bind(now)
        .fetch_optional(&self.pool)
        .await;
        match moved {
            Ok(moved) => Ok(moved.unwrap_or(latest_at)),
            Err(error) => {
                tracing::warn!(%error, "cursor not moved on");
                Ok(latest_at)
            }
        }
    }

    /// The cursor where nothing has been changed yet.
    async fn first_cursor(
        &self,
        tenant: TenantId,
        domain: ChangeDomain,
        now: Option<Timestamp>,
    ) -> Result<Timestamp, StoreError> {
        let mut tries = Tries::with(&self.pool);
        loop {
            let mut connection = self.pool.acquire().await?;
            match tick(&mut connection, tenant, domain, now).await {
                Ok(cursor) => return Ok(cursor),
                Err(StoreError::Database(error)) if is_read_only(&error) => {
                    return Ok(Timestamp::UNIX_EPOCH);
                }
                Err(error) => tries.again(error)?,
            }
        }
    }
}

/// Whether the database takes no changes.
fn is_read_only(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == "25006")
}

impl StoringTime {
    /// The caller's time where that counts.
    fn by_caller(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Database => None,
            Self::Caller => Some(now),
        }
    }
}

impl Change {
    /// The time that this change is stored at.
    pub fn stored_at(&self) -> Timestamp {
        self.stored_at
    }

    /// Goes on with another tenant's data of the same domain: both are changed, or neither.
    /// Locks are taken from local to national, and a national service has no other above it.
    ///
    /// # Errors
    /// The store's.
    pub async fn go_on_in(&mut self, tenant: TenantId, now: Timestamp) -> Result<(), StoreError> {
        let now = self.storing_time.by_caller(now);
        self.stored_at = tick(&mut self.transaction, tenant, self.domain, now).await?;
        self.tenant = tenant;
        Ok(())
    }

    /// The second that a removal is told with: its own, or the next after the one before, so that
    /// consumers notice each of two removals in one second.
    pub(super) async fn removal_told_at(&mut self) -> Result<Timestamp, StoreError> {
        let told = sqlx::query_scalar(
            "/* removal_told_at */ update change_clocks
             set latest_removal_told_at = greatest(date_trunc('second', $3::timestamptz),
                latest_removal_told_at + interval '1 second')
             where tenant_id = $1 and domain = $2 returning latest_removal_told_at",
        )
        .bind(self.tenant.0)
        .bind(self.domain.name())
        .bind(self.stored_at)
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok(told)
    }

    /// Makes the change durable and visible.
    ///
    /// # Errors
    /// The store's; then nothing has been changed.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await?;
        Ok(())
    }
}

/// Moves the clock on to `now`, or the database's time, and holds it until the transaction ends.
async fn tick(
    connection: &mut PgConnection,
    tenant: TenantId,
    domain: ChangeDomain,
    now: Option<Timestamp>,
) -> Result<Timestamp, StoreError> {
    let latest = sqlx::query_scalar(
        "/* tick */ insert into change_clocks as c (tenant_id, domain, latest_at)
         values ($1, $2, coalesce($3, clock_timestamp()))
         on conflict (tenant_id, domain) do update
         set latest_at = greatest(c.latest_at, coalesce($3, clock_timestamp()))
         returning latest_at",
    )
    .bind(tenant.0)
    .bind(domain.name())
    .bind(now)
    .fetch_one(connection)
    .await?;
    Ok(latest)
}
