//! Keeps the ids of log records small.

use super::loops::leased;
use crate::clock::Clock;
use crate::procedures::log_ids::{IdRound, Tidying};
use crate::store::database::Store;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked whether the open table is full: fewer ids come meanwhile than it has.
const EVERY: Duration = Duration::from_secs(10);

/// Closes, packs, merges and forgets, until told to stop.
pub async fn run(store: Store, tidying: Tidying, clock: Clock, stop: watch::Receiver<bool>) {
    leased(store.clone(), "log-ids", EVERY, stop, |held| {
        let (store, tidying, clock) = (&store, &tidying, &clock);
        async move {
            let mut round = IdRound::begin(store, tidying, clock.now());
            while held.go_on().await? && round.step().await? {}
            let count = round.forgotten();
            if count > 0 {
                tracing::info!(count, "ids of removed log records may come again");
            }
            Ok(())
        }
    })
    .await;
}
