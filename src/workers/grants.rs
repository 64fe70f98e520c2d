//! Reads what callers may do, every few seconds.

use super::loops::every;
use crate::procedures::authorisation::Authorisation;
use crate::store::database::Store;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// A change takes effect within five seconds.
const PERIOD: Duration = Duration::from_secs(2);
/// A reading that takes so long is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads, until told to stop.
pub async fn run(authorisation: Authorisation, store: Store, stop: watch::Receiver<bool>) {
    every(PERIOD, stop, || async {
        match timeout(PATIENCE, authorisation.read(&store)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "grants cannot be read: the last ones count"),
            Err(_) => tracing::error!("grants cannot be read in time: the last ones count"),
        }
    })
    .await;
}
