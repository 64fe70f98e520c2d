//! One open connection: what it is doing, and since when.

use super::tls::client::ClientCertificate;
use crate::fairness::address::Address;
use std::net::IpAddr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing of a request has come.
    Idle,
    /// Part of a request's head has come, the first of it at this time.
    Head(Instant),
    /// A request's body is coming; it last came on at this time.
    Body(Instant),
    /// We are at work.
    Work,
    /// An answer is going; some of it was last taken at this time.
    Answer(Instant),
}

#[derive(Debug)]
struct Doing {
    phase: Phase,
    /// When the last answer was complete, or the connection came.
    done_at: Instant,
    /// The end of the answer is among what waits to be sent.
    handed_over: bool,
    /// Since when the other side has taken nothing of what we have for it.
    stuck_since: Option<Instant>,
    /// Some of a request after the one under way has come.
    early: bool,
    /// Bytes of a body since it last counted as coming on.
    come: usize,
    /// Who wants to know that the answer has arrived.
    when_arrived: Vec<oneshot::Sender<()>>,
    /// The same for an answer that has been sent.
    sent: Vec<oneshot::Sender<()>>,
}

impl Doing {
    fn arrived(&mut self) {
        for told in self.sent.drain(..) {
            // Who no longer waits need not know.
            _ = told.send(());
        }
    }
}

/// A body that has come on by so much is no idle one: what drips is.
const COMES_ON_BYTES: usize = 64 * 1024;

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    peer: IpAddr,
    /// Only pages for whoever watches are served on it.
    pub watch_only: bool,
    since: Instant,
    /// The certificate of who is at the other end.
    certificate: OnceLock<ClientCertificate>,
    state: Mutex<Doing>,
    cut: Notify,
}

impl Connection {
    /// One that has just come.
    pub fn new(peer: IpAddr, watch_only: bool) -> Self {
        let state = Doing {
            phase: Phase::Idle,
            done_at: Instant::now(),
            handed_over: false,
            stuck_since: None,
            early: false,
            come: 0,
            when_arrived: Vec::new(),
            sent: Vec::new(),
        };
        Self {
            peer,
            watch_only,
            since: Instant::now(),
            certificate: OnceLock::new(),
            state: Mutex::new(state),
            cut: Notify::new(),
        }
    }

    /// Who is at the other end has shown a certificate that lets it in.
    pub(super) fn is_known_by(&self, certificate: ClientCertificate) {
        // There is one handshake.
        _ = self.certificate.set(certificate);
    }

    /// The certificate of who is at the other end; `None`: it has none, over plain HTTP.
    pub(super) fn certificate(&self) -> Option<&ClientCertificate> {
        self.certificate.get()
    }

    /// How addresses of ours begin for who is at the other end.
    pub(super) fn scheme(&self) -> &'static str {
        match self.certificate() {
            Some(_) => "https",
            None => "http",
        }
    }

    /// How long it has been open.
    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Who is at the other end.
    pub fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Whose share it takes.
    pub fn address(&self) -> Address {
        Address::of(self.peer)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Doing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have come.
    pub(super) fn received(&self) {
        let mut state = self.state();
        match state.phase {
            Phase::Idle => state.phase = Phase::Head(Instant::now()),
            Phase::Work | Phase::Answer(_) => state.early = true,
            Phase::Head(_) | Phase::Body(_) => {}
        }
    }

    /// A request's head is complete.
    pub(super) fn reads_body(&self) {
        let mut state = self.state();
        // Of calls one after the other the next may begin before the last answer has left.
        (state.phase, state.handed_over) = (Phase::Body(state.done_at), false);
        (state.early, state.come) = (false, 0);
    }

    /// More of the request's body has come.
    pub(super) fn comes_on(&self, bytes: usize) {
        let mut state = self.state();
        state.come += bytes;
        if state.come >= COMES_ON_BYTES {
            (state.phase, state.come) = (Phase::Body(Instant::now()), 0);
        }
    }

    /// The request is complete.
    pub(super) fn works(&self) {
        self.state().phase = Phase::Work;
    }

    /// There is an answer.
    pub(super) fn answers(&self) {
        self.state().phase = Phase::Answer(Instant::now());
    }

    /// All of the answer has been handed over, and may still wait to be sent.
    pub(super) fn handed_over(&self) {
        self.state().handed_over = true;
    }

    /// Tells when the answer under way has arrived: the other side has gone on, or has ended the
    /// connection without complaint. Never, if it has not.
    pub(super) fn when_arrived(&self) -> oneshot::Receiver<()> {
        let (told, arrived) = oneshot::channel();
        self.state().when_arrived.push(told);
        arrived
    }

    /// Whether somebody wants to know that what has been sent has arrived.
    pub(super) fn awaits_arrival(&self) -> bool {
        !self.state().sent.is_empty()
    }

    /// The other side has broken the connection off: what has been sent has not arrived.
    pub(super) fn is_broken(&self) {
        self.state().sent.clear();
    }

    /// What has been sent has arrived: who goes on has what came before.
    pub(super) fn arrived(&self) {
        self.state().arrived();
    }

    /// Nothing waits to be sent; whether that ends an answer.
    pub(super) fn flushed(&self) -> bool {
        let mut state = self.state();
        let ends = std::mem::take(&mut state.handed_over);
        if ends {
            let now = Instant::now();
            let next =
                if std::mem::take(&mut state.early) { Phase::Head(now) } else { Phase::Idle };
            (state.phase, state.done_at) = (next, now);
            let waiting = std::mem::take(&mut state.when_arrived);
            state.sent.extend(waiting);
        }
        ends
    }

    /// Whether the other side takes what we have for it.
    pub(super) fn taken(&self, some: bool) {
        let mut state = self.state();
        if !some {
            state.stuck_since.get_or_insert_with(Instant::now);
            return;
        }
        state.stuck_since = None;
        if let Phase::Answer(last) = &mut state.phase {
            *last = Instant::now();
        }
    }

    /// Until when the next part of a request's head must have come.
    pub(super) fn head_deadline(&self, idle: Duration, head: Duration) -> Option<Instant> {
        let state = self.state();
        match state.phase {
            Phase::Idle => Some(state.done_at + idle),
            Phase::Head(since) => Some(since + head),
            Phase::Body(_) | Phase::Work | Phase::Answer(_) => None,
        }
    }

    /// Since when it has waited for the other side; `None` when the other side waits for us. What
    /// comes little by little is no reason to count as busy.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        let state = self.state();
        match state.phase {
            Phase::Idle | Phase::Head(_) => Some(state.done_at),
            Phase::Work => None,
            Phase::Body(last) | Phase::Answer(last) => Some(last),
        }
    }

    /// Whether it may be cut when the server ends: nothing but part of a head has come, or the other
    /// side has taken nothing of an answer for `patience`.
    pub(super) fn is_in_the_way(&self, patience: Duration) -> bool {
        let state = self.state();
        matches!(state.phase, Phase::Idle | Phase::Head(_))
            || state.stuck_since.is_some_and(|since| since.elapsed() >= patience)
    }

    /// Ends the connection, whatever it is doing.
    pub(super) fn cut(&self) {
        self.cut.notify_one();
    }

    /// Done when the connection is to be cut.
    pub(super) async fn is_cut(&self) {
        self.cut.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_on_does_not_count_as_idle_and_one_that_drips_does() {
        let connection = Connection::new(IpAddr::from([10, 0, 0, 1]), false);
        let begun = Instant::now();
        connection.received();
        connection.reads_body();
        tokio::time::advance(Duration::from_secs(1)).await;
        connection.comes_on(COMES_ON_BYTES - 1);
        assert_eq!(connection.waits_since(), Some(begun));
        connection.comes_on(1);
        assert_eq!(connection.waits_since(), Some(Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn part_of_a_head_behind_a_call_has_the_time_of_a_head() {
        let (idle, head) = (Duration::from_mins(2), Duration::from_secs(10));
        let connection = Connection::new(IpAddr::from([10, 0, 0, 1]), false);
        for (early, within) in [(true, head), (false, idle)] {
            connection.received();
            connection.reads_body();
            connection.works();
            if early {
                connection.received();
            }
            connection.answers();
            connection.handed_over();
            assert!(connection.flushed());
            let deadline = connection.head_deadline(idle, head);
            assert_eq!(deadline, Some(Instant::now() + within));
        }
    }
}
