//! Makes the extracts that were ordered, lets the files go whose time is over, and keeps their folder
//! tidy.

use super::loops::{every, take_up, under_lease};
use crate::procedures::context::OrderSettings;
use crate::procedures::orders::{Making, MakingError, make, tidy_folder};
use crate::store::database::Store;
use crate::store::error::StoreError;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

const KIND: &str = "log-order";
/// How often it is looked whether an order waits.
const PERIOD: Duration = Duration::from_secs(1);
/// In every so many of these rounds the whole folder is looked through.
const ROUNDS: u32 = 3600;
/// How often an order that failed in a row is tried, and how soon again.
const ATTEMPTS_MAX: i32 = 5;
const RETRY: Duration = Duration::from_secs(30);
/// How soon it is looked again whether there is room.
const NO_ROOM: Duration = Duration::from_mins(1);
/// Days for which an order whose files are gone is known.
const KNOWN_DAYS: i32 = 30;

/// Makes extracts, one at a time, until told to stop.
pub async fn run(
    store: Store,
    settings: OrderSettings,
    keep_hours: i32,
    stop: watch::Receiver<bool>,
) {
    let stopped = stop.clone();
    let rounds = AtomicU32::new(0);
    every(PERIOD, stop, || async {
        let is_whole = rounds.fetch_add(1, Ordering::Relaxed).is_multiple_of(ROUNDS);
        if let Err(error) = end_old(&store, &settings, keep_hours, is_whole).await {
            tracing::error!(%error, job = KIND, "files not removed");
        }
        loop {
            match next(&store, &settings, &stopped).await {
                Ok(true) if !*stopped.borrow() => {}
                Ok(_) => return,
                // While the database is away nobody orders either.
                Err(error) => return tracing::error!(%error, job = KIND, "job not done"),
            }
        }
    })
    .await;
}

/// Lets the files go whose time is over, here and in the folder; looks through the whole folder now and
/// then, for what somebody who was killed left there.
async fn end_old(
    store: &Store,
    settings: &OrderSettings,
    keep_hours: i32,
    is_whole: bool,
) -> Result<(), MakingError> {
    let mut orders = store.end_old_orders(keep_hours, KNOWN_DAYS).await?;
    if is_whole {
        orders = settings.folder.orders()?;
    }
    for order in orders {
        tidy_folder(store, &settings.folder, &[order]).await?;
    }
    Ok(())
}

/// Makes the next extract; `false` when none waits, or none can be made now.
async fn next(
    store: &Store,
    settings: &OrderSettings,
    stop: &watch::Receiver<bool>,
) -> Result<bool, StoreError> {
    let Some(job) = take_up(store, KIND).await? else { return Ok(false) };
    let Ok(id) = Uuid::parse_str(&job.subject) else {
        store.finish_job(&job).await?;
        return Ok(true);
    };
    match under_lease(store, &job, stop.clone(), make(store, settings, id)).await {
        // Somebody else has it by now, or will.
        None => {}
        Some(Ok(Making::Done)) => store.finish_job(&job).await?,
        Some(Ok(Making::Paused)) => store.postpone_job(&job, Duration::ZERO, None).await?,
        Some(Ok(Making::NoRoom)) => {
            tracing::warn!("an order waits: files of orders fill log.order_bytes_max");
            store.postpone_job(&job, NO_ROOM, None).await?;
        }
        Some(Err(error)) => {
            let most = match error {
                MakingError::TooLarge | MakingError::TooMany => 0,
                MakingError::Store(_) | MakingError::Disk(_) => ATTEMPTS_MAX,
            };
            let distrusted = matches!(error, MakingError::Store(StoreError::Distrusted));
            let given_up = store.order_failed(id, most, distrusted).await?;
            tracing::error!(%error, given_up, "extract not made");
            match given_up {
                true => {
                    store.finish_job(&job).await?;
                    _ = tidy_folder(store, &settings.folder, &[id]).await;
                }
                false => store.postpone_job(&job, RETRY, Some(&error.to_string())).await?,
            }
        }
    }
    Ok(true)
}
