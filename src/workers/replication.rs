//! Sends what is queued for the national service, as fast as it takes it.
//!
//! While it does not answer, one change is tried after each pause, so that it is not run
//! over when it comes back; a refused change holds up its own block only.

use crate::procedures::blocking::replicator::{Attempt, Replicator};
use crate::store::blocking::replications::Leased;
use crate::store::error::StoreError;
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How often the queue is looked at for what other processes have left.
const POLL: Duration = Duration::from_secs(1);
/// Changes taken up at once, for each call that may be under way: a sender need not wait for
/// the slowest, and a lease covers all of them.
pub const LEASED_PER_SENDER: usize = 4;

/// Runs until told to stop; then lets the calls under way finish.
pub async fn run(replicator: Arc<Replicator>, mut stop: watch::Receiver<bool>) {
    let mut failures = 0;
    while !*stop.borrow() {
        let pause = match round(&replicator, failures).await {
            Ok(Progress::Sent) => {
                if failures > 0 {
                    tracing::info!("the national service answers again");
                }
                failures = 0;
                continue;
            }
            Ok(Progress::Idle) => POLL,
            Ok(Progress::Unanswered) => {
                if failures == 0 {
                    tracing::warn!("the national service does not answer; replication waits");
                }
                failures += 1;
                replicator.pause(failures)
            }
            Err(error) => {
                tracing::error!(%error, "replication");
                POLL
            }
        };
        let woken = async {
            // A queue that grows is no reason to try again; an answer is.
            match failures {
                0 => replicator.queued().await,
                _ => replicator.reached().await,
            }
        };
        tokio::select! {
            _ = timeout(pause, woken) => {}
            _ = stop.changed() => {}
        }
    }
}

enum Progress {
    /// Something was sent, and answered.
    Sent,
    /// Nothing is due.
    Idle,
    /// The national service does not answer.
    Unanswered,
}

async fn round(replicator: &Replicator, failures: u32) -> Result<Progress, StoreError> {
    let senders = replicator.sending().senders;
    let count = if failures == 0 { senders * LEASED_PER_SENDER } else { 1 };
    let leased = replicator.lease(count).await?;
    if leased.is_empty() {
        return Ok(Progress::Idle);
    }
    let unanswered = AtomicBool::new(false);
    let mut attempts = stream::iter(leased)
        .map(|leased| attempt(replicator, leased, &unanswered))
        .buffer_unordered(senders);
    let mut failed = None;
    while let Some(outcome) = attempts.next().await {
        failed = failed.or(outcome.err());
    }
    match (failed, unanswered.load(Ordering::Relaxed)) {
        (Some(error), _) => Err(error),
        (None, true) => Ok(Progress::Unanswered),
        (None, false) => Ok(Progress::Sent),
    }
}

/// Sends one change, unless the national service has stopped answering meanwhile.
async fn attempt(
    replicator: &Replicator,
    leased: Leased,
    unanswered: &AtomicBool,
) -> Result<(), StoreError> {
    if unanswered.load(Ordering::Relaxed) {
        return replicator.release(&leased).await;
    }
    if replicator.attempt(&leased).await? == Attempt::Unanswered {
        unanswered.store(true, Ordering::Relaxed);
    }
    Ok(())
}
