//! Figures of months: counted from the registers, fixed, and read.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::FromRow;

/// A figure.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Figure {
    /// The first of its month.
    pub month: NaiveDate,
    /// The care provider.
    pub provider_id: String,
    /// Its county.
    pub county: String,
    /// Of what.
    pub series: String,
    /// How many.
    pub value: i64,
}

/// What is counted: the series, and the statement that gives provider and number for a tenant ($1) of a month ($2 to $3).
const COUNTED: [(&str, &str); 14] = [
    (
        "blocks_inner",
        "select information_care_provider_id, count(*) from blocks where tenant_id = $1 and block_type = 'Inner'
         and stored_at < $3 and (removed_at is null or coalesce(first_removed_at, removed_at) >= $3) and $2 < $3 group by 1",
    ),
    (
        "blocks_outer",
        "select information_care_provider_id, count(*) from blocks where tenant_id = $1 and block_type = 'Outer'
         and stored_at < $3 and (removed_at is null or coalesce(first_removed_at, removed_at) >= $3) and $2 < $3 group by 1",
    ),
    (
        "blocks_registered",
        "select information_care_provider_id, count(*) from blocks
         where tenant_id = $1 and stored_at >= $2 and stored_at < $3 group by 1",
    ),
    (
        "blocks_revoked",
        "select b.information_care_provider_id, count(*) from blocks b join block_actions a using (block_number)
         where b.tenant_id = $1 and a.revoke_number = 0 and a.kind = 'revoke'
           and coalesce(b.first_removed_at, b.removed_at) >= $2 and coalesce(b.first_removed_at, b.removed_at) < $3 group by 1",
    ),
    (
        "blocks_annulled",
        "select b.information_care_provider_id, count(*) from blocks b join block_actions a using (block_number)
         where b.tenant_id = $1 and a.revoke_number = 0 and a.kind = 'delete'
           and b.removed_at >= $2 and b.removed_at < $3 group by 1",
    ),
    (
        "lifted_consent",
        "select b.information_care_provider_id, count(*) from temporary_revokes r join blocks b using (block_number)
         where b.tenant_id = $1 and r.stored_at >= $2 and r.stored_at < $3
           and coalesce(r.reason, '') not like 'Emergency%' group by 1",
    ),
    (
        "lifted_emergency",
        "select b.information_care_provider_id, count(*) from temporary_revokes r join blocks b using (block_number)
         where b.tenant_id = $1 and r.stored_at >= $2 and r.stored_at < $3 and r.reason like 'Emergency%' group by 1",
    ),
    (
        "consents_in_force",
        "select care_provider_id, count(*) from assertions where tenant_id = $1 and assertion_type = 'Consent'
         and stored_at < $3 and (removed_at is null or coalesce(first_removed_at, removed_at) >= $3)
         and (end_at is null or end_at >= $3) and $2 < $3 group by 1",
    ),
    (
        "consents_registered",
        "select care_provider_id, count(*) from assertions where tenant_id = $1 and assertion_type = 'Consent'
         and stored_at >= $2 and stored_at < $3 group by 1",
    ),
    (
        "consents_ended_staff",
        "select care_provider_id, count(*) from assertions where tenant_id = $1 and assertion_type = 'Consent'
         and coalesce(first_removed_at, removed_at) >= $2 and coalesce(first_removed_at, removed_at) < $3 group by 1",
    ),
    (
        "consents_ended_patient",
        "select a.care_provider_id, count(distinct a.assertion_number) from assertions a join patient_ends e using (assertion_number)
         where a.tenant_id = $1 and e.stored_at >= $2 and e.stored_at < $3 group by 1",
    ),
    (
        "emergencies",
        "select care_provider_id, count(*) from assertions where tenant_id = $1 and assertion_type = 'Emergency'
         and stored_at >= $2 and stored_at < $3 group by 1",
    ),
    (
        "log_posts",
        "select care_provider_id, count(*) from log_entries where tenant_id = $1 and activity_at >= $2 and activity_at < $3 group by 1",
    ),
    (
        "extracts",
        "select provider_id, count(*) from extracts where tenant_id = $1 and delivered_at >= $2 and delivered_at < $3 group by 1",
    ),
];

impl Store {
    /// The months whose figures are fixed, of a tenant.
    ///
    /// # Errors
    /// The store's.
    pub async fn fixed_months(&self, tenant: TenantId) -> Result<Vec<NaiveDate>, StoreError> {
        let found = sqlx::query_scalar(
            "/* fixed_months */ select distinct month from statistics where tenant_id = $1 order by 1",
        );
        Ok(found.bind(tenant.0).fetch_all(&self.pool).await?)
    }

    /// Counts a month and fixes its figures; what is fixed already stays.
    ///
    /// # Errors
    /// The store's.
    pub async fn fix_month(
        &self,
        tenant: TenantId,
        month: NaiveDate,
        (from, to): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for (series, counted) in COUNTED {
            let sql = format!(
                "/* fix_month {series} */ insert into statistics (tenant_id, month, provider_id, county, series, value, fixed_at)
                 select $1, $4, c.provider, coalesce((select max(county) from directory_units
                    where tenant_id = $1 and provider_key = lower(btrim(c.provider))), ''), $5, c.count, $6
                 from ({counted}) c (provider, count) on conflict do nothing"
            );
            let counted = sqlx::query(&sql).bind(tenant.0).bind(from).bind(to);
            counted.bind(month).bind(series).bind(now).execute(&mut *transaction).await?;
        }
        // Also a month in which nothing happened is fixed.
        sqlx::query(
            "/* fix_empty_month */ insert into statistics (tenant_id, month, provider_id, county, series, value, fixed_at)
             values ($1, $2, '', '', 'log_posts', 0, $3) on conflict do nothing",
        )
        .bind(tenant.0)
        .bind(month)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The fixed figures of all tenants since a month.
    ///
    /// # Errors
    /// The store's.
    pub async fn figures(&self, since: NaiveDate) -> Result<Vec<Figure>, StoreError> {
        let found = sqlx::query_as(
            "/* figures */ select month, provider_id, max(county) as county, series, sum(value)::bigint as value
             from statistics where month >= $1 group by month, provider_id, series order by month, provider_id, series limit 50000",
        );
        Ok(found.bind(since).fetch_all(&self.pool).await?)
    }

    /// Names of care providers that the directories of all tenants know, by the keys of their ids.
    ///
    /// # Errors
    /// The store's.
    pub async fn provider_names(&self) -> Result<Vec<(String, String)>, StoreError> {
        let found = sqlx::query_as(
            "/* provider_names */ select provider_key, max(provider_name) from directory_units group by 1 limit 5000",
        );
        Ok(found.fetch_all(&self.pool).await?)
    }
}
