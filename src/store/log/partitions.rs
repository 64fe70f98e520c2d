//! Partitions of the log's tables: one a month of the activity's time, made when the first
//! record of the month arrives.

use crate::store::error::StoreError;
use chrono::NaiveDate;
use sqlx::PgPool;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Years whose months get partitions of their own. Records outside them, which can only
/// come from a clock gone wrong, share the default partition.
const YEARS: std::ops::Range<i32> = 2000..2100;
/// Taken while partitions are made, so that two processes do not make the same one.
const LOCK: i64 = 0x5347_4C4C_5041_5254;

/// The months whose partitions are known to exist.
#[derive(Debug, Default)]
pub(super) struct LogPartitions {
    known: Mutex<HashSet<(i32, u32)>>,
}

impl LogPartitions {
    /// Makes the partitions that the months need and that are not there.
    pub async fn ensure(
        &self,
        pool: &PgPool,
        months: HashSet<(i32, u32)>,
    ) -> Result<(), StoreError> {
        let missing: HashSet<(i32, u32)> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            months.into_iter().filter(|m| YEARS.contains(&m.0) && !known.contains(m)).collect()
        };
        for month in missing {
            create(pool, month).await?;
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(month);
        }
        Ok(())
    }
}

async fn create(pool: &PgPool, (year, month): (i32, u32)) -> Result<(), StoreError> {
    let first = NaiveDate::from_ymd_opt(year, month, 1);
    let next = first.and_then(|day| day.checked_add_months(chrono::Months::new(1)));
    let (Some(first), Some(next)) = (first, next) else { return Ok(()) };
    let mut transaction = pool.begin().await?;
    sqlx::query("/* lock_log_partitions */ select pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await?;
    for table in ["log_entries", "log_resources"] {
        let sql = format!(
            "create table if not exists {table}_y{year}m{month:02} partition of {table}
             for values from ('{first}T00:00:00Z') to ('{next}T00:00:00Z')"
        );
        sqlx::query(&sql).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
