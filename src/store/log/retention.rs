//! Retention of log records. A month of which nothing must stay is dropped whole; from others what is due
//! is deleted, a batch at a time.

use crate::domain::retention::Cutoffs;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::retention::Due;
use crate::store::tenants::TenantId;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{FromRow, PgConnection};

/// As log records are called in `retention_removals` and on the command line.
pub const LOG_RECORDS: &str = "log record";
/// How long it may take to look through a month.
const LOOKING_LIMIT: &str = "set local statement_timeout = '1h'";
/// Whoever stores records waits for as long, at the most; then the month is dropped another time.
const DROP_PATIENCE: &str = "set local lock_timeout = '500ms'";

/// A month of the log, or what lies in no month's partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMonth {
    /// What the names of its partitions end with.
    suffix: String,
    /// Its first day; `None` for what lies in no month's partition.
    first: Option<NaiveDate>,
}

/// What a look through a month has found.
#[derive(Debug, Clone, FromRow)]
struct SurveyedMonth {
    must_stay: bool,
    last_number: Option<i64>,
    last_hold: Option<i64>,
}

/// Whose records in a month may be due: owners whose time is over, by their hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueOwners(Vec<i64>);

/// A batch of records that have been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovedBatch {
    /// How many were removed.
    pub removed: usize,
    /// The number of the last that was looked at; `None` when there are no more.
    pub last: Option<i64>,
}

#[derive(FromRow)]
struct FoundOwner {
    owner_hash: i64,
    owner_key: String,
}

#[derive(FromRow)]
struct BatchRow {
    removed: i64,
    walked: i64,
    last: Option<i64>,
}

impl LogMonth {
    fn of_partition(name: &str) -> Option<Self> {
        let suffix = name.strip_prefix("log_entries_")?;
        let first = match suffix {
            "other" => None,
            month => {
                let (year, month) = month.strip_prefix('y')?.split_once('m')?;
                Some(NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?)
            }
        };
        Some(Self { suffix: suffix.to_owned(), first })
    }

    /// What stands for it among the removals.
    fn name(&self) -> String {
        self.first.map_or_else(|| "other".into(), |first| first.format("%Y-%m").to_string())
    }

    /// Since when its first records may have been there.
    fn begins(&self) -> Timestamp {
        let first = self.first.and_then(|first| first.and_hms_opt(0, 0, 0));
        first.map_or(DateTime::<Utc>::MIN_UTC, |first| first.and_utc())
    }

    /// Whether a record, `e`, is due, for the cutoffs $1 to $3: everybody's, and those of providers.
    fn is_due(&self) -> String {
        format!(
            "(greatest(e.stored_at, e.activity_at) < coalesce((select own.cutoff
                from unnest($2::text[], $3::timestamptz[]) as own (provider_key, cutoff)
                where own.provider_key = lower(btrim(e.care_provider_id))), $1)
              and not exists (select 1 from legal_holds h
                where h.tenant_id = e.tenant_id and h.lifted_at is null
                  and (h.patient_key is null or e.patient_hash = log_hash(h.tenant_id, h.patient_key)
                    or exists (select 1 from log_further_resources_{0} r
                        where r.entry_number = e.entry_number
                          and r.patient_hash = log_hash(h.tenant_id, h.patient_key)))
                  and (h.provider_key is null or h.provider_key = lower(btrim(e.care_provider_id))
                    or h.provider_key = lower(btrim(e.holder_id))
                    or exists (select 1 from log_further_resources_{0} r
                        where r.entry_number = e.entry_number
                          and h.provider_key = lower(btrim(r.holder_id))))))",
            self.suffix
        )
    }
}

impl Store {
    /// The months that begin before a time, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn log_months_before(&self, time: Timestamp) -> Result<Vec<LogMonth>, StoreError> {
        let names: Vec<String> = sqlx::query_scalar(
            "/* log_months_before */ select c.relname::text from pg_inherits i
             join pg_class c on c.oid = i.inhrelid
             where i.inhparent = 'log_entries'::regclass order by c.relname",
        )
        .fetch_all(&self.pool)
        .await?;
        let months = names.iter().filter_map(|name| LogMonth::of_partition(name));
        Ok(months.filter(|month| month.begins() < time).collect())
    }

    /// What is due of a tenant's records in a month, by care provider.
    ///
    /// # Errors
    /// The store's.
    pub async fn due_records(
        &self,
        month: &LogMonth,
        tenant: TenantId,
        cutoffs: &Cutoffs,
    ) -> Result<Vec<Due>, StoreError> {
        let sql = format!(
            "/* due_records */ with judged as (select care_provider_id,
                lower(btrim(care_provider_id)) as provider_key,
                greatest(stored_at, activity_at) as since, {} as due
                from log_entries_{} e where tenant_id = $4 and greatest(stored_at, activity_at) < $1)
             select min(care_provider_id) as care_provider_id, count(*) filter (where due) as count,
                count(*) filter (where not due) as held, min(since) as oldest_since
             from judged group by provider_key order by provider_key",
            month.is_due(),
            month.suffix
        );
        let (keys, moments) = columns(cutoffs);
        let mut transaction = self.begin().await?;
        sqlx::query(LOOKING_LIMIT).execute(&mut *transaction).await?;
        let due = sqlx::query_as(&sql).bind(cutoffs.general).bind(keys).bind(moments);
        Ok(due.bind(tenant.0).fetch_all(&mut *transaction).await?)
    }

    /// Drops a month of which nothing must stay; returns how many records it had. `None`: something
    /// must.
    ///
    /// # Errors
    /// The store's; also that others use the log all the time.
    pub async fn drop_month(
        &self,
        month: &LogMonth,
        now: Timestamp,
        cutoffs: &Cutoffs,
    ) -> Result<Option<usize>, StoreError> {
        if month.first.is_none() {
            return Ok(None);
        }
        let found = self.survey(month, cutoffs).await?;
        if found.must_stay {
            return Ok(None);
        }
        let suffix = &month.suffix;
        let mut transaction = self.begin().await?;
        sqlx::query(LOOKING_LIMIT).execute(&mut *transaction).await?;
        let counted: i64 = sqlx::query_scalar(&format!(
            "/* record_dropped_month */ with removed as (
                insert into retention_removals (tenant_id, kind, object_id, care_provider_id,
                    invalid_since, removed_at, records)
                select tenant_id, $1, $2, min(care_provider_id), max(greatest(stored_at, activity_at)),
                    $3, count(*)
                from log_entries_{suffix} group by tenant_id, lower(btrim(care_provider_id))
                returning records)
             select coalesce(sum(records), 0)::bigint from removed"
        ))
        .bind(LOG_RECORDS)
        .bind(month.name())
        .bind(now)
        .fetch_one(&mut *transaction)
        .await?;
        sqlx::query(DROP_PATIENCE).execute(&mut *transaction).await?;
        for table in ["log_entries", "log_further_resources"] {
            let sql = format!("alter table {table} detach partition {table}_{suffix}");
            sqlx::query(&sql).execute(&mut *transaction).await?;
        }
        // From here on nobody changes it; what came since it was looked through must have its turn.
        if changed_since(&mut transaction, month, &found).await? {
            transaction.rollback().await?;
            return Ok(None);
        }
        sqlx::query(&format!("drop table log_entries_{suffix}, log_further_resources_{suffix}"))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(usize::try_from(counted).unwrap_or(usize::MAX)))
    }

    async fn survey(
        &self,
        month: &LogMonth,
        cutoffs: &Cutoffs,
    ) -> Result<SurveyedMonth, StoreError> {
        let sql = format!(
            "/* survey_month */ select
                exists (select 1 from log_entries_{} e where not {}) as must_stay,
                (select max(entry_number) from log_entries_{}) as last_number,
                (select max(hold_number) from legal_holds) as last_hold",
            month.suffix,
            month.is_due(),
            month.suffix
        );
        let (keys, moments) = columns(cutoffs);
        let mut transaction = self.begin().await?;
        sqlx::query("set transaction isolation level repeatable read, read only")
            .execute(&mut *transaction)
            .await?;
        sqlx::query(LOOKING_LIMIT).execute(&mut *transaction).await?;
        let found = sqlx::query_as(&sql).bind(cutoffs.general).bind(keys).bind(moments);
        Ok(found.fetch_one(&mut *transaction).await?)
    }

    /// Whose records in a month may be due; `None`: nobody's. Each owner is looked up by the index of
    /// owner and time, so that what others keep for longer is not walked over every day.
    ///
    /// # Errors
    /// The store's.
    pub async fn due_owners(
        &self,
        month: &LogMonth,
        cutoffs: &Cutoffs,
    ) -> Result<Option<DueOwners>, StoreError> {
        let suffix = &month.suffix;
        let owners: Vec<FoundOwner> = sqlx::query_as(&format!(
            "/* due_owners */ with recursive owners (owner_hash) as (
                (select owner_hash from log_entries_{suffix} order by owner_hash limit 1)
                union all
                select (select e.owner_hash from log_entries_{suffix} e
                    where e.owner_hash > o.owner_hash order by e.owner_hash limit 1)
                from owners o where o.owner_hash is not null)
             select o.owner_hash, n.owner_key from owners o
             cross join lateral (select lower(btrim(e.care_provider_id)) as owner_key
                from log_entries_{suffix} e where e.owner_hash = o.owner_hash limit 1) n"
        ))
        .fetch_all(&self.pool)
        .await?;
        let is_due = |owner: &FoundOwner| {
            let own = cutoffs.own.iter().find(|(key, _)| *key == owner.owner_key);
            month.begins() < own.map_or(cutoffs.general, |(_, cutoff)| *cutoff)
        };
        let due = owners.iter().filter(|owner| is_due(owner)).map(|owner| owner.owner_hash);
        let due: Vec<i64> = due.collect();
        Ok((!due.is_empty()).then_some(DueOwners(due)))
    }

    /// Looks at the next records of a month that may be due, and removes those that are.
    ///
    /// # Errors
    /// The store's; nothing is removed then.
    pub async fn remove_records(
        &self,
        month: &LogMonth,
        owners: &DueOwners,
        (now, cutoffs): (Timestamp, &Cutoffs),
        after: Option<i64>,
        count: usize,
    ) -> Result<RemovedBatch, StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let suffix = &month.suffix;
        let sql = format!(
            "/* remove_records */ with walked as materialized (
                select e.entry_number, e.activity_at, e.tenant_id, e.log_id, e.care_provider_id,
                    greatest(e.stored_at, e.activity_at) as since, {} as due
                from log_entries_{suffix} e
                where e.entry_number > $4 and e.owner_hash = any($8)
                order by e.entry_number limit $5),
             resources as (delete from log_further_resources_{suffix} r using walked w
                where w.due and r.entry_number = w.entry_number and r.activity_at = w.activity_at),
             records as (delete from log_entries_{suffix} e using walked w
                where w.due and e.entry_number = w.entry_number and e.activity_at = w.activity_at
                returning w.*),
             removed as (
                insert into retention_removals (tenant_id, kind, object_id, care_provider_id,
                    invalid_since, removed_at)
                select tenant_id, $6, log_id, care_provider_id, since, $7 from records returning 1)
             select (select count(*) from removed) as removed, count(*) as walked,
                max(entry_number) as last from walked",
            month.is_due()
        );
        let (keys, moments) = columns(cutoffs);
        let batch: BatchRow = sqlx::query_as(&sql)
            .bind(cutoffs.general)
            .bind(keys)
            .bind(moments)
            .bind(after.unwrap_or_default())
            .bind(count)
            .bind(LOG_RECORDS)
            .bind(now)
            .bind(&owners.0)
            .fetch_one(&self.pool)
            .await?;
        Ok(RemovedBatch {
            removed: usize::try_from(batch.removed).unwrap_or_default(),
            last: batch.last.filter(|_| batch.walked == count),
        })
    }
}

/// Whether records or holds have come since a month was looked through.
async fn changed_since(
    connection: &mut PgConnection,
    month: &LogMonth,
    found: &SurveyedMonth,
) -> Result<bool, StoreError> {
    sqlx::query("lock table legal_holds in share mode").execute(&mut *connection).await?;
    let sql = format!(
        "/* month_changed */ select
            exists (select 1 from log_entries_{} where entry_number > $1)
            or exists (select 1 from legal_holds where hold_number > $2)",
        month.suffix
    );
    let changed = sqlx::query_scalar(&sql);
    let (number, hold) =
        (found.last_number.unwrap_or_default(), found.last_hold.unwrap_or_default());
    Ok(changed.bind(number).bind(hold).fetch_one(connection).await?)
}

fn columns(cutoffs: &Cutoffs) -> (Vec<&str>, Vec<Timestamp>) {
    cutoffs.own.iter().map(|(key, cutoff)| (key.as_str(), *cutoff)).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_tell_their_month() {
        let month = |name| LogMonth::of_partition(name).map(|month| month.name());
        assert_eq!(month("log_entries_y2021m03"), Some("2021-03".into()));
        assert_eq!(month("log_entries_other"), Some("other".into()));
        assert_eq!(month("log_entries_y2021m13"), None);
        assert_eq!(month("log_further_resources_y2021m03"), None);
    }
}
