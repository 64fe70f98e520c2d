//! Watches what calls depend on: free space, change clocks, the server's own log; and makes the
//! log's partitions ahead.

use super::loops::every;
use crate::clock::Clock;
use crate::health::{Health, Space};
use crate::store::database::Store;
use nix::sys::statvfs::statvfs;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;

/// How often free space is looked at: a second of writing is less than what is kept free.
const SPACE_PERIOD: Duration = Duration::from_secs(1);
/// How often clocks are looked at.
const CLOCK_PERIOD: Duration = Duration::from_mins(1);
/// How often partitions are made: a month has more than one.
const PARTITIONS_PERIOD: Duration = Duration::from_hours(1);
/// How often lines that nobody took are told.
const LINES_PERIOD: Duration = Duration::from_secs(10);
/// Between this process's clock and the database's.
const SECONDS_APART_MAX: i64 = 5;

/// How much free space there should be, in bytes.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The folder.
    pub folder: PathBuf,
    /// Below this it is low.
    pub low: u64,
    /// Below this it is exhausted.
    pub least: u64,
}

/// Tells how much space is free.
pub async fn space(wanted: Wanted, health: Health, stop: watch::Receiver<bool>) {
    every(SPACE_PERIOD, stop, || async {
        // A folder that cannot be looked at says nothing.
        let Ok(found) = statvfs(&wanted.folder) else { return };
        let free = found.blocks_available() * found.fragment_size();
        let space = match free {
            free if free < wanted.least => Space::Exhausted,
            free if free < wanted.low => Space::Low,
            _ => Space::Enough,
        };
        let before = health.space();
        health.found_space(space);
        match before.cmp(&space) {
            std::cmp::Ordering::Less => tracing::error!(?space, free, "disk low"),
            std::cmp::Ordering::Greater => tracing::warn!(?space, free, "space is free again"),
            std::cmp::Ordering::Equal => {}
        }
    })
    .await;
}

/// Tells which change clocks are ahead of the database's, and whether ours is apart from it.
pub async fn clocks(store: Store, clock: Clock, health: Health, stop: watch::Receiver<bool>) {
    every(CLOCK_PERIOD, stop, || async {
        let Ok(ahead) = store.clocks_ahead().await else { return };
        for clock in &ahead {
            tracing::error!(
                tenant = clock.tenant,
                domain = clock.domain(),
                seconds = clock.seconds,
                "change clock is ahead of the database's: see `sigill clock repair`"
            );
        }
        let furthest = ahead.first().map_or(0, |clock| clock.seconds);
        health.clocks_are_ahead(u64::try_from(furthest).unwrap_or(0));
        let Ok(theirs) = store.database_time().await else { return };
        let seconds = (clock.now() - theirs).num_seconds();
        if seconds.abs() > SECONDS_APART_MAX {
            tracing::error!(seconds, "this machine's clock and the database's are apart");
        }
    })
    .await;
}

/// Makes the log's partitions for the months around now.
pub async fn partitions(store: Store, clock: Clock, stop: watch::Receiver<bool>) {
    every(PARTITIONS_PERIOD, stop, || async {
        if let Err(error) = store.make_log_partitions(clock.now()).await {
            tracing::error!(%error, "partitions of the log not made");
        }
    })
    .await;
}

/// Tells how many lines of the server's own log nobody took; `so_far` counts them.
pub async fn lines(so_far: impl Fn() -> u64, health: Health, stop: watch::Receiver<bool>) {
    every(LINES_PERIOD, stop, || {
        let dropped = so_far();
        let new = dropped - health.log_lines_dropped();
        health.dropped_log_lines(dropped);
        if new > 0 {
            tracing::warn!(new, dropped, "log lines dropped: nobody reads standard error");
        }
        std::future::ready(())
    })
    .await;
}
