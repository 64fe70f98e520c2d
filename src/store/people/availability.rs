//! What the probe found, planned stops, and what operators tell everybody.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sqlx::FromRow;

/// A time in which a function did not answer, or will not.
#[derive(Debug, Clone, FromRow)]
pub struct StoredInterruption {
    /// Which.
    pub interruption_number: i64,
    /// Of which function; `all` is of all.
    pub function: String,
    /// `disturbed`, `interrupted`.
    pub state: String,
    /// From when.
    pub from_at: Timestamp,
    /// Until when.
    pub to_at: Option<Timestamp>,
    /// `unplanned`, `planned`, `excluded`.
    pub class: String,
    /// Why it is of that class.
    pub reason: String,
}

/// What operators tell everybody.
#[derive(Debug, Clone, FromRow)]
pub struct ServiceMessage {
    /// Which.
    pub message_number: i64,
    /// Since when.
    pub at: Timestamp,
    /// What.
    pub words: String,
}

/// When the probe ran.
#[derive(Debug, Clone)]
pub struct Probes {
    /// For the first time.
    pub first: Option<Timestamp>,
    /// For the last.
    pub last: Option<Timestamp>,
    /// Times between in which it did not.
    pub gaps: Vec<(Timestamp, Timestamp)>,
}

const COLUMNS: &str = "interruption_number, function, state, from_at, to_at, class, reason";

impl Store {
    /// Keeps that the probe ran, and what it found: each function's state since when, as it differs from what is kept.
    ///
    /// # Errors
    /// The store's: then the time counts as not probed.
    pub async fn keep_probe(
        &self,
        states: &[(&str, &str, Timestamp)],
        (now, oldest): (Timestamp, Timestamp),
        longest_seconds: f64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "/* keep_probe */ with unseen as (
                -- What no probe has seen is told as a row, so that operators can say what it was.
                insert into availability (function, state, from_at, to_at)
                select 'all', 'interrupted', max(probed_at), $1 from availability_probes
                having max(probed_at) < $1 - make_interval(secs => $2)
                   and not exists (select from availability where function = 'all' and class <> 'unplanned'
                        and from_at <= $1 and to_at >= $1 - make_interval(secs => $2)))
             insert into availability_probes values ($1) on conflict do nothing",
        )
        .bind(now)
        .bind(longest_seconds)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "/* thin_probes */ delete from availability_probes where probed_at in (
                select probed_at from availability_probes where probed_at < $1 order by probed_at limit 100)",
        )
        .bind(oldest)
        .execute(&mut *transaction)
        .await?;
        for (function, state, since) in states {
            // What an operator has announced ends by itself.
            sqlx::query(
                "/* end_interruption */ update availability set to_at = greatest(from_at, $3)
                 where function = $1 and to_at is null and state <> $2",
            )
            .bind(function)
            .bind(state)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
            sqlx::query(
                "/* begin_interruption */ insert into availability (function, state, from_at)
                 select $1, $2, $3 where $2 <> 'working' and not exists (
                    select from availability where function = $1 and to_at is null and state = $2)",
            )
            .bind(function)
            .bind(state)
            .bind(since)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// When the probe first and last ran since a time, and the times longer than so many seconds in which it did not.
    ///
    /// # Errors
    /// The store's.
    pub async fn probes(
        &self,
        since: Timestamp,
        longest_seconds: f64,
    ) -> Result<Probes, StoreError> {
        let (first, last) = sqlx::query_as(
            "/* probes */ select min(probed_at), max(probed_at) from availability_probes where probed_at >= $1",
        )
        .bind(since)
        .fetch_one(&self.pool)
        .await?;
        let gaps = sqlx::query_as(
            "/* probe_gaps */ select probed_at, next_at from (
                select probed_at, lead(probed_at) over (order by probed_at) as next_at
                from availability_probes where probed_at >= $1) p
             where next_at - probed_at > make_interval(secs => $2) order by 1 limit 10000",
        );
        let gaps = gaps.bind(since).bind(longest_seconds).fetch_all(&self.pool).await?;
        Ok(Probes { first, last, gaps })
    }

    /// Interruptions that end after a time, those to come among them.
    ///
    /// # Errors
    /// The store's.
    pub async fn interruptions(
        &self,
        since: Timestamp,
    ) -> Result<Vec<StoredInterruption>, StoreError> {
        let sql = format!(
            "/* interruptions */ select {COLUMNS} from availability
             where to_at is null or to_at >= $1 order by from_at desc, interruption_number limit 2000"
        );
        Ok(sqlx::query_as(&sql).bind(since).fetch_all(&self.pool).await?)
    }

    /// Announces a planned stop.
    ///
    /// # Errors
    /// The store's.
    pub async fn plan_stop(
        &self,
        function: &str,
        (from, to): (Timestamp, Timestamp),
        reason: &str,
        (by, now): (&str, Timestamp),
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* plan_stop */ insert into availability (function, state, from_at, to_at, class, reason, changed_by, changed_at)
             values ($1, 'interrupted', $2, $3, 'planned', $4, $5, $6)",
        )
        .bind(function)
        .bind(from)
        .bind(to)
        .bind(reason)
        .bind(by)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// An interruption counts as something else, with the reason.
    ///
    /// # Errors
    /// The store's.
    pub async fn class_interruption(
        &self,
        number: i64,
        (class, reason): (&str, &str),
        (by, now): (&str, Timestamp),
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "/* class_interruption */ update availability set class = $2, reason = $3, changed_by = $4, changed_at = $5
             where interruption_number = $1",
        );
        let done = done.bind(number).bind(class).bind(reason).bind(by).bind(now);
        Ok(done.execute(&self.pool).await?.rows_affected() == 1)
    }

    /// What operators tell everybody now.
    ///
    /// # Errors
    /// The store's.
    pub async fn service_messages(
        &self,
        now: Timestamp,
    ) -> Result<Vec<ServiceMessage>, StoreError> {
        let found = sqlx::query_as(
            "/* service_messages */ select message_number, at, words from service_messages
             where ends_at is null or ends_at > $1 order by at desc limit 20",
        );
        Ok(found.bind(now).fetch_all(&self.pool).await?)
    }

    /// Tells everybody something, or ends what is told.
    ///
    /// # Errors
    /// The store's.
    pub async fn tell_everybody(
        &self,
        words: &str,
        (by, now): (&str, Timestamp),
    ) -> Result<(), StoreError> {
        sqlx::query("/* tell_everybody */ insert into service_messages (at, by_employee, words) values ($1, $2, $3)")
            .bind(now)
            .bind(by)
            .bind(words)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends what is told.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_message(&self, number: i64, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "/* end_message */ update service_messages set ends_at = $2 where message_number = $1",
        )
        .bind(number)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
