//! Retention of log records: a month's partition is exchanged for one with what must stay, and which leaves were removed is
//! sealed in the same transaction.

pub use super::months::LogMonth;
use super::seal::notices::{self, NewNotice};
use super::seal::removed::hash_of;
use crate::domain::retention::Cutoffs;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::retention::Due;
use crate::store::tenants::TenantId;
use sigill_seal::archive::LEAVES_LINE;
use sigill_seal::entry::Kind;
use sigill_seal::leaf_set;
use sqlx::{FromRow, PgConnection};
use std::time::Duration;
use tokio::time::sleep;

/// As log records are called in `retention_removals` and on the command line.
pub const LOG_RECORDS: &str = "log record";
/// How long it may take to look through a month.
const LOOKING_LIMIT: &str = "set local statement_timeout = '1h'";
/// Whoever stores records waits for as long, at the most; then it is tried again, so often.
const EXCHANGE_PATIENCE: &str = "set local lock_timeout = '500ms'";
const EXCHANGE_TRIES: u32 = 5;
/// Others have their turn between two tries.
const EXCHANGE_PAUSE: Duration = Duration::from_millis(500);
/// Who stores records of the month waits for us, and we for them: then all is undone, and begun again so often.
const REMOVAL_TRIES: u32 = 3;

/// Whose records in a month may be due: owners whose time is over, by their hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueOwners(Vec<i64>);

/// A removal that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct MonthRemoval<'r> {
    /// The month.
    pub month: &'r LogMonth,
    /// From when on what is kept.
    pub cutoffs: &'r Cutoffs,
    /// Leaves from this one on stay: nobody can show that they are old enough.
    pub before_leaf: u64,
    /// When.
    pub now: Timestamp,
}

#[derive(FromRow)]
struct FoundOwner {
    owner_hash: i64,
    owner_key: String,
}

#[derive(FromRow)]
struct LeafRange {
    first: i64,
    behind: i64,
}

impl Store {
    /// The months that are over at a time, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn log_months_over_at(&self, time: Timestamp) -> Result<Vec<LogMonth>, StoreError> {
        let names: Vec<String> = sqlx::query_scalar(
            "/* log_months_over_at */ select c.relname::text from pg_inherits i
             join pg_class c on c.oid = i.inhrelid
             where i.inhparent = 'log_entries'::regclass order by c.relname",
        )
        .fetch_all(&self.pool)
        .await?;
        let months = names.iter().filter_map(|name| LogMonth::of_partition(name));
        Ok(months.filter(|month| month.ends() <= time).collect())
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

    /// Whether any of some owners' records in a month is due.
    ///
    /// # Errors
    /// The store's.
    pub async fn has_due_records(
        &self,
        removal: &MonthRemoval<'_>,
        owners: &DueOwners,
    ) -> Result<bool, StoreError> {
        let sql = format!(
            "/* has_due_records */ select exists (select 1 from log_entries_{} e
                where e.owner_hash = any($4) and {} and {})",
            removal.month.suffix,
            removal.month.is_due(),
            LogMonth::has_leaf_before("$5")
        );
        let (keys, moments) = columns(removal.cutoffs);
        let mut transaction = self.begin().await?;
        sqlx::query(LOOKING_LIMIT).execute(&mut *transaction).await?;
        let found = sqlx::query_scalar(&sql).bind(removal.cutoffs.general).bind(keys).bind(moments);
        let found = found.bind(&owners.0).bind(number(removal.before_leaf));
        Ok(found.fetch_one(&mut *transaction).await?)
    }

    /// Removes what is due of a month, and seals that; returns how many records it was.
    ///
    /// # Errors
    /// The store's; nothing is removed then. Also that others use the log all the time.
    pub async fn remove_records(&self, removal: &MonthRemoval<'_>) -> Result<usize, StoreError> {
        let mut tries = REMOVAL_TRIES;
        loop {
            tries -= 1;
            match self.remove_records_once(removal).await {
                Err(StoreError::Database(error)) if tries > 0 && is_lock_timeout(&error) => {
                    sleep(EXCHANGE_PAUSE).await;
                }
                done => return done,
            }
        }
    }

    async fn remove_records_once(&self, removal: &MonthRemoval<'_>) -> Result<usize, StoreError> {
        let (intake, month) = (self.intake()?, removal.month);
        let mut transaction = self.begin().await?;
        sqlx::query(LOOKING_LIMIT).execute(&mut *transaction).await?;
        // Who would store records of this month, or place a hold, waits; reading goes on.
        for table in [month.table("log_entries"), month.table("log_further_resources")] {
            let sql = format!("lock table {table} in share row exclusive mode");
            sqlx::query(&sql).execute(&mut *transaction).await?;
        }
        sqlx::query("lock table legal_holds in share mode").execute(&mut *transaction).await?;
        let kept = keep(&mut transaction, removal).await?;
        let removed = record(&mut transaction, removal).await?;
        if removed == 0 {
            return Ok(0);
        }
        let ranges: Vec<LeafRange> = sqlx::query_as(&format!(
            "/* leaves_removed */ select min(leaf) as first, max(leaf) + 1 as behind from (
                select leaf, leaf - row_number() over (order by leaf) as island from (
                    select r.first_leaf + e.entry_number - r.first_number as leaf from {} e
                    cross join lateral (select * from log_runs where first_number <= e.entry_number
                        order by first_number desc limit 1) r
                    where not exists (select 1 from {}_kept k where k.entry_number = e.entry_number)) l) i
             group by island order by 1",
            month.table("log_entries"),
            month.table("log_entries")
        ))
        .fetch_all(&mut *transaction)
        .await?;
        let leaf = |leaf: i64| u64::try_from(leaf).unwrap_or_default();
        let ranges: Vec<_> =
            ranges.iter().map(|range| leaf(range.first)..leaf(range.behind)).collect();
        let leaves = leaf_set::write(&ranges);
        let body = format!(
            "removal\nmonth {}\nremoved {removed}\nkept {kept}\nbefore {}\nolder than {}\n{LEAVES_LINE}{}\n",
            month.name(),
            removal.before_leaf,
            removal.cutoffs.general.format("%Y-%m-%dT%H:%M:%SZ"),
            hash_of(&leaves)
        );
        let new = NewNotice { kind: Kind::Removal, salt: None, body: &body };
        let notice = notices::add(&mut transaction, intake, &new, removal.now).await?;
        let sql =
            "/* add_removal */ insert into log_removals (entry_number, leaves) values ($1, $2)";
        sqlx::query(sql).bind(notice).bind(&leaves).execute(&mut *transaction).await?;
        exchange(&mut transaction, month, kept).await?;
        transaction.commit().await?;
        Ok(usize::try_from(removed).unwrap_or(usize::MAX))
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
            month.ends() <= own.map_or(cutoffs.general, |(_, cutoff)| *cutoff)
        };
        let due = owners.iter().filter(|owner| is_due(owner)).map(|owner| owner.owner_hash);
        let due: Vec<i64> = due.collect();
        Ok((!due.is_empty()).then_some(DueOwners(due)))
    }
}

/// Copies what must stay of a month into tables of its own; how many records.
async fn keep(
    connection: &mut PgConnection,
    removal: &MonthRemoval<'_>,
) -> Result<i64, StoreError> {
    let month = removal.month;
    let (entries, further) = (month.table("log_entries"), month.table("log_further_resources"));
    for table in [&entries, &further] {
        let mut statements = vec![
            format!("create table {table}_kept (like {table} including all)"),
            format!("alter table {table}_kept alter column patient_hash set (n_distinct = -0.2)"),
        ];
        // What is known of it need not be looked for while everybody waits.
        statements.extend(month.bounds().map(|(from, to)| {
            format!(
                "alter table {table}_kept add constraint of_month
                 check (activity_at >= '{from}' and activity_at < '{to}')"
            )
        }));
        for sql in statements {
            sqlx::query(&sql).execute(&mut *connection).await?;
        }
    }
    let sql = format!(
        "/* keep_records */ insert into {entries}_kept select * from {entries} e where not ({} and {})",
        month.is_due(),
        LogMonth::has_leaf_before("$4")
    );
    let (keys, moments) = columns(removal.cutoffs);
    let kept = sqlx::query(&sql).bind(removal.cutoffs.general).bind(keys).bind(moments);
    let kept = kept.bind(number(removal.before_leaf)).execute(&mut *connection).await?;
    let sql = format!(
        "/* keep_resources */ insert into {further}_kept select r.* from {further} r
         where exists (select 1 from {entries}_kept k where k.entry_number = r.entry_number)"
    );
    sqlx::query(&sql).execute(connection).await?;
    Ok(i64::try_from(kept.rows_affected()).unwrap_or(i64::MAX))
}

/// Records what is removed, by care provider; how many records.
async fn record(
    connection: &mut PgConnection,
    removal: &MonthRemoval<'_>,
) -> Result<i64, StoreError> {
    let table = removal.month.table("log_entries");
    Ok(sqlx::query_scalar(&format!(
        "/* record_removed */ with removed as (
            insert into retention_removals (tenant_id, kind, object_id, care_provider_id,
                invalid_since, removed_at, records)
            select tenant_id, $1, $2, min(care_provider_id), max(greatest(stored_at, activity_at)), $3, count(*)
            from {table} e where not exists (select 1 from {table}_kept k where k.entry_number = e.entry_number)
            group by tenant_id, lower(btrim(care_provider_id))
            returning records)
         select coalesce(sum(records), 0)::bigint from removed"
    ))
    .bind(LOG_RECORDS)
    .bind(removal.month.name())
    .bind(removal.now)
    .fetch_one(connection)
    .await?)
}

/// Puts what is kept in the place of a month; a month of which nothing is kept goes whole. Whoever stores or reads the
/// log meanwhile is waited for, not long at a time.
async fn exchange(
    connection: &mut PgConnection,
    month: &LogMonth,
    kept: i64,
) -> Result<(), StoreError> {
    let mut tries = EXCHANGE_TRIES;
    loop {
        tries -= 1;
        sqlx::query("savepoint exchange").execute(&mut *connection).await?;
        match exchange_once(connection, month, kept).await {
            Err(StoreError::Database(error)) if tries > 0 && is_lock_timeout(&error) => {
                sqlx::query("rollback to savepoint exchange").execute(&mut *connection).await?;
                sleep(EXCHANGE_PAUSE).await;
            }
            done => return done,
        }
    }
}

async fn exchange_once(
    connection: &mut PgConnection,
    month: &LogMonth,
    kept: i64,
) -> Result<(), StoreError> {
    sqlx::query(EXCHANGE_PATIENCE).execute(&mut *connection).await?;
    for parent in ["log_entries", "log_further_resources"] {
        let table = month.table(parent);
        let bound: String = sqlx::query_scalar(
            "/* partition_bound */ select pg_get_expr(relpartbound, oid) from pg_class where oid = $1::regclass",
        )
        .bind(&table)
        .fetch_one(&mut *connection)
        .await?;
        let mut statements = vec![
            format!("alter table {parent} detach partition {table}"),
            format!("drop table {table}"),
        ];
        // What comes later of a month that is gone lies with the other months.
        if kept > 0 || month.first.is_none() {
            statements.push(format!("alter table {table}_kept rename to {table}"));
            statements.push(format!("alter table {parent} attach partition {table} {bound}"));
            statements.push(format!("alter table {table} drop constraint if exists of_month"));
        } else {
            statements.push(format!("drop table {table}_kept"));
        }
        for sql in statements {
            sqlx::query(&sql).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

fn is_lock_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("55P03"))
}

fn number(leaf: u64) -> i64 {
    i64::try_from(leaf).unwrap_or(i64::MAX)
}

fn columns(cutoffs: &Cutoffs) -> (Vec<&str>, Vec<Timestamp>) {
    cutoffs.own.iter().map(|(key, cutoff)| (key.as_str(), *cutoff)).unzip()
}
