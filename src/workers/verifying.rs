//! Verifies the log in the background, round and round, one process at a time.

use super::loops::leased;
use crate::clock::Clock;
use crate::procedures::seal::log_seal::LogSeal;
use crate::procedures::seal::verifying::walk_on;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How often some is verified.
const EVERY: Duration = Duration::from_secs(10);

/// Verifies so many records a second, until told to stop. It begins at the beginning wherever a process is new at it.
pub async fn run(seal: LogSeal, rate: u64, clock: Clock, stop: watch::Receiver<bool>) {
    let at = Arc::new(Mutex::new(None::<i64>));
    leased(seal.store.clone(), "log-verify", EVERY, stop, |held| {
        let (seal, clock, at) = (seal.clone(), clock.clone(), Arc::clone(&at));
        async move {
            let mut left = rate * EVERY.as_secs();
            while left > 0 && held.go_on().await? {
                let from = *at.lock().unwrap_or_else(PoisonError::into_inner);
                let (walked, next) = walk_on(&seal, from, left, clock.now()).await?;
                *at.lock().unwrap_or_else(PoisonError::into_inner) = next;
                left = left.saturating_sub(walked);
                if next.is_none() {
                    // Round once more another time.
                    break;
                }
            }
            Ok(())
        }
    })
    .await;
}
