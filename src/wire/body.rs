//! A request's body, read whole within its limits: of size, of time, of pace, and of what all bodies
//! under way may hold together.

use super::connection::Connection;
use crate::config::limits::Limits;
use crate::fairness::address::Address;
use crate::fairness::shares::{HeldShare, Percentages, Shares};
use crate::soap::fault::Fault;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout_at};

/// So much of every body is not counted: it is bounded by the number of connections, and lets small
/// calls through when large ones hold all that is counted.
const UNCOUNTED_BYTES: usize = 16 * 1024;

/// After so many bytes others go on: what comes from near never lets one wait.
const AT_ONCE_BYTES: usize = 256 * 1024;
/// Refused bodies that are thrown away at one time, and how fast: it is work for nothing.
const THROWN_MAX: usize = 4;
const THROWN_BYTES: usize = 512 * 1024;
const THROWN_PAUSE: Duration = Duration::from_millis(5);

/// What bodies may be.
#[derive(Debug)]
pub struct Bodies {
    bytes_max: usize,
    time: Duration,
    stall: Duration,
    stall_bytes: usize,
    /// Bytes of all bodies under way.
    shares: Arc<Shares>,
    /// Refused bodies that are thrown away at one time.
    thrown: Arc<Shares>,
}

/// A body that has come.
#[derive(Debug)]
pub struct Received {
    /// All of it.
    pub bytes: Vec<u8>,
    _held: HeldShare,
}

/// The status and the fault of a body that is refused.
pub type Refused = (StatusCode, Fault);

impl Bodies {
    /// As configured.
    pub fn of(limits: &Limits, percentages: Percentages) -> Self {
        Self {
            bytes_max: limits.body_bytes_max,
            time: limits.body_timeout(),
            stall: limits.stall_timeout(),
            stall_bytes: limits.stall_bytes(),
            shares: Shares::new(limits.bodies_bytes_max, percentages.clone()),
            thrown: Shares::new(THROWN_MAX, percentages),
        }
    }

    /// Whether a body may come.
    ///
    /// # Errors
    /// That it is too large, as its head announces.
    pub fn admits(&self, body: &Incoming) -> Result<(), Refused> {
        match announced(body) <= self.bytes_max {
            true => Ok(()),
            false => Err(self.too_large()),
        }
    }

    /// Reads a body whole.
    ///
    /// # Errors
    /// The limit that it breaks.
    pub async fn read(
        &self,
        mut body: Incoming,
        connection: &Connection,
    ) -> Result<Received, Refused> {
        let from = connection.address();
        let announced = announced(&body);
        // What its head announces is made room for as it comes.
        let mut bytes = Vec::with_capacity(announced.min(UNCOUNTED_BYTES));
        let mut held = self.shares.none(from);
        let (end, mut window) = (Instant::now() + self.time, Instant::now() + self.stall);
        let (mut pace_from, mut at_once) = (0, 0);
        loop {
            let Ok(next) = timeout_at(window.min(end), body.frame()).await else {
                if window >= end || bytes.len() - pace_from < self.stall_bytes {
                    let fault = Fault::client("meddelandet kom inte fram i tid");
                    return Err((StatusCode::REQUEST_TIMEOUT, fault));
                }
                (window, pace_from) = (window + self.stall, bytes.len());
                continue;
            };
            let Some(frame) = next else { return Ok(Received { bytes, _held: held }) };
            let Ok(frame) = frame else {
                let fault = Fault::client("meddelandet kom inte fram helt");
                return Err((StatusCode::BAD_REQUEST, fault));
            };
            let Ok(piece) = frame.into_data() else { continue };
            if bytes.len() + piece.len() > self.bytes_max {
                drop(bytes);
                self.drain(body, from).await;
                return Err(self.too_large());
            }
            let counted = |len: usize| len.saturating_sub(UNCOUNTED_BYTES);
            let more = counted(bytes.len() + piece.len()) - counted(bytes.len());
            if held.grow(more).is_err() {
                drop((bytes, held));
                self.drain(body, from).await;
                return Err(overloaded());
            }
            bytes.extend_from_slice(&piece);
            connection.comes_on(piece.len());
            at_once += piece.len();
            if at_once >= AT_ONCE_BYTES {
                at_once = 0;
                yield_now().await;
            }
        }
    }

    /// Throws the rest of a refused body away, as much as a body may have: who sends all before
    /// reading anything would otherwise not see the answer.
    pub async fn drain(&self, mut body: Incoming, from: Address) {
        let (end, mut left) = (Instant::now() + self.stall, self.bytes_max);
        let Ok(_turn) = timeout_at(end, self.thrown.wait(from, 1)).await else { return };
        let mut some = 0;
        while let Ok(Some(Ok(frame))) = timeout_at(end, body.frame()).await {
            let len = frame.data_ref().map_or(0, hyper::body::Bytes::len);
            if len > left {
                return;
            }
            (left, some) = (left - len, some + len);
            if some >= THROWN_BYTES {
                some = 0;
                sleep(THROWN_PAUSE).await;
            }
        }
    }

    fn too_large(&self) -> Refused {
        let text = format!("meddelandet är större än {} byte", self.bytes_max);
        (StatusCode::PAYLOAD_TOO_LARGE, Fault::client(text))
    }
}

fn announced(body: &Incoming) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

/// There is no room now; the caller may try again.
pub fn overloaded() -> Refused {
    let fault = Fault::server("tjänsten är överbelastad; försök igen senare");
    (StatusCode::INTERNAL_SERVER_ERROR, fault)
}
