//! Sends new checkpoints of the log to its witnesses.

use super::loops::every;
use crate::clock::Clock;
use crate::peers::witness::RemoteWitness;
use crate::procedures::seal::log_seal::LogSeal;
use crate::procedures::seal::witnessed::send;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::watch;

/// How often a witness is asked.
const PERIOD: Duration = Duration::from_mins(1);

/// Asks a witness, until told to stop.
pub async fn run(
    seal: LogSeal,
    witness: RemoteWitness,
    period: Option<Duration>,
    clock: Clock,
    stop: watch::Receiver<bool>,
) {
    let known = Mutex::new(0);
    every(period.unwrap_or(PERIOD), stop, || async {
        let before = *known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !seal.signs() {
            return;
        }
        match send(&seal, &witness, before, clock.now()).await {
            Ok(now) => *known.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now,
            Err(error) => tracing::error!(%error, "the log is not witnessed"),
        }
    })
    .await;
}
