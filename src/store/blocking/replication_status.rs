//! How replication stands, for operators.

use crate::domain::identity::{HsaId, RecordId};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;

/// How replication stands for a tenant.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReplicationStatus {
    /// The tenant's name.
    #[sqlx(rename = "name")]
    pub tenant: String,
    /// Changes that are not confirmed.
    pub waiting: i64,
    /// Those of them whose last attempt failed.
    pub failing: i64,
    /// Blocks that they belong to.
    pub blocks: i64,
    /// When the oldest of them was made.
    pub oldest_at: Option<Timestamp>,
}

/// A change that is not confirmed, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Waiting {
    /// The block.
    pub block_id: String,
    /// The contract that tells it.
    pub kind: String,
    /// When it was made.
    pub queued_at: Timestamp,
    /// How often it has been taken up.
    pub attempts: i32,
    /// Why the last attempt failed.
    pub failure: Option<String>,
}

impl Store {
    /// How replication stands, for each tenant that has something waiting or is named.
    ///
    /// # Errors
    /// The store's.
    pub async fn replication_status(
        &self,
        tenants: &[TenantId],
    ) -> Result<Vec<ReplicationStatus>, StoreError> {
        let ids: Vec<i32> = tenants.iter().map(|t| t.0).collect();
        let status = sqlx::query_as(
            "/* replication_status */ select t.name, count(r.replication_number) as waiting,
                count(r.failure) as failing, count(distinct r.block_number) as blocks,
                min(r.queued_at) as oldest_at
             from tenants t left join replications r using (tenant_id)
             where t.tenant_id = any($1) or r.tenant_id is not null
             group by t.tenant_id order by t.tenant_id",
        );
        Ok(status.bind(&ids).fetch_all(&self.pool).await?)
    }

    /// The oldest changes of a tenant that are not confirmed, of one block or of all.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting_replications(
        &self,
        tenant: TenantId,
        block: Option<&RecordId>,
        count: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        let waiting = sqlx::query_as(
            "/* waiting_replications */ select b.block_id, r.kind, r.queued_at, r.attempts, r.failure
             from replications r join blocks b using (block_number)
             where r.tenant_id = $1 and ($2::text is null or b.block_key = $2)
             order by r.replication_number limit $3",
        );
        let waiting = waiting
            .bind(tenant.0)
            .bind(block.map(RecordId::key))
            .bind(i64::try_from(count).unwrap_or(i64::MAX));
        Ok(waiting.fetch_all(&self.pool).await?)
    }

    /// Makes what waits to be tried again due at once; returns how much that is.
    ///
    /// # Errors
    /// The store's.
    pub async fn retry_replications(&self, tenant: TenantId) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "/* retry_replications */ update replications set due_at = now()
             where tenant_id = $1 and due_at > now() and coalesce(leased_until <= now(), true)",
        );
        Ok(done.bind(tenant.0).execute(&self.pool).await?.rows_affected())
    }

    /// Whether the tenant has or had a block.
    ///
    /// # Errors
    /// The store's.
    pub async fn has_block(&self, tenant: TenantId, id: &RecordId) -> Result<bool, StoreError> {
        let sql = "/* has_block */ select exists (select 1 from blocks where tenant_id = $1 and block_key = $2)";
        Ok(sqlx::query_scalar(sql).bind(tenant.0).bind(id.key()).fetch_one(&self.pool).await?)
    }

    /// The care providers that a tenant has blocks of.
    ///
    /// # Errors
    /// The store's.
    pub async fn care_providers_with_blocks(
        &self,
        tenant: TenantId,
    ) -> Result<Vec<HsaId>, StoreError> {
        let rows: Vec<String> = sqlx::query_scalar(
            "/* care_providers_with_blocks */ select min(information_care_provider_id) from blocks
             where tenant_id = $1 group by provider_key order by provider_key",
        )
        .bind(tenant.0)
        .fetch_all(&self.pool)
        .await?;
        let at = Origin { table: "blocks", row: 0 };
        rows.iter().map(|id| at.hsa_id(id)).collect()
    }
}
