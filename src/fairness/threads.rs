//! Threads for work that nobody else should feel.

use rustix::process::setpriority_process;
use tokio::task::{JoinError, spawn_blocking};

/// Lower than everybody's, so that whoever has little to do goes first; high enough to go on beside
/// them.
const NICE: i32 = 10;

/// Does work on a thread of its own, which others go before.
///
/// # Errors
/// That it was broken off.
pub async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let done = spawn_blocking(|| {
        // On Linux it is the thread's own; where it cannot be had, the work is done all the same.
        _ = setpriority_process(None, NICE);
        work()
    });
    done.await
}
