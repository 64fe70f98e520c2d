//! Gives leaves to what is stored, signs, and follows what is signed.

use super::loops::every;
use crate::clock::Clock;
use crate::health::Health;
use crate::procedures::seal::adoption::adopt;
use crate::procedures::seal::following::follow;
use crate::procedures::seal::log_seal::{LogSeal, SealError};
use crate::procedures::seal::sequencing::{LOT, sequence};
use crate::procedures::seal::signing::{sign, sign_as_operator};
use chrono::TimeDelta;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often it is looked whether something waits.
const PERIOD: Duration = Duration::from_secs(1);
/// How often old checkpoints are thinned, and how long all are kept.
const THINNING: Duration = Duration::from_hours(1);
const KEPT: TimeDelta = TimeDelta::days(7);
/// After so long without a leaf something is wrong; told so often.
const LATE_SECONDS: i64 = 60;
const TOLD: Duration = Duration::from_mins(1);

/// Seals, until told to stop. What is stored meanwhile waits for whoever comes next.
pub async fn run(seal: LogSeal, clock: Clock, health: Health, stop: watch::Receiver<bool>) {
    let times = Arc::new(Times::default());
    every(PERIOD, stop.clone(), || {
        once(seal.clone(), clock.clone(), health.clone(), stop.clone(), Arc::clone(&times))
    })
    .await;
}

/// When something was done last that is done now and then.
#[derive(Default)]
struct Times {
    thinned: Mutex<Option<Instant>>,
    told: Mutex<Option<Instant>>,
}

/// Whether so much time has passed since then; it is done now if so.
fn is_time(last: &Mutex<Option<Instant>>, period: Duration) -> bool {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let is_time = last.is_none_or(|last| last.elapsed() > period);
    if is_time {
        *last = Some(Instant::now());
    }
    is_time
}

async fn once(
    seal: LogSeal,
    clock: Clock,
    health: Health,
    stop: watch::Receiver<bool>,
    times: Arc<Times>,
) {
    if let Err(error) = round(&seal, &clock, &stop).await {
        tracing::error!(%error, "the log is not sealed");
    }
    if is_time(&times.thinned, THINNING)
        && let Err(error) = seal.owner.thin_checkpoints(clock.now() - KEPT).await
    {
        tracing::error!(%error, "old checkpoints are not thinned");
    }
    let Ok(waiting) = seal.store.waiting_for_leaf(LOT).await else { return };
    health.waited_for_leaf(u64::try_from(waiting.seconds).unwrap_or_default());
    if waiting.seconds > LATE_SECONDS && is_time(&times.told, TOLD) {
        tracing::error!(seconds = waiting.seconds, "ALARM: late: nobody seals the log");
    }
}

async fn round(
    seal: &LogSeal,
    clock: &Clock,
    stop: &watch::Receiver<bool>,
) -> Result<(), SealError> {
    // What this server has seen must go on in what it seals.
    let trusted = follow(seal, clock.now()).await?;
    if !trusted || !seal.signs() {
        return Ok(());
    }
    // Records from before sealing have their turn between those that come now.
    loop {
        let more = adopt(seal, clock.now()).await?;
        while sequence(seal, clock.now()).await? && !*stop.borrow() {}
        if sign(seal, clock.now()).await? {
            follow(seal, clock.now()).await?;
            sign_as_operator(seal).await?;
        }
        if !more || *stop.borrow() {
            return Ok(());
        }
    }
}
