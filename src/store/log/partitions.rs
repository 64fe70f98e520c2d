//! Partitions of the log's tables: one a month of the activity's time, made ahead for the months
//! around now, in which all but a few records lie. The others share one partition: no call makes a
//! table.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use chrono::{Datelike, Months, NaiveDate};
use sqlx::PgConnection;

/// Months before and after the current one. Records that a system has held back for some weeks have
/// their month; so has the next one, should nothing make partitions for as long.
const MONTHS_BEFORE: u32 = 3;
const MONTHS_AFTER: u32 = 3;
/// Taken while partitions are made, so that two processes do not make the same one.
const LOCK: i64 = 0x5347_4C4C_5041_5254;

impl Store {
    /// Makes the partitions for the months around `now` that are not there, and takes up in each what
    /// lies elsewhere of its month. Returns how many months have been made.
    ///
    /// # Errors
    /// The store's; what has been made stays.
    pub async fn make_log_partitions(&self, now: Timestamp) -> Result<usize, StoreError> {
        let this = NaiveDate::from_ymd_opt(now.year(), now.month(), 1);
        let first = this.and_then(|month| month.checked_sub_months(Months::new(MONTHS_BEFORE)));
        let Some(first) = first else { return Ok(0) };
        let mut made = 0;
        for later in 0..=MONTHS_BEFORE + MONTHS_AFTER {
            let month = first.checked_add_months(Months::new(later));
            let next = first.checked_add_months(Months::new(later + 1));
            let (Some(month), Some(next)) = (month, next) else { continue };
            made += usize::from(self.make_log_partition(month, next).await?);
        }
        Ok(made)
    }

    async fn make_log_partition(
        &self,
        month: NaiveDate,
        next: NaiveDate,
    ) -> Result<bool, StoreError> {
        let names = ["log_entries", "log_further_resources"]
            .map(|table| (table, format!("{table}_y{}m{:02}", month.year(), month.month())));
        let mut transaction = self.begin().await?;
        // Most often all are there, and nobody needs to wait for anybody.
        if is_there(&mut transaction, &names[1].1).await? {
            return Ok(false);
        }
        sqlx::query("/* lock_log_partitions */ select pg_advisory_xact_lock($1)")
            .bind(LOCK)
            .execute(&mut *transaction)
            .await?;
        let mut made = false;
        for (table, name) in &names {
            if is_there(&mut transaction, name).await? {
                continue;
            }
            for sql in partition(table, name, month, next) {
                sqlx::query(&sql).execute(&mut *transaction).await?;
            }
            made = true;
        }
        transaction.commit().await?;
        Ok(made)
    }
}

async fn is_there(connection: &mut PgConnection, table: &str) -> Result<bool, StoreError> {
    let sql = "/* log_partition_is_there */ select to_regclass($1) is not null";
    Ok(sqlx::query_scalar(sql).bind(table).fetch_one(connection).await?)
}

/// The statements that make a partition of a table for a month.
fn partition(table: &str, name: &str, month: NaiveDate, next: NaiveDate) -> [String; 5] {
    let (from, to) = (format!("{month}T00:00:00Z"), format!("{next}T00:00:00Z"));
    [
        format!("create table {name} (like {table} including all)"),
        // As the table has it, which `like` leaves out: a patient's report is planned once for all patients.
        format!("alter table {name} alter column patient_hash set (n_distinct = -0.2)"),
        format!("lock table {table}_other in access exclusive mode"),
        format!(
            "with moved as (delete from {table}_other
                where activity_at >= '{from}' and activity_at < '{to}' returning *)
             insert into {name} select * from moved"
        ),
        format!(
            "alter table {table} attach partition {name} for values from ('{from}') to ('{to}')"
        ),
    ]
}
