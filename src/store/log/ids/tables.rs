//! The tables that take new ids, one after the other, and the runs that closed ones became.

use super::known::table;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::{StoreError, ensure_one};
use sqlx::FromRow;

/// Whoever stores records waits for as long, at the most; then the table is closed another time.
const CLOSE_PATIENCE: &str = "set local lock_timeout = '500ms'";
/// Pages that are removed in one statement.
const PAGES_DROPPED: i64 = 20_000;
/// How long it may take to count a table.
const LOOKING_LIMIT: &str = "set local statement_timeout = '10min'";

/// The table that takes new ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct OpenTable {
    /// Its number.
    pub table_number: i32,
    /// Since when it is open.
    pub opened_at: Timestamp,
    /// About how many ids it has; 0 is exact.
    pub ids: i64,
}

/// Ids that never change: a closed table, or a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct ClosedIds {
    /// The run; `None`: a closed table.
    pub run_number: Option<i64>,
    pub(super) table_number: i32,
    pub(super) page_bits: i16,
    pub(super) part_bits: i16,
    /// How many there are.
    pub ids: i64,
    /// The lowest running number.
    pub first_number: i64,
    /// The highest.
    pub last_number: i64,
    /// Ids of removed records that were in this table or an earlier one have been left out.
    pub forgotten_with: i32,
}

impl Store {
    /// The table that takes new ids.
    ///
    /// # Errors
    /// The store's.
    pub async fn open_id_table(&self) -> Result<OpenTable, StoreError> {
        let mut open: OpenTable = sqlx::query_as(
            "/* open_id_table */ select table_number, opened_at, 0::bigint as ids from log_id_tables
             where closed_at is null",
        )
        .fetch_one(&self.pool)
        .await?;
        // 157 rows fill a page of 8 KiB.
        let sql = format!(
            "/* open_ids */ select case when exists (select 1 from {0})
                then pg_relation_size('{0}') / 8192 * 157 else 0 end",
            table(open.table_number)
        );
        open.ids = sqlx::query_scalar(&sql).fetch_one(&self.pool).await?;
        Ok(open)
    }

    /// Closes a table and opens the next.
    ///
    /// # Errors
    /// The store's; also that others use the table all the time.
    pub async fn close_id_table(&self, number: i32) -> Result<(), StoreError> {
        let (closed, next) = (table(number), table(number + 1));
        let mut transaction = self.begin().await?;
        sqlx::query(CLOSE_PATIENCE).execute(&mut *transaction).await?;
        for sql in [
            format!("create table {next} (like {closed} including all)"),
            // Whoever holds the table ends first; nothing is put into it from here on.
            format!("alter table {closed} add constraint {closed}_closed check (false) not valid"),
        ] {
            sqlx::query(&sql).execute(&mut *transaction).await?;
        }
        let done = sqlx::query(
            "/* close_id_table */ update log_id_tables set closed_at = clock_timestamp()
             where table_number = $1 and closed_at is null",
        )
        .bind(number)
        .execute(&mut *transaction)
        .await?;
        ensure_one(&done, "closing a table of log ids")?;
        sqlx::query("/* next_id_table */ insert into log_id_tables (table_number) values ($1)")
            .bind(number + 1)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// A closed table that is not packed yet, the oldest.
    ///
    /// # Errors
    /// The store's.
    pub async fn closed_id_table(&self) -> Result<Option<ClosedIds>, StoreError> {
        let number: Option<i32> = sqlx::query_scalar(
            "/* closed_id_table */ select table_number from log_id_tables
             where closed_at is not null and not packed order by table_number limit 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(number) = number else { return Ok(None) };
        let mut transaction = self.begin().await?;
        sqlx::query(LOOKING_LIMIT).execute(&mut *transaction).await?;
        let sql = format!(
            "/* closed_ids */ select null::bigint as run_number, {number} as table_number,
                0::smallint as page_bits, 0::smallint as part_bits, count(*) as ids,
                coalesce(min(entry_number), 0) as first_number,
                coalesce(max(entry_number), 0) as last_number, 0 as forgotten_with
             from {}",
            table(number)
        );
        Ok(Some(sqlx::query_as(&sql).fetch_one(&mut *transaction).await?))
    }

    /// The runs, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn id_runs(&self) -> Result<Vec<ClosedIds>, StoreError> {
        Ok(sqlx::query_as(
            "/* id_runs */ select run_number, 0 as table_number, page_bits, part_bits, ids, first_number,
                last_number, forgotten_with
             from log_id_runs where made order by run_number",
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Removes some of what stands for nothing: runs that a process that died has left unfinished, and those
    /// that others stand for. `false`: there is nothing left.
    ///
    /// # Errors
    /// The store's.
    pub async fn drop_some_unmade(&self) -> Result<bool, StoreError> {
        // The filters first: without all of them nobody who comes late can end a run.
        sqlx::query(
            "/* drop_unmade_filters */ with unmade as (
                select run_number from log_id_runs where not made for update)
             delete from log_id_filters where run_number in (select run_number from unmade)",
        )
        .execute(&self.pool)
        .await?;
        let removed = sqlx::query(
            "/* drop_unmade_pages */ delete from log_id_pages where (run_number, page) in (
                select p.run_number, p.page from log_id_runs r join log_id_pages p using (run_number)
                where not r.made limit $1)",
        )
        .bind(PAGES_DROPPED)
        .execute(&self.pool)
        .await?;
        if removed.rows_affected() > 0 {
            return Ok(true);
        }
        sqlx::query("/* drop_unmade_runs */ delete from log_id_runs where not made")
            .execute(&self.pool)
            .await?;
        Ok(false)
    }

    /// Drops the tables that have been packed, unless somebody reads one.
    ///
    /// # Errors
    /// The store's; also that somebody reads one of them.
    pub async fn drop_packed_tables(&self) -> Result<(), StoreError> {
        let packed: Vec<i32> = sqlx::query_scalar(
            "/* packed_id_tables */ select table_number from log_id_tables
             where packed and to_regclass(format('log_ids_%s', table_number)) is not null",
        )
        .fetch_all(&self.pool)
        .await?;
        for number in packed {
            let mut transaction = self.begin().await?;
            sqlx::query(CLOSE_PATIENCE).execute(&mut *transaction).await?;
            let sql = format!("drop table {}", table(number));
            sqlx::query(&sql).execute(&mut *transaction).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// The last table of those that were closed before a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_id_table_closed_before(
        &self,
        time: Timestamp,
    ) -> Result<Option<i32>, StoreError> {
        let sql = "/* last_closed_before */ select max(table_number) from log_id_tables
            where closed_at < $1";
        Ok(sqlx::query_scalar(sql).bind(time).fetch_one(&self.pool).await?)
    }

    /// Which running numbers only ids of a table and of those before it have: all lower ones.
    ///
    /// # Errors
    /// The store's.
    pub async fn numbers_before_next(&self, last: i32) -> Result<i64, StoreError> {
        // What was given out before may be used after: what counts is the lowest of all later tables.
        let mut lowest: i64 = sqlx::query_scalar(
            "/* later_packed_ids */ select coalesce(min(first_number), 9223372036854775807)
             from log_id_tables where packed and table_number > $1",
        )
        .bind(last)
        .fetch_one(&self.pool)
        .await?;
        let later: Vec<i32> = sqlx::query_scalar(
            "/* later_id_tables */ select table_number from log_id_tables
             where not packed and table_number > $1",
        )
        .bind(last)
        .fetch_all(&self.pool)
        .await?;
        for number in later {
            let mut transaction = self.begin().await?;
            sqlx::query(LOOKING_LIMIT).execute(&mut *transaction).await?;
            let sql = format!("/* lowest_id */ select min(entry_number) from {}", table(number));
            let found: Option<i64> = sqlx::query_scalar(&sql).fetch_one(&mut *transaction).await?;
            lowest = found.map_or(lowest, |found| found.min(lowest));
        }
        Ok(lowest)
    }

    /// A run has been looked through for ids that were in a table and those before it.
    ///
    /// # Errors
    /// The store's.
    pub async fn looked_through(&self, run: &ClosedIds, last: i32) -> Result<(), StoreError> {
        sqlx::query(
            "/* looked_through */ update log_id_runs set forgotten_with = $2 where run_number = $1",
        )
        .bind(run.run_number)
        .bind(last)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
