//! Kept verdicts, and how many patients users read, by Swedish days.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::FromRow;
use std::collections::BTreeMap;

/// Rows that are written at one time.
const ROWS: usize = 10_000;
/// Between remarks in one text: no id has it.
const BETWEEN: &str = "\u{1f}";

/// A verdict that is to be kept, or was.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct KeptVerdict {
    /// The post's running number.
    pub entry_number: i64,
    /// When it happened.
    pub activity_at: Timestamp,
    /// The class (`VerdictClass`).
    pub class: String,
    /// What is told beside it.
    pub remarks: Vec<String>,
}

/// A judged day.
#[derive(Debug, Clone, Default)]
pub struct JudgedDay {
    /// How many posts.
    pub posts: u64,
    /// Those of which there is something to tell.
    pub verdicts: Vec<KeptVerdict>,
    /// How many patients users read, by their keys.
    pub users: BTreeMap<String, i32>,
}

impl Store {
    /// The days since one that have been judged by a version of the rules, and need not be again: they were judged so many
    /// days after, or it is not so long ago.
    ///
    /// # Errors
    /// The store's.
    pub async fn judged_days(
        &self,
        tenant: TenantId,
        rules: i32,
        since: NaiveDate,
        (again_after, now): (u64, Timestamp),
    ) -> Result<Vec<NaiveDate>, StoreError> {
        let found = sqlx::query_scalar(
            "/* judged_days */ select day from verdict_days where tenant_id = $1 and rules_version = $2 and day >= $3
               and (judged_at >= (day + $4)::timestamp at time zone 'Europe/Stockholm'
                    or $5 < (day + $4)::timestamp at time zone 'Europe/Stockholm')",
        );
        let found = found.bind(tenant.0).bind(rules).bind(since);
        let found = found.bind(i32::try_from(again_after).unwrap_or(i32::MAX)).bind(now);
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// Days since one of which records came after they were judged are not judged any more; how many. Records stored until a
    /// time are looked at, from where it was looked until last; the first time there is nothing to look at.
    ///
    /// # Errors
    /// The store's.
    pub async fn reopen_judged_days(
        &self,
        tenant: TenantId,
        (since, until): (NaiveDate, Timestamp),
    ) -> Result<u64, StoreError> {
        let Some(from) = self.review_cursor(tenant, "verdicts").await? else {
            self.move_review_cursor(tenant, "verdicts", until).await?;
            return Ok(0);
        };
        let mut transaction = self.begin().await?;
        // A day of a region is read as a whole.
        sqlx::query("/* take_time */ set local statement_timeout = '1h'")
            .execute(&mut *transaction)
            .await?;
        let done = sqlx::query(
            "/* reopen_judged_days */ delete from verdict_days d using (
                select (activity_at at time zone 'Europe/Stockholm')::date as day, max(stored_at) as stored_at
                from log_entries where stored_at > $2 and stored_at <= $3 and tenant_id = $1 group by 1) late
             where d.tenant_id = $1 and d.day = late.day and d.day >= $4 and d.judged_at - interval '1 minute' <= late.stored_at",
        )
        .bind(tenant.0)
        .bind(from)
        .bind(until)
        .bind(since)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        // Looked at once more if the process dies here.
        self.move_review_cursor(tenant, "verdicts", until).await?;
        Ok(done.rows_affected())
    }

    /// Until when it has been looked for something that comes late.
    ///
    /// # Errors
    /// The store's.
    pub async fn review_cursor(
        &self,
        tenant: TenantId,
        what: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let found = sqlx::query_scalar(
            "/* review_cursor */ select looked_at from review_cursors where tenant_id = $1 and what = $2",
        );
        Ok(found.bind(tenant.0).bind(what).fetch_optional(&self.pool).await?)
    }

    /// It has been looked until a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn move_review_cursor(
        &self,
        tenant: TenantId,
        what: &str,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* move_review_cursor */ insert into review_cursors (tenant_id, what, looked_at) values ($1, $2, $3)
             on conflict (tenant_id, what) do update set looked_at = greatest(review_cursors.looked_at, excluded.looked_at)",
        )
        .bind(tenant.0)
        .bind(what)
        .bind(until)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps what a day was judged as, in the place of an older judgement.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_judged_day(
        &self,
        tenant: TenantId,
        (day, interval): (NaiveDate, (Timestamp, Timestamp)),
        judged: &JudgedDay,
        (rules, now): (i32, Timestamp),
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "/* forget_verdicts */ delete from verdicts where tenant_id = $1 and activity_at between $2 and $3",
        )
        .bind(tenant.0)
        .bind(interval.0)
        .bind(interval.1)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "/* forget_user_days */ delete from user_days where tenant_id = $1 and day = $2",
        )
        .bind(tenant.0)
        .bind(day)
        .execute(&mut *transaction)
        .await?;
        for rows in judged.verdicts.chunks(ROWS) {
            let numbers: Vec<i64> = rows.iter().map(|row| row.entry_number).collect();
            let times: Vec<Timestamp> = rows.iter().map(|row| row.activity_at).collect();
            let classes: Vec<&str> = rows.iter().map(|row| row.class.as_str()).collect();
            let remarks: Vec<String> = rows.iter().map(|row| row.remarks.join(BETWEEN)).collect();
            sqlx::query(
                "/* keep_verdicts */ insert into verdicts (tenant_id, entry_number, activity_at, class, remarks, rules_version)
                 select $1, n, at, class, coalesce(string_to_array(nullif(remarks, ''), $6), '{}'), $7
                 from unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[]) as v (n, at, class, remarks)
                 on conflict do nothing",
            )
            .bind(tenant.0)
            .bind(numbers)
            .bind(times)
            .bind(classes)
            .bind(remarks)
            .bind(BETWEEN)
            .bind(rules)
            .execute(&mut *transaction)
            .await?;
        }
        let (users, patients): (Vec<&str>, Vec<i32>) =
            judged.users.iter().map(|(user, count)| (user.as_str(), *count)).unzip();
        sqlx::query(
            "/* keep_user_days */ insert into user_days (tenant_id, user_key, day, patients)
             select $1, u, $2, p from unnest($3::text[], $4::integer[]) as d (u, p)",
        )
        .bind(tenant.0)
        .bind(day)
        .bind(users)
        .bind(patients)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "/* keep_judged_day */ insert into verdict_days (tenant_id, day, rules_version, posts, judged_at)
             values ($1, $2, $3, $4, $5) on conflict (tenant_id, day) do update
             set rules_version = excluded.rules_version, posts = excluded.posts, judged_at = excluded.judged_at",
        )
        .bind(tenant.0)
        .bind(day)
        .bind(rules)
        .bind(i64::try_from(judged.posts).unwrap_or(i64::MAX))
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The kept verdicts of some posts.
    ///
    /// # Errors
    /// The store's.
    pub async fn verdicts_of(
        &self,
        tenant: TenantId,
        numbers: &[i64],
    ) -> Result<Vec<KeptVerdict>, StoreError> {
        let found = sqlx::query_as(
            "/* verdicts_of */ select entry_number, activity_at, class, remarks from verdicts
             where tenant_id = $1 and entry_number = any($2)",
        );
        Ok(found.bind(tenant.0).bind(numbers).fetch_all(&self.pool).await?)
    }

    /// Verdicts, days and names of posts that retention has removed go too: those of before a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget_old_verdicts(
        &self,
        tenant: TenantId,
        (day, before): (NaiveDate, Timestamp),
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* forget_old_verdicts */ delete from verdicts v where tenant_id = $1 and activity_at < $2
               and not exists (select from log_entries e where e.entry_number = v.entry_number and e.activity_at = v.activity_at)",
        )
        .bind(tenant.0)
        .bind(before)
        .execute(&self.pool)
        .await?;
        sqlx::query(
            "/* forget_old_days */ delete from user_days where tenant_id = $1 and day < $2",
        )
        .bind(tenant.0)
        .bind(day)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
