//! Makes the reports that were queued, and removes those that have been kept long enough.

use super::loops::{every, take_up, under_lease};
use crate::store::database::Store;
use crate::store::error::StoreError;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

const KIND: &str = "log-report";
/// How often it is looked whether a report waits.
const PERIOD: Duration = Duration::from_secs(1);
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
    let Some(job) = take_up(store, KIND).await? else { return Ok(false) };
    let Ok(id) = Uuid::parse_str(&job.subject) else {
        store.finish_job(&job).await?;
        return Ok(true);
    };
    let making = store.make_report(id, kept.records_max);
    match under_lease(store, &job, stop.clone(), making).await {
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
