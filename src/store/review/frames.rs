//! What draws are made from: who had posts about patients at which unit on which days.

use crate::domain::identity::HsaId;
use crate::domain::review::frame::StaffDays;
use crate::domain::review::visit::OWN_LEVEL;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::reports::RecordPlaces;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::FromRow;

/// The place of a record.
#[derive(FromRow)]
struct StaffPlace {
    entry_number: i64,
    activity_at: Timestamp,
}

#[derive(FromRow)]
struct StaffRow {
    unit: String,
    employee: String,
    days: Vec<NaiveDate>,
}

/// A unit whose staff have logged an emergency.
#[derive(Debug, Clone, FromRow)]
pub struct EmergencyUnit {
    /// HSA-id.
    pub unit_id: String,
    /// Name.
    pub unit_name: String,
    /// Its care provider.
    pub provider_id: String,
    /// The name of that.
    pub provider_name: String,
}

/// Whether a review of emergencies or of a watched patient has a post, or will: it is of the review's unit and time, of its
/// patient ($3) if it has one, and came before the conclusion, with which what is late is appended. What was stored in that very
/// minute is looked up. No such review is of more than eleven days.
fn in_a_review(kind: &'static str) -> String {
    let patient = if kind == "watch" { "and w.patient_key = $3" } else { "" };
    format!(
        "exists (select from reviews w where w.tenant_id = $1 and w.kind = '{kind}' {patient}
            and w.unit_key = lower(btrim(e.care_unit_id)) and w.provider_key = lower(btrim(e.care_provider_id))
            and w.from_at between e.activity_at - interval '11 days' and e.activity_at and e.activity_at <= w.to_at
            and (w.state <> 'concluded' or e.stored_at <= w.concluded_at - interval '1 minute'
                or exists (select from review_visits v join review_visit_posts p using (visit_number)
                    where v.review_number = w.review_number and p.entry_number = e.entry_number)))"
    )
}

impl Store {
    /// The days in a time on which a care provider's staff had posts about patients, by unit and employee; without what the
    /// pages of the review themselves have logged.
    ///
    /// # Errors
    /// The store's.
    pub async fn staff_days(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        (from, to): (Timestamp, Timestamp),
        own_system: &HsaId,
    ) -> Result<Vec<StaffDays>, StoreError> {
        let mut transaction = self.begin().await?;
        // A month of a region is read as a whole, once.
        sqlx::query("/* take_time */ set local statement_timeout = '10min'")
            .execute(&mut *transaction)
            .await?;
        let rows: Vec<StaffRow> = sqlx::query_as(
            "/* staff_days */ select unit, employee, array_agg(day order by day) as days
             from (select lower(btrim(care_unit_id)) as unit, lower(btrim(user_id)) as employee,
                    (activity_at at time zone 'Europe/Stockholm')::date as day
                from log_entries e
                where owner_hash = log_hash($1, $2) and activity_at >= $3 and activity_at < $4
                  and (patient_hash is not null or (resources > 1 and exists (select from log_further_resources f
                    where f.entry_number = e.entry_number and f.activity_at = e.activity_at and f.patient_hash is not null)))
                  and not (lower(btrim(system_id)) = $5 and coalesce(activity_level, '') like $6 || '%')
                group by 1, 2, 3) d
             group by unit, employee",
        )
        .bind(tenant.0)
        .bind(provider.key())
        .bind(from)
        .bind(to)
        .bind(own_system.key())
        .bind(OWN_LEVEL)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let told =
            |row: StaffRow| StaffDays { unit: row.unit, employee: row.employee, days: row.days };
        Ok(rows.into_iter().map(told).collect())
    }

    /// The places of what a unit's staff did in a time, and of what some others of the care provider did; without what the pages
    /// of the review themselves have logged. `None`: they are more than `most`.
    ///
    /// # Errors
    /// The store's.
    pub async fn staff_posts(
        &self,
        tenant: TenantId,
        (provider, unit_key, others): (&HsaId, &str, &[String]),
        (from, to): (Timestamp, Timestamp),
        own_system: &HsaId,
        most: usize,
    ) -> Result<Option<RecordPlaces>, StoreError> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX - 1) + 1;
        let rows: Vec<StaffPlace> = sqlx::query_as(
            "/* staff_posts */ select entry_number, activity_at from log_entries
             where owner_hash = log_hash($1, $2) and activity_at between $3 and $4
               and (lower(btrim(care_unit_id)) = $5 or lower(btrim(user_id)) = any($6))
               and not (lower(btrim(system_id)) = $7 and coalesce(activity_level, '') like $8 || '%')
             order by activity_at, entry_number limit $9",
        )
        .bind(tenant.0)
        .bind(provider.key())
        .bind(from)
        .bind(to)
        .bind(unit_key)
        .bind(others)
        .bind(own_system.key())
        .bind(OWN_LEVEL)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let (numbers, times): (Vec<i64>, Vec<Timestamp>) =
            rows.iter().map(|row| (row.entry_number, row.activity_at)).unzip();
        Ok((numbers.len() <= most).then(|| RecordPlaces::kept(numbers, times)))
    }

    /// The units whose staff have logged an emergency in a time that no review of emergencies has, with their care providers.
    ///
    /// # Errors
    /// The store's.
    pub async fn units_in_emergency(
        &self,
        tenant: TenantId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<EmergencyUnit>, StoreError> {
        let sql = format!(
            "/* units_in_emergency */ select min(care_unit_id) as unit_id, max(coalesce(care_unit_name, care_unit_id)) as unit_name,
                min(care_provider_id) as provider_id, max(coalesce(care_provider_name, care_provider_id)) as provider_name
             from log_entries e
             where tenant_id = $1 and activity_at between $2 and $3 and activity_type = 'Nödöppning' and not {}
             group by lower(btrim(care_unit_id)), lower(btrim(care_provider_id)) order by 1 limit 10000",
            in_a_review("emergency")
        );
        Ok(sqlx::query_as(&sql).bind(tenant.0).bind(from).bind(to).fetch_all(&self.pool).await?)
    }

    /// The running numbers of the log records that hold some notices, stored at a time of their activity: ids and numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn notice_numbers(
        &self,
        tenant: TenantId,
        (provider, at): (&HsaId, Timestamp),
        ids: &[String],
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let found = sqlx::query_as(
            "/* notice_numbers */ select log_id, entry_number from log_entries
             where owner_hash = log_hash($1, $2) and activity_at = $3 and log_id = any($4)",
        );
        let found = found.bind(tenant.0).bind(provider.key()).bind(at).bind(ids);
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// The notices of draws that lie in a tenant's log since a time: unit's key and text.
    ///
    /// # Errors
    /// The store's.
    pub async fn notices_since(
        &self,
        tenant: TenantId,
        since: Timestamp,
        level: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let found = sqlx::query_as(
            "/* notices_since */ select lower(btrim(care_unit_id)), coalesce(activity_args, '') from log_entries
             where tenant_id = $1 and activity_at >= $2 and activity_type = 'Granskning' and activity_level = $3
             order by activity_at limit 100000",
        );
        Ok(found.bind(tenant.0).bind(since).bind(level).fetch_all(&self.pool).await?)
    }

    /// The units of a care provider whose staff read a patient's information in a time, with their names; only of what no review
    /// of emergencies (`emergency`) or of the watched patient (`watch`) has, if one is named.
    ///
    /// # Errors
    /// The store's.
    pub async fn units_that_read(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        patient_key: &str,
        (from, to): (Timestamp, Timestamp),
        (own_system, kind): (&HsaId, Option<&'static str>),
    ) -> Result<Vec<(String, String)>, StoreError> {
        let unreviewed = kind.map(|kind| format!("and not {}", in_a_review(kind)));
        let unreviewed = unreviewed.unwrap_or_default();
        let sql = format!(
            "/* units_that_read */ select min(e.care_unit_id), max(coalesce(e.care_unit_name, e.care_unit_id))
             from log_resources r join log_entries e on e.entry_number = r.entry_number and e.activity_at = r.activity_at
             where r.patient_hash = log_hash($1, $3) and r.activity_at between $4 and $5
               and e.owner_hash = log_hash($1, $2) and e.activity_at between $4 and $5
               and not (lower(btrim(e.system_id)) = $6 and coalesce(e.activity_level, '') like $7 || '%')
               {unreviewed}
             group by lower(btrim(e.care_unit_id)) order by 1 limit 1000"
        );
        let found = sqlx::query_as(&sql).bind(tenant.0).bind(provider.key()).bind(patient_key);
        let found = found.bind(from).bind(to).bind(own_system.key()).bind(OWN_LEVEL);
        Ok(found.fetch_all(&self.pool).await?)
    }
}
