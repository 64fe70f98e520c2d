//! A change under way: a transaction that holds its tenant's change clock.

use super::database::Store;
use super::error::StoreError;
use super::readers::Tries;
use super::tenants::TenantId;
use crate::domain::time::Timestamp;
use sqlx::{PgConnection, Postgres, Transaction};

/// Domains whose changes consumers follow with cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeDomain {
    /// Blocks and temporary revokes.
    Blocking,
    /// Assertions.
    Consent,
}

impl ChangeDomain {
    fn name(self) -> &'static str {
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
}

impl Store {
    /// Begins a change and waits for its turn.
    ///
    /// # Errors
    /// The store's.
    pub async fn change(
        &self,
        tenant: TenantId,
        domain: ChangeDomain,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let mut transaction = self.begin().await?;
        let stored_at = tick(&mut transaction, tenant, domain, now).await?;
        Ok(Change { transaction, tenant, domain, stored_at })
    }

    /// A cursor: every change that is not visible yet will be stored at or after it.
    ///
    /// # Errors
    /// The store's.
    pub async fn cursor(
        &self,
        tenant: TenantId,
        domain: ChangeDomain,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let mut tries = Tries::with(&self.pool);
        loop {
            let mut connection = self.pool.acquire().await?;
            match tick(&mut connection, tenant, domain, now).await {
                Ok(cursor) => return Ok(cursor),
                Err(error) => tries.again(error)?,
            }
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

async fn tick(
    connection: &mut PgConnection,
    tenant: TenantId,
    domain: ChangeDomain,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    let latest = sqlx::query_scalar(
        "/* tick */ insert into change_clocks as c (tenant_id, domain, latest_at) values ($1, $2, $3)
         on conflict (tenant_id, domain) do update set latest_at = greatest(c.latest_at, excluded.latest_at)
         returning latest_at",
    )
    .bind(tenant.0)
    .bind(domain.name())
    .bind(now)
    .fetch_one(connection)
    .await?;
    Ok(latest)
}
