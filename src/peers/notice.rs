//! Telling another system that something waits here, without saying about whom.

use super::connection::{CallError, Peer};

/// Its answers are not read.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// A system that is told of reminders: it takes JSON by POST and answers 2xx.
#[derive(Debug, Clone)]
pub struct NoticeService {
    peer: Peer,
}

impl NoticeService {
    /// A system at an address.
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// Tells it something.
    ///
    /// # Errors
    /// That it was not taken.
    pub async fn tell(&self, json: String) -> Result<(), CallError> {
        let (status, _) =
            self.peer.send_form("", "application/json", json, REPLY_BYTES_MAX).await?;
        match status.is_success() {
            true => Ok(()),
            false => Err(CallError::Status(status)),
        }
    }
}
