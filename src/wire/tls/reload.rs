//! Files of trust that change while the server runs: keys, certificates, lists, and what the settings grant.

use super::snapshot::Tls;
use crate::clock::Clock;
use crate::fairness::threads::beside;
use crate::keys::{FileVersion, file_version};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio::time::timeout;

/// How often it is looked whether a file has changed.
const PERIOD: Duration = Duration::from_secs(3);

/// Reads again what the file of settings grants; what is wrong with it otherwise.
pub type ReadSettings = Box<dyn Fn(&Path) -> Result<(), String> + Send + Sync>;

/// What is read again when it changes.
pub struct Reloaded {
    /// What is trusted over TLS.
    pub tls: Option<Arc<Tls>>,
    /// The file of settings.
    pub settings: Option<(PathBuf, ReadSettings)>,
    /// The time.
    pub clock: Clock,
}

impl Reloaded {
    /// Lists may be long, and signatures on them are verified.
    async fn look(&self, is_asked: bool) {
        let Some(tls) = self.tls.clone() else { return };
        let now = self.clock.now();
        // One that panicked has changed nothing.
        _ = beside(move || tls.look(is_asked, now)).await;
    }

    /// Reads the settings unless they are as they were.
    fn settings(&self, is_asked: bool, seen: &mut Option<FileVersion>) {
        let Some((path, read)) = &self.settings else { return };
        let found = file_version(path);
        if std::mem::replace(seen, found) == found && !is_asked {
            return;
        }
        match read(path) {
            Ok(()) => tracing::info!("what the settings grant has been read"),
            Err(error) => tracing::error!(
                error,
                "ALARM: the file of settings cannot be read: its older grants are in force"
            ),
        }
    }
}

/// Reads again what has changed, and everything at SIGHUP, until told to stop.
pub async fn follow(followed: Reloaded, mut hang_up: Signal, mut stop: watch::Receiver<bool>) {
    // The settings are read once more at the beginning: they may have changed while the server started.
    let mut seen = None;
    followed.settings(false, &mut seen);
    while !*stop.borrow() {
        let is_asked = tokio::select! {
            stopped = timeout(PERIOD, stop.changed()) => match stopped {
                // A sender that is gone means to stop, as `true` does.
                Ok(Err(_)) => return,
                Ok(Ok(())) => continue,
                Err(_) => false,
            },
            _ = hang_up.recv() => true,
        };
        followed.look(is_asked).await;
        followed.settings(is_asked, &mut seen);
    }
}
