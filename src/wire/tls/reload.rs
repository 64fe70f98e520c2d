//! Files of trust that change while the server runs: keys, certificates, lists, and what the settings grant.

use super::snapshot::{Tls, Versions};
use crate::clock::Clock;
use crate::keys::{FileVersion, file_version};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
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

/// What tells whether any file has changed.
#[derive(PartialEq, Eq)]
struct Seen {
    tls: Option<Versions>,
    settings: Option<FileVersion>,
}

impl Reloaded {
    fn seen(&self) -> Seen {
        Seen {
            tls: self.tls.as_ref().map(|tls| tls.versions()),
            settings: self.settings.as_ref().and_then(|(path, _)| file_version(path)),
        }
    }

    fn read_tls(&self) {
        let Some(tls) = &self.tls else { return };
        match tls.reload(self.clock.now()) {
            Ok(()) => tracing::info!(
                generation = tls.current().generation,
                "keys, certificates and lists read again"
            ),
            Err(error) => {
                tracing::error!(%error, "ALARM: keys, certificates and lists cannot be read: older ones are in force");
            }
        }
    }

    fn read_settings(&self) {
        let Some((path, read)) = &self.settings else { return };
        match read(path) {
            Ok(()) => tracing::info!("the settings' grants read again"),
            Err(error) => tracing::error!(
                error,
                "ALARM: the file of settings cannot be read: its older grants are in force"
            ),
        }
    }
}

/// Reads again what has changed, and everything at SIGHUP, until told to stop; `granted` is done after the settings were
/// read.
pub async fn follow<F: Future<Output = ()>>(
    followed: Reloaded,
    mut stop: watch::Receiver<bool>,
    granted: impl Fn() -> F,
) {
    let Ok(mut hang_up) = signal(SignalKind::hangup()) else { return };
    let mut seen = followed.seen();
    while !*stop.borrow() {
        let asked = tokio::select! {
            stopped = timeout(PERIOD, stop.changed()) => match stopped {
                // A sender that is gone means to stop, as `true` does.
                Ok(Err(_)) => return,
                Ok(Ok(())) => continue,
                Err(_) => false,
            },
            _ = hang_up.recv() => true,
        };
        // Seen before they are read: what changes meanwhile is read once more.
        let now = followed.seen();
        if asked || now.tls != seen.tls {
            followed.read_tls();
        }
        if asked || now.settings != seen.settings {
            followed.read_settings();
            granted().await;
        }
        seen = now;
    }
}
