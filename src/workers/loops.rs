//! The loops of workers: work every so often, work that one process at a time does, and work that takes
//! longer than a lease.

use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::jobs::LeasedJob;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How often a process looks whether a job that others may have is due.
const POLL: Duration = Duration::from_mins(1);
/// How soon a job that failed is tried again.
const RETRY: Duration = Duration::from_mins(5);
/// How long a job stays with a process that is not heard of.
const LEASE: Duration = Duration::from_mins(5);
/// How long one that takes longer stays with such a process, and how often it is heard of.
const LONG_LEASE: Duration = Duration::from_mins(1);
const LONG_LEASE_EXTENDED: Duration = Duration::from_secs(20);

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

/// Takes up the job of a kind that has been due the longest, to be done `under_lease`.
pub(super) async fn take_up(store: &Store, kind: &str) -> Result<Option<LeasedJob>, StoreError> {
    store.lease_job(kind, LONG_LEASE).await
}

/// Does a job, however long that takes, as long as it is ours and nobody says to stop. What is left undone
/// somebody else has by now, or will.
pub(super) async fn under_lease<T, E: From<StoreError>>(
    store: &Store,
    job: &LeasedJob,
    mut stop: watch::Receiver<bool>,
    work: impl Future<Output = Result<T, E>>,
) -> Option<Result<T, E>> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = timeout(LONG_LEASE_EXTENDED, &mut work) => match done {
                Ok(done) => return Some(done),
                Err(_) => match store.extend_job(job, LONG_LEASE).await {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => return Some(Err(error.into())),
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
