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

/// Visits to one unit's information by one unit's staff.
#[derive(Debug, Clone, FromRow)]
pub struct Visits {
    /// The unit of who read.
    pub care_unit_id: String,
    /// Its name, as a record has it.
    pub care_unit_name: Option<String>,
    /// Its care provider.
    pub care_provider_id: String,
    /// The unit that holds what was read.
    pub holder_unit_id: Option<String>,
    /// How many visits: one user's readings with gaps of at most 30 minutes.
    pub visits: i64,
}

impl Store {
    /// Visits to a patient's information at a provider since a time, by who came from where.
    ///
    /// # Errors
    /// The store's.
    pub async fn visits(
        &self,
        tenant: TenantId,
        patient: &PatientId,
        provider: &HsaId,
        since: Timestamp,
    ) -> Result<Vec<Visits>, StoreError> {
        let found = sqlx::query_as(
            "/* visits */ select care_unit_id, max(care_unit_name) as care_unit_name, care_provider_id, holder_unit_id,
                count(*) filter (where before is null or before > interval '30 minutes') as visits
             from (select e.care_unit_id, e.care_unit_name, e.care_provider_id, r.holder_unit_id,
                    e.activity_at - lag(e.activity_at) over (partition by e.user_id, r.holder_unit_id order by e.activity_at) as before
                from (select * from log_resources where patient_hash = $1 and activity_at >= $2
                        and lower(btrim(holder_id)) = $3 order by activity_at desc limit $4) r
                join log_entries e on e.entry_number = r.entry_number and e.activity_at = r.activity_at
                    and e.activity_at >= $2) v
             group by care_unit_id, care_provider_id, holder_unit_id order by visits desc limit 100",
        );
        let found = found.bind(KeyHash::of(tenant.0, patient.key()).0).bind(since);
        Ok(found.bind(provider.key()).bind(COUNTED).fetch_all(&self.pool).await?)
    }

    /// The readings of a patient's information that this provider holds, by month and by unit, since a time.
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
             from (select activity_at, patient_name, holder_unit_id as unit_id, holder_unit_name as unit_name
                from log_resources where patient_hash = $1 and activity_at >= $2 and lower(btrim(holder_id)) = $3
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
