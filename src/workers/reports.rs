//! Makes the reports that were queued, and removes those that have been kept long enough.

use super::loops::every;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::jobs::LeasedJob;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

const KIND: &str = "log-report";
/// How often it is looked whether a report waits.
const PERIOD: Duration = Duration::from_secs(1);
/// How long a report stays with a process that is not heard of, and how often it is heard of.
const LEASE: Duration = Duration::from_mins(1);
const EXTEND: Duration = Duration::from_secs(20);
/// How often a report is tried, and how soon again.
const ATTEMPTS_MAX: i32 = 3;
const RETRY: Duration = Duration::from_secs(10);

/// How reports are kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Records of one report.
    pub records_max: usize,
    /// Hours from when it was made.
    pub hours: i32,
}

/// Makes reports, one at a time, until told to stop.
pub async fn run(store: Store, kept: Kept, stop: watch::Receiver<bool>) {
    let stopped = stop.clone();
    every(PERIOD, stop, || async {
        loop {
            match next(&store, kept, &stopped).await {
                Ok(true) if !*stopped.borrow() => {}
                Ok(_) => return,
                // While the database is away nobody asks for reports either.
                Err(error) => return tracing::error!(%error, job = KIND, "job not done"),
            }
        }
    })
    .await;
}

/// Makes the next report; `false` when none waits.
async fn next(store: &Store, kept: Kept, stop: &watch::Receiver<bool>) -> Result<bool, StoreError> {
    store.remove_old_reports(kept.hours).await?;
    let Some(job) = store.lease_job(KIND, LEASE).await? else { return Ok(false) };
    let Ok(id) = Uuid::parse_str(&job.subject) else {
        store.finish_job(&job).await?;
        return Ok(true);
    };
    match made(store, &job, id, kept, stop.clone()).await {
        // Somebody else has it by now, or will.
        None => {}
        Some(Ok(())) => store.finish_job(&job).await?,
        Some(Err(error)) if job.attempts < ATTEMPTS_MAX => {
            tracing::error!(%error, "report not made");
            store.postpone_job(&job, RETRY, Some(&error.to_string())).await?;
        }
        Some(Err(error)) => {
            tracing::error!(%error, "report given up");
            store.give_up_report(id).await?;
            store.finish_job(&job).await?;
        }
    }
    Ok(true)
}

/// Makes a report as long as the job is ours and nobody says to stop.
async fn made(
    store: &Store,
    job: &LeasedJob,
    id: Uuid,
    kept: Kept,
    mut stop: watch::Receiver<bool>,
) -> Option<Result<(), StoreError>> {
    let mut making = pin!(store.make_report(id, kept.records_max));
    loop {
        tokio::select! {
            done = timeout(EXTEND, &mut making) => match done {
                Ok(done) => return Some(done),
                Err(_) => match store.extend_job(job, LEASE).await {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => return Some(Err(error)),
                },
            },
            () = stops(&mut stop) => {
                _ = store.postpone_job(job, Duration::ZERO, None).await;
                return None;
            }
        }
    }
}

/// Done when it is time to stop.
async fn stops(stop: &mut watch::Receiver<bool>) {
    _ = stop.wait_for(|stop| *stop).await.map(|_| ());
}
