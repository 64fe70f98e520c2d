//! Files whose last bytes have been handed over, while it is not known yet whether they have arrived.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

/// How long somebody waits to know: a little longer than a connection that has ended may still complain.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often each file is on its way in this process.
#[derive(Debug, Clone, Default)]
pub struct OnTheirWay(Arc<watch::Sender<HashMap<Uuid, usize>>>);

/// A file that is on its way, until this is dropped.
#[derive(Debug)]
pub struct OnItsWay {
    all: OnTheirWay,
    file: Uuid,
}

impl OnTheirWay {
    /// A file is.
    pub fn begin(&self, file: Uuid) -> OnItsWay {
        self.0.send_modify(|files| *files.entry(file).or_default() += 1);
        OnItsWay { all: self.clone(), file }
    }

    /// Waits until a file is no more, but not for long; whether it was.
    pub async fn settled(&self, file: Uuid) -> bool {
        if !self.0.borrow().contains_key(&file) {
            return false;
        }
        let mut files = self.0.subscribe();
        _ = timeout(PATIENCE, files.wait_for(|files| !files.contains_key(&file))).await;
        true
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.all.0.send_modify(|files| {
            if let Some(count) = files.get_mut(&self.file) {
                *count -= 1;
                if *count == 0 {
                    files.remove(&self.file);
                }
            }
        });
    }
}
