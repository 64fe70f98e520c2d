//! The two loops of workers: work every so often, and work that one process at a time does.

use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::jobs::LeasedJob;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How often a process looks whether a job that others may have is due.
const POLL: Duration = Duration::from_mins(1);
/// How soon a job that failed is tried again.
const RETRY: Duration = Duration::from_mins(5);
/// How long a job stays with a process that is not heard of.
const LEASE: Duration = Duration::from_mins(5);

/// Does work at once and then every `period`, until told to stop.
pub(super) async fn every<W: Future<Output = ()>>(
    period: Duration,
    mut stop: watch::Receiver<bool>,
    mut work: impl FnMut() -> W,
) {
    while !*stop.borrow() {
        work().await;
        // A sender that is gone means to stop, as `true` does.
        if matches!(timeout(period, stop.changed()).await, Ok(Err(_))) {
            return;
        }
    }
}

/// A job that this process has.
pub(super) struct Held {
    store: Store,
    job: LeasedJob,
    stop: watch::Receiver<bool>,
}

impl Held {
    /// Whether to go on: asked between two steps, each of which is shorter than a lease.
    ///
    /// # Errors
    /// The store's: the job is not done.
    pub async fn go_on(&self) -> Result<bool, StoreError> {
        Ok(!*self.stop.borrow() && self.store.extend_job(&self.job, LEASE).await?)
    }
}

/// Does a job every `period`, wherever there are several processes in only one of them at a time.
/// What one leaves undone another goes on with.
pub(super) async fn leased<W: Future<Output = Result<(), StoreError>>>(
    store: Store,
    kind: &'static str,
    period: Duration,
    stop: watch::Receiver<bool>,
    work: impl Fn(Held) -> W,
) {
    let stopped = stop.clone();
    every(period.min(POLL), stop, || async {
        if let Err(error) = turn(&store, kind, period, &stopped, &work).await {
            tracing::error!(%error, job = kind, "job not done");
        }
    })
    .await;
}

async fn turn<W: Future<Output = Result<(), StoreError>>>(
    store: &Store,
    kind: &'static str,
    period: Duration,
    stop: &watch::Receiver<bool>,
    work: &impl Fn(Held) -> W,
) -> Result<(), StoreError> {
    store.ensure_job(kind, "").await?;
    let Some(job) = store.lease_job(kind, LEASE).await? else { return Ok(()) };
    let held = Held { store: store.clone(), job: job.clone(), stop: stop.clone() };
    let done = work(held).await;
    let (wait, failure) = match &done {
        _ if *stop.borrow() => (Duration::ZERO, None),
        Ok(()) => (period, None),
        Err(error) => (RETRY.min(period), Some(error.to_string())),
    };
    store.postpone_job(&job, wait, failure.as_deref()).await?;
    done
}
