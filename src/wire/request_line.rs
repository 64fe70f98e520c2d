//! The one line of the log that a request has. Its fields are an interface, see
//! `docs/OPERATIONS.md`; nothing of patients or messages stands in it.

use crate::domain::trust::caller::Caller;
use crate::procedures::failure::StoreError;
use std::time::Instant;

/// Longer texts from outside are cut in the log.
const LOGGED_CHARS_MAX: usize = 64;

/// What the line tells. One that is dropped unwritten tells that its receiver has gone away.
pub struct RequestLine {
    /// The contract, or `-`.
    pub interaction: &'static str,
    /// Who calls.
    pub caller: Caller,
    /// As sent.
    pub logical_address: Option<String>,
    /// The result code, or the fault code.
    pub result: &'static str,
    /// Records or rows of the call, so far.
    pub rows: usize,
    /// The HTTP status.
    pub status: u16,
    /// When the request's head had come.
    pub begun: Instant,
    /// The platform's id of the chain of calls.
    pub correlation_id: Option<String>,
    /// The id that a fault hands over.
    pub log_id: Option<String>,
    /// Whether it has been written.
    pub written: bool,
}

impl RequestLine {
    /// That of a request for an ordered file.
    pub fn of_file(caller: Caller, begun: Instant) -> Self {
        Self {
            interaction: "file",
            caller,
            logical_address: None,
            result: "OK",
            rows: 0,
            status: 200,
            begun,
            correlation_id: None,
            log_id: None,
            written: false,
        }
    }

    /// The answer is complete.
    pub fn write(mut self) {
        self.emit();
    }

    /// The rest of the answer could not be read.
    pub fn broken_off(mut self, error: &StoreError) {
        tracing::error!(%error, "answer broken off");
        self.result = "broken off";
        self.emit();
    }

    fn emit(&mut self) {
        self.written = true;
        tracing::info!(
            interaction = self.interaction,
            caller = cut(self.caller.name()),
            peer = self.caller.peer.as_ref().map(|peer| cut(Some(peer.as_str()))),
            known_by = self.caller.how_known.name(),
            on_behalf_of = self.caller.on_behalf_of.as_ref().map(|id| cut(Some(id.as_str()))),
            logical_address = cut(self.logical_address.as_deref()),
            result = self.result,
            rows = self.rows,
            status = self.status,
            duration_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            correlation_id = cut(self.correlation_id.as_deref()),
            log_id = self.log_id,
            "request"
        );
    }
}

impl Drop for RequestLine {
    fn drop(&mut self) {
        if !self.written {
            self.result = "abandoned";
            self.emit();
        }
    }
}

fn cut(text: Option<&str>) -> &str {
    let text = text.unwrap_or("-");
    let end = text.char_indices().nth(LOGGED_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    &text[..end]
}
