//! What was opened in an emergency on a day, as the registers have it.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use sqlx::FromRow;

/// An emergency assertion, or a block that was lifted in one.
#[derive(Debug, Clone, FromRow)]
pub struct EmergencyRow {
    /// `assertion`, `revoke`.
    pub what: String,
    /// The care provider of the unit: of an inner block that was lifted the block's own. `None`: the row does not tell.
    pub provider_id: Option<String>,
    /// The unit for which it was opened.
    pub unit_id: String,
    /// Who registered it.
    pub employee_id: String,
    /// The patient's series ...
    pub patient_root: String,
    /// ... and number.
    pub patient_extension: String,
    /// When it was stored.
    pub stored_at: Timestamp,
}

impl Store {
    /// The units with a review of emergencies of a time, with their care providers: keys.
    ///
    /// # Errors
    /// The store's.
    pub async fn reviewed_emergencies(
        &self,
        tenant: TenantId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<(String, String)>, StoreError> {
        let found = sqlx::query_as(
            "/* reviewed_emergencies */ select distinct provider_key, unit_key from reviews
             where tenant_id = $1 and kind = 'emergency' and from_at between $2 and $3",
        );
        Ok(found.bind(tenant.0).bind(from).bind(to).fetch_all(&self.pool).await?)
    }

    /// Emergencies that were stored in a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn emergencies(
        &self,
        tenant: TenantId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<EmergencyRow>, StoreError> {
        let found = sqlx::query_as(
            "/* emergencies */ select 'assertion' as what, s.care_provider_id as provider_id, s.care_unit_id as unit_id,
                a.registered_by_employee_id as employee_id, s.patient_root, s.patient_extension, s.stored_at
             from assertions s join assertion_actions a on a.assertion_number = s.assertion_number and a.kind = 'register'
             where s.tenant_id = $1 and s.assertion_type = 'Emergency' and s.stored_at between $2 and $3
             union all
             select 'revoke', case b.block_type when 'Inner' then b.information_care_provider_id end, r.care_unit_id,
                a.registered_by_employee_id, b.patient_root, b.patient_extension, r.stored_at
             from temporary_revokes r join blocks b using (block_number)
             join block_actions a on a.block_number = r.block_number and a.revoke_number = r.revoke_number and a.kind = 'register'
             where r.tenant_id = $1 and r.reason = 'Emergency' and r.stored_at between $2 and $3
             order by stored_at limit 10000",
        );
        Ok(found.bind(tenant.0).bind(from).bind(to).fetch_all(&self.pool).await?)
    }
}
