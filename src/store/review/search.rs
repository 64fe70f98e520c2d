//! Searching the log: what of a care provider's staff, by all that a record says.

use crate::domain::identity::HsaId;
use crate::domain::log::record::KeyHash;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::reports::RecordPlaces;
use crate::store::readers::ACQUIRE_TIMEOUT;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::{FromRow, PgConnection};
use std::collections::HashSet;
use uuid::Uuid;

/// What is searched for; what is not given does not count.
#[derive(Debug, Clone, Default)]
pub struct LogCriteria {
    /// From when to when.
    pub interval: (Timestamp, Timestamp),
    /// The unit's key.
    pub unit: Option<String>,
    /// The user's key.
    pub user: Option<String>,
    /// The patient's key.
    pub patient: Option<String>,
    /// The system's key.
    pub system: Option<String>,
    /// What was done, in lower case.
    pub activity: Option<String>,
    /// The class of a kept verdict.
    pub class: Option<String>,
    /// What a flag of a reviewed visit begins with.
    pub flag: Option<String>,
}

#[derive(FromRow)]
struct PlaceFound {
    entry_number: i64,
    activity_at: Timestamp,
}

/// Every statement has $1 to $11: tenant, provider, interval, unit, user, patient's hash, system, activity, class, flag.
const WHERE: &str = "owner_hash = log_hash($1, $2) and activity_at between $3 and $4
    and ($5::text is null or lower(btrim(care_unit_id)) = $5) and ($6::text is null or lower(btrim(user_id)) = $6)
    and ($7::bigint is null or entry_number in (select entry_number from log_resources
        where patient_hash = $7 and activity_at between $3 and $4))
    and ($8::text is null or lower(btrim(system_id)) = $8) and ($9::text is null or lower(activity_type) = $9)
    and ($10::text is null or case when $10 = 'own'
        then (patient_hash is not null or resources > 1) and not exists (select from verdicts v where v.tenant_id = $1 and v.entry_number = e.entry_number and v.class <> 'own')
            and exists (select from verdict_days d where d.tenant_id = $1 and d.judged_at >= e.stored_at
                and d.day = (e.activity_at at time zone 'Europe/Stockholm')::date)
        else entry_number in (select entry_number from verdicts where tenant_id = $1 and class = $10 and activity_at between $3 and $4) end)
    and ($11::text is null or exists (select from review_visit_posts p join review_visits v using (visit_number)
        join reviews r using (review_number)
        where p.entry_number = e.entry_number and r.tenant_id = $1 and r.provider_key = $2 and r.kind <> 'suspicion' and exists (select from unnest(v.flags) f where f like $11 || '%')))";

impl Store {
    /// The places of the records that are searched for, the latest first: those of a moment or before, without so many of them.
    ///
    /// # Errors
    /// The store's; also that it takes too long.
    pub async fn search_log(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        criteria: &LogCriteria,
        (before, skip, most): (Timestamp, i64, i64),
    ) -> Result<RecordPlaces, StoreError> {
        let (provider, criteria) = (provider.key(), criteria.clone());
        let read = async move |connection: &mut PgConnection| {
            let sql = format!(
                "/* search_log */ select entry_number, activity_at from log_entries e where {WHERE} and activity_at <= $12
                 order by activity_at desc, entry_number desc offset $13 limit $14"
            );
            let rows: Vec<PlaceFound> = bound(sqlx::query_as(&sql), tenant, &provider, &criteria)
                .bind(before)
                .bind(skip)
                .bind(most)
                .fetch_all(connection)
                .await?;
            let (numbers, times) =
                rows.iter().map(|row| (row.entry_number, row.activity_at)).unzip();
            Ok((RecordPlaces::kept(numbers, times), 0))
        };
        Ok(self.read_at_length(ACQUIRE_TIMEOUT, read).await?.it)
    }

    /// How many records of each Swedish day are what is searched for.
    ///
    /// # Errors
    /// The store's; also that it takes too long.
    pub async fn search_log_by_day(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        criteria: &LogCriteria,
    ) -> Result<Vec<DayFound>, StoreError> {
        let (provider, criteria) = (provider.key(), criteria.clone());
        let read = async move |connection: &mut PgConnection| {
            let sql = format!(
                "/* search_log_by_day */ select (activity_at at time zone 'Europe/Stockholm')::date as day, count(*) as posts,
                    count(distinct patient_hash) as patients, count(distinct lower(btrim(user_id))) as users
                 from log_entries e where {WHERE} group by 1 order by 1 desc"
            );
            let rows: Vec<DayFound> = bound(sqlx::query_as(&sql), tenant, &provider, &criteria)
                .fetch_all(connection)
                .await?;
            Ok((rows, 0))
        };
        Ok(self.read_at_length(ACQUIRE_TIMEOUT, read).await?.it)
    }

    /// Which of some posts had come when their days were judged: those of them of which no verdict is kept are the own care
    /// provider's.
    ///
    /// # Errors
    /// The store's.
    pub async fn are_judged(
        &self,
        tenant: TenantId,
        (numbers, interval): (&[i64], (Timestamp, Timestamp)),
    ) -> Result<HashSet<i64>, StoreError> {
        let found = sqlx::query_scalar(
            "/* are_judged */ select entry_number from log_entries e join verdict_days d on d.tenant_id = $1
                and d.day = (e.activity_at at time zone 'Europe/Stockholm')::date and d.judged_at >= e.stored_at
             where entry_number = any($2) and activity_at between $3 and $4",
        );
        let found = found.bind(tenant.0).bind(numbers).bind(interval.0).bind(interval.1);
        Ok(found.fetch_all(&self.pool).await?.into_iter().collect())
    }

    /// Keeps what a login searches for.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_search(
        &self,
        session: i64,
        (id, criteria): (Uuid, &str),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* sweep_searches */ delete from log_searches where search_id in (select search_id from log_searches
                where session_number = $1 order by made_at desc offset 50)",
        )
        .bind(session)
        .execute(&self.pool)
        .await?;
        sqlx::query(
            "/* keep_search */ insert into log_searches (search_id, session_number, criteria, made_at) values ($1, $2, $3, $4)",
        )
        .bind(id)
        .bind(session)
        .bind(criteria)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What a login searched for; another login's search does not exist.
    ///
    /// # Errors
    /// The store's.
    pub async fn kept_search(&self, session: i64, id: Uuid) -> Result<Option<String>, StoreError> {
        let found = sqlx::query_scalar(
            "/* kept_search */ select criteria from log_searches where session_number = $1 and search_id = $2",
        );
        Ok(found.bind(session).bind(id).fetch_optional(&self.pool).await?)
    }
}

/// A day with what was found of it.
#[derive(Debug, Clone, FromRow)]
pub struct DayFound {
    /// The day.
    pub day: NaiveDate,
    /// Records.
    pub posts: i64,
    /// Patients that they name first.
    pub patients: i64,
    /// Users.
    pub users: i64,
}

type Asked<'q, T> = sqlx::query::QueryAs<'q, sqlx::Postgres, T, sqlx::postgres::PgArguments>;

fn bound<'q, T>(
    query: Asked<'q, T>,
    tenant: TenantId,
    provider: &'q str,
    criteria: &'q LogCriteria,
) -> Asked<'q, T>
where
    T: for<'r> FromRow<'r, sqlx::postgres::PgRow>,
{
    let patient = criteria.patient.as_deref().map(|key| KeyHash::of(tenant.0, key).0);
    query
        .bind(tenant.0)
        .bind(provider)
        .bind(criteria.interval.0)
        .bind(criteria.interval.1)
        .bind(&criteria.unit)
        .bind(&criteria.user)
        .bind(patient)
        .bind(&criteria.system)
        .bind(&criteria.activity)
        .bind(&criteria.class)
        .bind(&criteria.flag)
}
