//! What the control questions are answered by: others' readings, users' days, the directory, surnames.

use crate::domain::identity::HsaId;
use crate::domain::log::record::KeyHash;
use crate::domain::review::visit::OWN_LEVEL;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::{NaiveDate, NaiveTime};
use sqlx::FromRow;
use std::collections::HashMap;

/// That somebody of a unit read a patient.
#[derive(Debug, Clone, FromRow)]
struct ReaderRow {
    patient_hash: i64,
    user_key: String,
    days: Vec<NaiveDate>,
}

/// Scheduled hours.
#[derive(Debug, Clone, FromRow)]
pub struct ScheduledHours {
    /// Whose, by key.
    pub employee_key: String,
    /// From when.
    pub from_at: Timestamp,
    /// Until when.
    pub to_at: Timestamp,
}

/// Patients of a user on a day.
#[derive(Debug, Clone, FromRow)]
pub struct UserDay {
    /// Who, by key.
    pub user_key: String,
    /// When.
    pub day: NaiveDate,
    /// How many.
    pub patients: i32,
}

/// The own identity of somebody of the directory.
#[derive(Debug, Clone, FromRow)]
pub struct StaffNumber {
    /// Who, by key.
    pub employee_key: String,
    /// The own identity's key.
    pub person_key: String,
    /// Keys of the care providers where the employee has an assignment.
    pub providers: Vec<String>,
}

impl Store {
    /// Who of a unit's staff read some patients in a time: users' keys with the Swedish days, by the patient's key.
    ///
    /// # Errors
    /// The store's.
    pub async fn readers_at_unit(
        &self,
        tenant: TenantId,
        unit_key: &str,
        patients: &[String],
        (from, to): (Timestamp, Timestamp),
        own_system: &HsaId,
    ) -> Result<HashMap<String, Vec<(String, Vec<NaiveDate>)>>, StoreError> {
        let by_hash: HashMap<i64, &String> =
            patients.iter().map(|key| (KeyHash::of(tenant.0, key).0, key)).collect();
        let hashes: Vec<i64> = by_hash.keys().copied().collect();
        let rows: Vec<ReaderRow> = sqlx::query_as(
            "/* readers_at_unit */ select r.patient_hash, lower(btrim(e.user_id)) as user_key,
                array_agg(distinct (e.activity_at at time zone 'Europe/Stockholm')::date) as days
             from log_resources r join log_entries e on e.entry_number = r.entry_number and e.activity_at = r.activity_at
             where r.patient_hash = any($1) and r.activity_at between $2 and $3 and e.activity_at between $2 and $3
               and lower(btrim(e.care_unit_id)) = $4
               and not (lower(btrim(e.system_id)) = $5 and coalesce(e.activity_level, '') like $6 || '%')
             group by 1, 2",
        )
        .bind(hashes)
        .bind(from)
        .bind(to)
        .bind(unit_key)
        .bind(own_system.key())
        .bind(OWN_LEVEL)
        .fetch_all(&self.pool)
        .await?;
        let mut found: HashMap<String, Vec<(String, Vec<NaiveDate>)>> = HashMap::new();
        for row in rows {
            if let Some(key) = by_hash.get(&row.patient_hash) {
                found.entry((*key).clone()).or_default().push((row.user_key, row.days));
            }
        }
        Ok(found)
    }

    /// How many patients some users read on each judged day of a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn user_days(
        &self,
        tenant: TenantId,
        users: &[String],
        (from, to): (NaiveDate, NaiveDate),
    ) -> Result<Vec<UserDay>, StoreError> {
        let found = sqlx::query_as(
            "/* user_days */ select user_key, day, patients from user_days
             where tenant_id = $1 and user_key = any($2) and day between $3 and $4",
        );
        let found = found.bind(tenant.0).bind(users).bind(from).bind(to);
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// Everybody of the directory whose own identity is known.
    ///
    /// # Errors
    /// The store's.
    pub async fn staff_numbers(&self, tenant: TenantId) -> Result<Vec<StaffNumber>, StoreError> {
        let found = sqlx::query_as(
            "/* staff_numbers */ select s.employee_key, s.person_key,
                array(select distinct u.provider_key from directory_assignments a join directory_units u using (tenant_id, unit_key)
                    where a.tenant_id = $1 and a.employee_key = s.employee_key) as providers
             from directory_staff s
             where s.tenant_id = $1 and s.person_key is not null",
        );
        Ok(found.bind(tenant.0).fetch_all(&self.pool).await?)
    }

    /// The hours for which some employees are scheduled around a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn scheduled_hours(
        &self,
        tenant: TenantId,
        employees: &[String],
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<ScheduledHours>, StoreError> {
        let found = sqlx::query_as(
            "/* scheduled_hours */ select employee_key, from_at, to_at from directory_hours
             where tenant_id = $1 and employee_key = any($2) and from_at < $4 and to_at > $3",
        );
        let found = found.bind(tenant.0).bind(employees).bind(from).bind(to);
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// The begin of the first and the end of the last hours for which some employees are scheduled, by their keys.
    ///
    /// # Errors
    /// The store's.
    pub async fn scheduled_times(
        &self,
        tenant: TenantId,
        employees: &[String],
    ) -> Result<HashMap<String, (Timestamp, Timestamp)>, StoreError> {
        let found: Vec<ScheduledHours> = sqlx::query_as(
            "/* scheduled_times */ select employee_key, min(from_at) as from_at, max(to_at) as to_at from directory_hours
             where tenant_id = $1 and employee_key = any($2) group by employee_key",
        )
        .bind(tenant.0)
        .bind(employees)
        .fetch_all(&self.pool)
        .await?;
        let times = |row: ScheduledHours| (row.employee_key, (row.from_at, row.to_at));
        Ok(found.into_iter().map(times).collect())
    }

    /// When a unit opens and closes.
    ///
    /// # Errors
    /// The store's.
    pub async fn opening_hours(
        &self,
        tenant: TenantId,
        unit_key: &str,
    ) -> Result<Option<(NaiveTime, NaiveTime)>, StoreError> {
        let found = sqlx::query_as(
            "/* opening_hours */ select opens, closes from directory_units
             where tenant_id = $1 and unit_key = $2 and opens is not null and closes is not null",
        );
        Ok(found.bind(tenant.0).bind(unit_key).fetch_optional(&self.pool).await?)
    }

    /// How many patients of the last year's log have some surnames; under the blank one, how many there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn surname_counts(
        &self,
        tenant: TenantId,
        surnames: &[String],
    ) -> Result<HashMap<String, u32>, StoreError> {
        let found: Vec<SurnameRow> = sqlx::query_as(
            "/* surname_counts */ select surname, patients from surnames
             where tenant_id = $1 and (surname = any($2) or surname = '')",
        )
        .bind(tenant.0)
        .bind(surnames)
        .fetch_all(&self.pool)
        .await?;
        let count = |row: SurnameRow| (row.surname, u32::try_from(row.patients).unwrap_or(0));
        Ok(found.into_iter().map(count).collect())
    }

    /// Counts the surnames of the patients of a time's log anew.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_surnames(
        &self,
        tenant: TenantId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        // A year of a region is read as a whole.
        sqlx::query("/* take_time */ set local statement_timeout = '1h'")
            .execute(&mut *transaction)
            .await?;
        sqlx::query("/* forget_surnames */ delete from surnames where tenant_id = $1")
            .bind(tenant.0)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "/* count_surnames */ insert into surnames (tenant_id, surname, patients)
             select $1, coalesce(surname, ''), count(*) from (
                select lower((regexp_match(btrim(min(patient_name)), '\\S+$'))[1]) as surname
                from log_entries where tenant_id = $1 and activity_at between $2 and $3 and patient_hash is not null
                    and patient_name like '% %'
                group by patient_hash) n
             where surname is not null group by grouping sets ((surname), ())",
        )
        .bind(tenant.0)
        .bind(from)
        .bind(to)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

#[derive(FromRow)]
struct SurnameRow {
    surname: String,
    patients: i32,
}
