//! Removes what has been invalid for long enough.

use super::loops::leased;
use crate::clock::Clock;
use crate::procedures::retention::{Retention, Round};
use crate::store::database::Store;
use std::time::Duration;
use tokio::sync::watch;

/// Removes what is due every so often, until told to stop.
pub async fn run(
    store: Store,
    retention: Retention,
    every: Duration,
    clock: Clock,
    stop: watch::Receiver<bool>,
) {
    leased(store.clone(), "retention", every, stop, |held| {
        let (store, retention, clock) = (&store, &retention, &clock);
        async move {
            let mut round = Round::begin(store, retention, clock.now()).await?;
            let mut failed = None;
            loop {
                match held.go_on().await {
                    Ok(true) if round.step().await => {}
                    Ok(_) => break,
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            for removed in round.end() {
                let (kind, tenant, count) = (removed.kind, removed.tenant, removed.count);
                if count > 0 {
                    tracing::info!(kind, tenant, count, "retention removed records");
                }
                if let Some(error) = removed.error {
                    tracing::error!(%error, kind, tenant, "retention");
                    failed = Some(error);
                }
            }
            failed.map_or(Ok(()), Err)
        }
    })
    .await;
}
