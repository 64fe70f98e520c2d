//! Durable jobs: taken up by any process under a lease, given back when the lease ends unheard of.
//!
//! A job is known by its kind and subject, and there is one of each. Leases follow the database's
//! clock. What a kind of job does, and when it is done again, is the worker's matter.

use super::database::Store;
use super::error::StoreError;
use crate::domain::time::Timestamp;
use std::time::Duration;

/// A job that this process may do until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LeasedJob {
    job_number: i64,
    /// What it is about, within its kind.
    pub subject: String,
    /// How often it has been taken up, this time included.
    pub attempts: i32,
}

/// A job as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct JobRow {
    /// Its kind.
    pub kind: String,
    /// How many there are of it.
    pub count: i64,
    /// How many of them somebody does now.
    pub leased: i64,
    /// When the first of the others is due.
    pub due_at: Option<Timestamp>,
    /// Why one failed the last time.
    pub failure: Option<String>,
}

impl Store {
    /// Jobs by kind.
    ///
    /// # Errors
    /// The store's.
    pub async fn jobs(&self, most: usize) -> Result<Vec<JobRow>, StoreError> {
        let jobs = sqlx::query_as(
            "/* jobs */ select kind, count(*) as count, count(*) filter (where leased_until > now()) as leased,
                nullif(min(due_at) filter (where coalesce(leased_until <= now(), true)), '-infinity') as due_at,
                max(failure) as failure
             from jobs group by kind order by kind limit $1",
        );
        Ok(jobs.bind(i64::try_from(most).unwrap_or(i64::MAX)).fetch_all(&self.pool).await?)
    }

    /// Makes a job, due at once, unless there is one of that kind and subject already.
    ///
    /// # Errors
    /// The store's.
    pub async fn ensure_job(&self, kind: &str, subject: &str) -> Result<(), StoreError> {
        let sql = "/* ensure_job */ insert into jobs (kind, subject) values ($1, $2) on conflict do nothing";
        sqlx::query(sql).bind(kind).bind(subject).execute(&self.pool).await?;
        Ok(())
    }

    /// Takes up the job of a kind that has been due the longest, if one is.
    ///
    /// # Errors
    /// The store's.
    pub async fn lease_job(
        &self,
        kind: &str,
        lease: Duration,
    ) -> Result<Option<LeasedJob>, StoreError> {
        let job = sqlx::query_as(
            "/* lease_job */ update jobs set attempts = attempts + 1, leased_until = now() + $2
             where job_number = (select job_number from jobs
                where kind = $1 and due_at <= now() and coalesce(leased_until <= now(), true)
                order by due_at, job_number limit 1 for update skip locked)
             returning job_number, subject, attempts",
        );
        Ok(job.bind(kind).bind(lease).fetch_optional(&self.pool).await?)
    }

    /// Prolongs a lease; `false` when somebody else has the job by now, and it must be left.
    ///
    /// # Errors
    /// The store's.
    pub async fn extend_job(&self, job: &LeasedJob, lease: Duration) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "/* extend_job */ update jobs set leased_until = now() + $3
             where job_number = $1 and attempts = $2 and leased_until is not null",
        );
        let done = done.bind(job.job_number).bind(job.attempts).bind(lease);
        Ok(done.execute(&self.pool).await?.rows_affected() == 1)
    }

    /// Gives a job back, to be done again after `wait`; why it failed, if it did.
    ///
    /// # Errors
    /// The store's.
    pub async fn postpone_job(
        &self,
        job: &LeasedJob,
        wait: Duration,
        failure: Option<&str>,
    ) -> Result<(), StoreError> {
        // One whose lease is no longer ours is left to whoever has it.
        sqlx::query(
            "/* postpone_job */ update jobs set leased_until = null, due_at = now() + $3, failure = $4
             where job_number = $1 and attempts = $2",
        )
        .bind(job.job_number)
        .bind(job.attempts)
        .bind(wait)
        .bind(failure)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A job is done for good.
    ///
    /// # Errors
    /// The store's.
    pub async fn finish_job(&self, job: &LeasedJob) -> Result<(), StoreError> {
        sqlx::query("/* finish_job */ delete from jobs where job_number = $1 and attempts = $2")
            .bind(job.job_number)
            .bind(job.attempts)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
