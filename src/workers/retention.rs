//! Removes what has been invalid for long enough.
//!
//! In small transactions, so that registrations need not wait; any number of processes may do
//! it at the same time.

use crate::domain::retention::Policy;
use crate::domain::time::{Clock, Timestamp};
use crate::store::retention::{ASSERTIONS, Kind};
use crate::store::{Store, StoreError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// What is removed after how long.
#[derive(Debug, Clone)]
pub struct Retention {
    /// For assertions.
    pub assertions: Policy,
    /// Records removed in one transaction.
    pub batch_rows: usize,
}

impl Retention {
    /// Every kind of record with its policy.
    pub fn kinds(&self) -> [(&'static Kind, &Policy); 1] {
        [(&ASSERTIONS, &self.assertions)]
    }
}

/// Removes everything that is due; returns how many records, by kind and tenant.
///
/// # Errors
/// The store's; what was removed before stays removed, and recorded.
pub async fn remove_due(
    store: &Store,
    retention: &Retention,
    now: Timestamp,
) -> Result<Vec<(&'static str, String, usize)>, StoreError> {
    let mut removed = Vec::new();
    for (tenant, name) in store.tenants().await? {
        for (kind, policy) in retention.kinds() {
            let cutoffs = policy.cutoffs(now);
            let mut count = 0;
            loop {
                let mut change = store.change(tenant, kind.domain, now).await?;
                let some = change.remove_due(kind, now, &cutoffs, retention.batch_rows).await?;
                change.commit().await?;
                count += some;
                if some < retention.batch_rows {
                    break;
                }
            }
            removed.push((kind.name, name.clone(), count));
        }
    }
    Ok(removed)
}

/// Runs at once and then every so often, until told to stop.
pub async fn run(
    store: Store,
    retention: Retention,
    every: Duration,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        match remove_due(&store, &retention, clock.now()).await {
            Ok(removed) => {
                for (kind, tenant, count) in removed.iter().filter(|(.., count)| *count > 0) {
                    tracing::info!(kind, tenant, count, "retention removed records");
                }
            }
            Err(error) => tracing::error!(%error, "retention"),
        }
        _ = timeout(every, stop.changed()).await;
    }
}
