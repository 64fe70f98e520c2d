//! Blocks and consents of a unit or a care provider, page by page: the latest stored first.

use crate::domain::consent::lifecycle::AssertionHistory;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::time::Timestamp;
use crate::store::blocking::blocks::BLOCK_COLUMNS;
use crate::store::blocking::history::{self as block_rows, Histories};
use crate::store::consent::assertions::ASSERTION_COLUMNS;
use crate::store::consent::history as assertion_rows;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::long_reads::{Found, read_snapshot};
use crate::store::readers::ACQUIRE_TIMEOUT;
use crate::store::tenants::TenantId;

/// What is listed.
#[derive(Debug, Clone)]
pub struct UnitList {
    /// The care provider.
    pub provider: HsaId,
    /// One unit; `None` is all of the provider.
    pub unit: Option<HsaId>,
    /// In force only, or what is not only.
    pub in_force: bool,
    /// Stored at this time or before, without so many of the first ones.
    pub before: (Timestamp, i64),
    /// So many.
    pub most: i64,
    /// Now.
    pub now: Timestamp,
}

impl Store {
    /// Blocks of a unit or provider with what has happened to them.
    ///
    /// # Errors
    /// The store's.
    pub async fn blocks_of_unit(
        &self,
        tenant: TenantId,
        list: UnitList,
    ) -> Result<Found<Histories>, StoreError> {
        self.read_at_length(ACQUIRE_TIMEOUT, async move |connection| {
            let mut transaction = read_snapshot(connection).await?;
            let sql = format!(
                "/* blocks_of_unit */ select {BLOCK_COLUMNS} from blocks b
                 where b.tenant_id = $1 and b.provider_key = $2
                   and ($3::text is null or lower(btrim(b.information_care_unit_id)) = $3)
                   and (b.removed_at is null) = $4 and (b.extended or b.removed_at is null) and b.stored_at <= $5
                 order by b.stored_at desc, b.block_number desc limit $6 offset $7"
            );
            let rows = sqlx::query(&sql).bind(tenant.0).bind(list.provider.key());
            let rows = rows.bind(list.unit.as_ref().map(HsaId::key)).bind(list.in_force);
            let rows = rows.bind(list.before.0).bind(list.most).bind(list.before.1);
            let rows = rows.fetch_all(&mut *transaction).await?;
            let found = block_rows::histories(&mut transaction, &rows, false).await?;
            Ok((found, rows.len()))
        })
        .await
    }

    /// Consents and emergencies of a unit or provider with what has happened to them.
    ///
    /// # Errors
    /// The store's.
    pub async fn assertions_of_unit(
        &self,
        tenant: TenantId,
        list: UnitList,
    ) -> Result<Found<Vec<AssertionHistory>>, StoreError> {
        self.read_at_length(ACQUIRE_TIMEOUT, async move |connection| {
            let mut transaction = read_snapshot(connection).await?;
            let sql = format!(
                "/* assertions_of_unit */ select {ASSERTION_COLUMNS} from assertions
                 where tenant_id = $1 and provider_key = $2
                   and ($3::text is null or lower(btrim(care_unit_id)) = $3)
                   and (removed_at is null and not ended_at_once and (end_at is null or end_at >= $7)) = $4
                   and stored_at <= $5
                 order by stored_at desc, assertion_number desc limit $6 offset $8"
            );
            let rows = sqlx::query(&sql).bind(tenant.0).bind(list.provider.key());
            let rows = rows.bind(list.unit.as_ref().map(HsaId::key)).bind(list.in_force);
            let rows = rows.bind(list.before.0).bind(list.most).bind(list.now).bind(list.before.1);
            let rows = rows.fetch_all(&mut *transaction).await?;
            let found = assertion_rows::histories(&mut transaction, &rows).await?;
            let found: Vec<_> = found.into_iter().map(|(_, history)| history).collect();
            Ok((found, rows.len()))
        })
        .await
    }

    /// The keys of a patient's blocks of which something waits to go on to the national service.
    ///
    /// # Errors
    /// The store's.
    pub async fn blocks_on_their_way(
        &self,
        tenant: TenantId,
        patient: &PatientId,
    ) -> Result<Vec<String>, StoreError> {
        let found = sqlx::query_scalar(
            "/* blocks_on_their_way */ select distinct b.block_key from blocks b join replications r using (block_number)
             where b.tenant_id = $1 and b.patient_key = $2",
        );
        Ok(found.bind(tenant.0).bind(patient.key()).fetch_all(&self.pool).await?)
    }

    /// How many of a provider's consents in force end before a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn consents_running_out(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        (now, before): (Timestamp, Timestamp),
    ) -> Result<i64, StoreError> {
        let found = sqlx::query_scalar(
            "/* consents_running_out */ select count(*) from (select from assertions
                where tenant_id = $1 and provider_key = $2 and removed_at is null and not ended_at_once
                  and end_at >= $3 and end_at < $4 limit 1000) a",
        );
        let found = found.bind(tenant.0).bind(provider.key()).bind(now).bind(before);
        Ok(found.fetch_one(&self.pool).await?)
    }
}
