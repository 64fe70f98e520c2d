//! How often a patient's information has been read, and where it is: for a picture, not for a proof.

use crate::domain::identity::{HsaId, PatientId};
use crate::domain::log::record::KeyHash;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::FromRow;

/// Records that are counted at the most; a patient with more has a picture of the latest.
const COUNTED: i64 = 5_000;

/// Readings of one month of one unit's information.
#[derive(Debug, Clone, FromRow)]
pub struct MonthOfReadings {
    /// The first of the month, in Swedish time.
    pub month: NaiveDate,
    /// The unit that holds what was read; `None`: the record does not tell, or it is another provider's.
    pub unit_id: Option<String>,
    /// Its name, as a record has it.
    pub unit_name: Option<String>,
    /// How many.
    pub readings: i64,
    /// A name of the patient that a record has, the latest of the month.
    pub patient_name: Option<String>,
}

impl Store {
    /// The readings of a patient's information by month and by unit of this provider, since a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn readings(
        &self,
        tenant: TenantId,
        patient: &PatientId,
        provider: &HsaId,
        since: Timestamp,
    ) -> Result<Vec<MonthOfReadings>, StoreError> {
        let mut transaction = self.begin().await?;
        // As with a patient's report: planning a year's partitions anew takes longer than to read them.
        sqlx::query("/* plan_once */ set local plan_cache_mode = force_generic_plan")
            .execute(&mut *transaction)
            .await?;
        let found = sqlx::query_as(
            "/* readings */ select date_trunc('month', activity_at at time zone 'Europe/Stockholm')::date as month,
                unit_id, max(unit_name) as unit_name, count(*) as readings,
                (array_agg(patient_name order by activity_at desc) filter (where patient_name is not null))[1] as patient_name
             from (select activity_at, patient_name,
                    case when lower(btrim(holder_id)) = $3 then holder_unit_id end as unit_id,
                    case when lower(btrim(holder_id)) = $3 then holder_unit_name end as unit_name
                from log_resources where patient_hash = $1 and activity_at >= $2
                order by activity_at desc limit $4) r
             group by 1, 2 order by 1",
        )
        .bind(KeyHash::of(tenant.0, patient.key()).0)
        .bind(since)
        .bind(provider.key())
        .bind(COUNTED)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(found)
    }
}
