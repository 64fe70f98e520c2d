//! Plans: who reviews which unit, and how.

use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::FromRow;

/// A plan.
#[derive(Debug, Clone, FromRow)]
pub struct StoredPlan {
    /// Which.
    pub plan_number: i64,
    /// The care provider.
    pub provider_id: String,
    /// Its name.
    pub provider_name: String,
    /// The unit.
    pub unit_id: String,
    /// The form that equal units share.
    pub unit_key: String,
    /// Its name.
    pub unit_name: String,
    /// `all`, `sample`.
    pub mode: String,
    /// Of how many per cent of the staff, 5 to 100.
    pub share_percent: i32,
    /// Who reviews.
    pub reviewer_id: String,
    /// Who stands in.
    pub deputy_id: Option<String>,
    /// The first month with a review.
    pub active_from: NaiveDate,
    /// Who has made it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

/// A unit that somebody knows.
#[derive(Debug, Clone, FromRow)]
pub struct KnownUnit {
    /// The form that equal units share.
    pub unit_key: String,
    /// Its name.
    pub unit_name: String,
    /// Its care provider.
    pub provider_id: String,
    /// The name of that.
    pub provider_name: String,
}

const COLUMNS: &str = "plan_number, provider_id, provider_name, unit_id, unit_key, unit_name, mode, share_percent, reviewer_id,
    deputy_id, active_from, set_by, set_at";

impl Store {
    /// The plans in force of a tenant, or of one of its care providers, by the units' names.
    ///
    /// # Errors
    /// The store's.
    pub async fn review_plans(
        &self,
        tenant: TenantId,
        provider: Option<&HsaId>,
    ) -> Result<Vec<StoredPlan>, StoreError> {
        let sql = format!(
            "/* review_plans */ select {COLUMNS} from review_plans
             where tenant_id = $1 and ($2::text is null or provider_key = $2) and ended_at is null
             order by unit_name, plan_number limit 20000"
        );
        let found = sqlx::query_as(&sql).bind(tenant.0).bind(provider.map(HsaId::key));
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// Makes a plan in the place of the unit's former one; whether there is any change.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_plan(&self, tenant: TenantId, new: &StoredPlan) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let same = sqlx::query_scalar(
            "/* same_plan */ select exists (select from review_plans where tenant_id = $1 and unit_key = $2 and mode = $3
                and share_percent = $4 and reviewer_id = $5 and deputy_id is not distinct from $6 and ended_at is null)",
        );
        let same: bool = same
            .bind(tenant.0)
            .bind(&new.unit_key)
            .bind(&new.mode)
            .bind(new.share_percent)
            .bind(&new.reviewer_id)
            .bind(&new.deputy_id)
            .fetch_one(&mut *transaction)
            .await?;
        if same {
            return Ok(false);
        }
        sqlx::query(
            "/* end_plan */ update review_plans set ended_at = $3
             where tenant_id = $1 and unit_key = $2 and ended_at is null",
        )
        .bind(tenant.0)
        .bind(&new.unit_key)
        .bind(new.set_at)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "/* set_plan */ insert into review_plans (tenant_id, provider_id, provider_key, provider_name, unit_id, unit_key,
                unit_name, mode, share_percent, reviewer_id, deputy_id, active_from, set_by, set_at)
             values ($1, $2, lower(btrim($2)), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(tenant.0)
        .bind(&new.provider_id)
        .bind(&new.provider_name)
        .bind(&new.unit_id)
        .bind(&new.unit_key)
        .bind(&new.unit_name)
        .bind(&new.mode)
        .bind(new.share_percent)
        .bind(&new.reviewer_id)
        .bind(&new.deputy_id)
        .bind(new.active_from)
        .bind(&new.set_by)
        .bind(new.set_at)
        .execute(&mut *transaction)
        .await?;
        // Whoever reviews the unit now has its reviews, also those that are concluded, and the former reviewer none; a suspicion
        // stays with who has opened it.
        sqlx::query(
            "/* hand_over */ update reviews set reviewer_id = $3, deputy_id = $4
             where tenant_id = $1 and unit_key = $2 and provider_key = lower(btrim($5)) and kind <> 'suspicion'",
        )
        .bind(tenant.0)
        .bind(&new.unit_key)
        .bind(&new.reviewer_id)
        .bind(&new.deputy_id)
        .bind(&new.provider_id)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Whether a plan of a care provider names somebody as reviewer or deputy.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_named_by_plan(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        employee: &HsaId,
    ) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar(
            "/* is_named_by_plan */ select exists (select from review_plans
             where tenant_id = $1 and provider_key = $2 and ended_at is null
               and (lower(btrim(reviewer_id)) = $3 or lower(btrim(deputy_id)) = $3))",
        );
        let found = found.bind(tenant.0).bind(provider.key()).bind(employee.key());
        Ok(found.fetch_one(&self.pool).await?)
    }

    /// Units that the directory or a plan knows, with their care providers.
    ///
    /// # Errors
    /// The store's.
    pub async fn known_units(&self, tenant: TenantId) -> Result<Vec<KnownUnit>, StoreError> {
        let found = sqlx::query_as(
            "/* known_units */ select unit_key, unit_name, provider_id, provider_name from directory_units where tenant_id = $1
             union all
             select unit_key, unit_name, provider_id, provider_name from review_plans p where tenant_id = $1 and ended_at is null
                and not exists (select from directory_units d where d.tenant_id = $1 and d.unit_key = p.unit_key)
             limit 20000",
        );
        Ok(found.bind(tenant.0).fetch_all(&self.pool).await?)
    }

    /// Who manages whom in a tenant's directory, by keys; of some employees only, if they are named.
    ///
    /// # Errors
    /// The store's.
    pub async fn managers(
        &self,
        tenant: TenantId,
        of: Option<&[String]>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let found = sqlx::query_as(
            "/* managers */ select employee_key, lower(btrim(manager_id)) from directory_staff
             where tenant_id = $1 and manager_id is not null and ($2::text[] is null or employee_key = any($2))",
        );
        Ok(found.bind(tenant.0).bind(of).fetch_all(&self.pool).await?)
    }
}
