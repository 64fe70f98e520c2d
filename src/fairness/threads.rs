//! Threads for work that nobody else should feel.

use rustix::process::{Pid, setpriority_process};
use std::fs::read_to_string;
use std::num::NonZero;
use std::thread::available_parallelism;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinError, spawn_blocking};

/// Lower than everybody's, so that whoever has little to do goes first; high enough to go on beside
/// them.
const NICE: i32 = 10;

/// This machine's processors.
pub fn processors() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

/// Does work on a thread of its own, which others go before.
///
/// # Errors
/// That it was broken off.
pub async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let done = spawn_blocking(|| {
        give_way();
        work()
    });
    done.await
}

/// A few threads for work that does much at a time and waits in between; others go before them.
#[derive(Debug)]
pub struct Side {
    /// Gone only while this is dropped.
    runtime: Option<Runtime>,
}

impl Side {
    /// So many threads.
    ///
    /// # Errors
    /// The system gives no more.
    pub fn new(name: &str, threads: usize) -> std::io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).thread_name(name);
        Ok(Self { runtime: Some(builder.on_thread_start(give_way).enable_all().build()?) })
    }

    /// Does work there, even if nobody waits for it any more. `None`: it was broken off.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.runtime.as_ref()?.spawn(work).await.ok()
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // Whoever drops it may not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lets others go before a process of a PostgreSQL on this machine, where we may say so.
pub fn gives_way(process: i32) {
    // The number may be another's, where the two see different processes.
    let name = read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    if name.trim_end() == "postgres" {
        _ = setpriority_process(Pid::from_raw(process), NICE);
    }
}

/// On Linux the priority is the thread's own; where it cannot be had, the work is done all the same.
fn give_way() {
    _ = setpriority_process(None, NICE);
}
