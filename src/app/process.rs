//! The process: its descriptors and its signals.

use crate::config::file::Config;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{User, getuid};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Descriptors beside those of connections: places for watchers and handshakes, files, signals.
const OTHER_DESCRIPTORS: u64 = 256;

/// Takes as many descriptors as the system gives; the usual limit is as low as the number of
/// connections that may be open.
pub(super) fn raise_descriptors(config: &Config) {
    let connections = config.limits.connections_max as u64;
    let needed = connections + u64::from(config.database.connections) + OTHER_DESCRIPTORS;
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = needed.max(soft).min(hard);
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).map(|()| wanted)
    });
    match raised {
        Ok(limit) if limit >= needed => {}
        Ok(limit) => {
            tracing::warn!(limit, needed, "too few descriptors for limits.connections_max");
        }
        Err(error) => tracing::warn!(%error, "descriptors"),
    }
}

/// Who runs this: behind sudo, who called it.
pub fn user_name() -> String {
    let behind = std::env::var("SUDO_USER").ok();
    let own = || User::from_uid(getuid()).ok().flatten().map(|user| user.name);
    behind.or_else(own).unwrap_or_else(|| getuid().to_string())
}

/// The signals that end the server.
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
