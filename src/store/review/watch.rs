//! Watched patients.

use super::openings::{NewReview, insert_review};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::FromRow;

/// An entry of the list.
#[derive(Debug, Clone, FromRow)]
pub struct StoredWatch {
    /// Which.
    pub watch_number: i64,
    /// The care provider.
    pub provider_id: String,
    /// Its name.
    pub provider_name: String,
    /// The patient's series, ...
    pub patient_root: String,
    /// ... number ...
    pub patient_extension: String,
    /// ... and key.
    pub patient_key: String,
    /// Why (`WatchKind`).
    pub kind: String,
    /// Why, in words.
    pub reason: String,
    /// Who has added it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
    /// Who else stands behind it.
    pub approved_by: Option<String>,
    /// The last day.
    pub expires_on: NaiveDate,
    /// When it was ended before.
    pub ended_at: Option<Timestamp>,
    /// Through which day visits have been reviewed.
    pub reviewed_until: Option<NaiveDate>,
}

const COLUMNS: &str = "watch_number, provider_id, provider_name, patient_root, patient_extension, patient_key, kind, reason, added_by,
    added_at, approved_by, expires_on, ended_at, reviewed_until";

/// A watched patient whose days have not been looked at on this day.
#[derive(Debug, Clone, FromRow)]
pub struct UnreviewedWatch {
    /// The care provider.
    pub provider_id: String,
    /// Its name.
    pub provider_name: String,
    /// The patient's series ...
    pub patient_root: String,
    /// ... and number.
    pub patient_extension: String,
    /// Why (`WatchKind`).
    pub kind: String,
    /// The entries, ...
    pub numbers: Vec<i64>,
    /// ... the days from which they held, ...
    pub held_from: Vec<NaiveDate>,
    /// ... and those through which.
    pub held_until: Vec<NaiveDate>,
    /// Through which day visits have been reviewed.
    pub reviewed_until: Option<NaiveDate>,
}

impl Store {
    /// Adds a patient to the list, or renews the entry: it holds when somebody else has approved it. The same that waits already
    /// is not added again.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_watch(
        &self,
        tenant: TenantId,
        (provider, provider_name): (&HsaId, &str),
        patient: &PatientId,
        (kind, reason, until): (&str, &str, NaiveDate),
        (by, now): (&HsaId, Timestamp),
    ) -> Result<Option<i64>, StoreError> {
        let mut transaction = self.begin().await?;
        // The same form twice at once: one after the other.
        sqlx::query(
            "/* adding_watch */ select pg_advisory_xact_lock(hashtext('watch_entries'), $1)",
        )
        .bind(tenant.0)
        .execute(&mut *transaction)
        .await?;
        let number = sqlx::query_scalar(
            "/* add_watch */ insert into watch_entries (tenant_id, provider_id, provider_key, provider_name, patient_root,
                patient_extension, patient_key, kind, reason, added_by, added_at, expires_on)
             select $1, $2, lower(btrim($2)), $3, $4, $5, $6, $7, $8, $9, $10, $11
             where not exists (select from watch_entries where tenant_id = $1 and provider_key = lower(btrim($2)) and patient_key = $6
                and kind = $7 and reason = $8 and added_by = $9 and expires_on = $11 and approved_by is null and ended_at is null)
             returning watch_number",
        )
        .bind(tenant.0)
        .bind(provider.as_str())
        .bind(provider_name)
        .bind(patient.root())
        .bind(patient.extension())
        .bind(patient.key())
        .bind(kind)
        .bind(reason)
        .bind(by.as_str())
        .bind(now)
        .bind(until)
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(number)
    }

    /// A care provider's list: what holds or waits, and what has ended, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn watch_list(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        today: NaiveDate,
    ) -> Result<Vec<StoredWatch>, StoreError> {
        let sql = format!(
            "/* watch_list */ select {COLUMNS} from watch_entries where tenant_id = $1 and provider_key = $2
             order by ended_at is not null or expires_on < $3, watch_number desc limit 1000"
        );
        let found = sqlx::query_as(&sql).bind(tenant.0).bind(provider.key()).bind(today);
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// Entries that held on some of the days since one, and have not been looked at through yesterday: those that were approved,
    /// until they expired or were ended. An entry that was added again is one with the former.
    ///
    /// # Errors
    /// The store's.
    pub async fn unreviewed_watches(
        &self,
        tenant: TenantId,
        (since, yesterday): (NaiveDate, NaiveDate),
    ) -> Result<Vec<UnreviewedWatch>, StoreError> {
        let found = sqlx::query_as(
            "/* unreviewed_watches */ select w.* from (
                select min(provider_id) as provider_id, max(provider_name) as provider_name, min(patient_root) as patient_root,
                    min(patient_extension) as patient_extension, kind, array_agg(watch_number order by watch_number) as numbers,
                    array_agg((approved_at at time zone 'Europe/Stockholm')::date order by watch_number) as held_from,
                    array_agg(least(expires_on, (ended_at at time zone 'Europe/Stockholm')::date) order by watch_number) as held_until,
                    min(coalesce(reviewed_until, '-infinity')) as looked_until, max(reviewed_until) as reviewed_until
                from watch_entries where tenant_id = $1 and approved_by is not null
                group by provider_key, patient_key, kind) w
             where w.looked_until < $3 and $2 <= any(w.held_until) order by w.numbers limit 500",
        );
        Ok(found.bind(tenant.0).bind(since).bind(yesterday).fetch_all(&self.pool).await?)
    }

    /// Who has been watched since a day by which care provider, and why: keys, and kinds (`WatchKind`).
    ///
    /// # Errors
    /// The store's.
    pub async fn watched(
        &self,
        tenant: TenantId,
        since: NaiveDate,
    ) -> Result<Vec<(String, String, String)>, StoreError> {
        let found = sqlx::query_as(
            "/* watched */ select distinct provider_key, patient_key, kind from watch_entries
             where tenant_id = $1 and approved_by is not null
               and least(expires_on, (ended_at at time zone 'Europe/Stockholm')::date) >= $2",
        );
        Ok(found.bind(tenant.0).bind(since).fetch_all(&self.pool).await?)
    }

    /// Somebody else stands behind an entry, or somebody ends it; `false`: nothing was to be done.
    ///
    /// # Errors
    /// The store's.
    pub async fn settle_watch(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        (number, ends): (i64, bool),
        (by, now): (&HsaId, Timestamp),
    ) -> Result<bool, StoreError> {
        let sql = match ends {
            false => {
                "/* approve_watch */ update watch_entries set approved_by = $4, approved_at = $5
                 where tenant_id = $1 and provider_key = $2 and watch_number = $3 and approved_by is null and ended_at is null
                   and lower(btrim(added_by)) <> lower(btrim($4))"
            }
            true => {
                "/* end_watch */ update watch_entries set ended_by = $4, ended_at = $5
                 where tenant_id = $1 and provider_key = $2 and watch_number = $3 and ended_at is null"
            }
        };
        let done = sqlx::query(sql).bind(tenant.0).bind(provider.key()).bind(number);
        let done = done.bind(by.as_str()).bind(now).execute(&self.pool).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Opens the reviews of a watched patient's days, those that are not open, and keeps through which day it was looked, all or
    /// none; `false`: another did it.
    ///
    /// # Errors
    /// The store's.
    pub async fn review_watch(
        &self,
        tenant: TenantId,
        (numbers, until): (&[i64], NaiveDate),
        new: &[NewReview],
        due: (NaiveDate, NaiveDate),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(
            "/* review_watch */ update watch_entries set reviewed_until = $2
             where watch_number = any($1) and coalesce(reviewed_until < $2, true)",
        );
        let done = done.bind(numbers).bind(until).execute(&mut *transaction).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        for one in new {
            insert_review(&mut transaction, tenant, one, due, now).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}
