//! A connection's bytes, with limits of time: for a request's head, and for an answer that nobody
//! takes. Those for a body are in `body`.

use super::connection::Connection;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// In this time the system of who ends a connection without having got everything says so.
const COMPLAINT: Duration = Duration::from_secs(1);

/// The limits.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long a connection may have nothing to say.
    pub idle: Duration,
    /// How long a head may take from its first byte.
    pub head: Duration,
    /// In this time the other side must take ...
    pub stall: Duration,
    /// ... so many bytes of what waits for it.
    pub stall_bytes: usize,
}

/// A connection's bytes.
pub struct Paced {
    stream: TcpStream,
    connection: Arc<Connection>,
    pace: Pace,
    /// Bytes may be of TLS itself: that some come does not tell that the other side goes on.
    is_encrypted: bool,
    reading: Timer,
    writing: Timer,
    /// Bytes taken since the time for writing began.
    taken: usize,
    /// How long a complaint about what has been sent is waited for.
    ending: Timer,
    /// How long the other side may take to end what we have ended.
    closing: Timer,
}

/// A time limit that is made when it is first needed.
#[derive(Default)]
struct Timer(Option<(Instant, Pin<Box<Sleep>>)>);

impl Timer {
    /// Ready when `deadline` has passed; the task is woken then.
    fn poll(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        let (set, sleep) =
            self.0.get_or_insert_with(|| (deadline, Box::pin(sleep_until(deadline))));
        if *set != deadline {
            *set = deadline;
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(context)
    }
}

impl Paced {
    /// The bytes of an accepted connection.
    pub fn new(
        stream: TcpStream,
        connection: Arc<Connection>,
        pace: Pace,
        is_encrypted: bool,
    ) -> Self {
        let (reading, writing) = (Timer::default(), Timer::default());
        Self {
            stream,
            connection,
            pace,
            is_encrypted,
            reading,
            writing,
            taken: 0,
            ending: Timer::default(),
            closing: Timer::default(),
        }
    }

    /// The connection that its bytes are of.
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// From now on its bytes are another's.
    pub(super) fn belongs_to(&mut self, connection: Arc<Connection>) {
        self.connection = connection;
    }

    /// The other side has ended the connection, while it matters whether it has got everything: if it has
    /// not, its system complains about what comes now.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.ending.0.as_ref().map_or(Instant::now() + COMPLAINT, |(at, _)| *at);
        ready!(self.ending.poll(deadline, context));
        if matches!(self.stream.take_error(), Ok(None)) {
            self.connection.arrived();
        }
        Poll::Ready(())
    }

    /// Accounts for an attempt to hand over `offered` bytes.
    fn handed(
        &mut self,
        attempt: Poll<io::Result<usize>>,
        offered: usize,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match &attempt {
            Poll::Ready(Ok(taken)) => {
                self.connection.taken(true);
                self.taken += taken;
                if *taken == offered {
                    // Nothing waits any more.
                    self.writing = Timer::default();
                }
                attempt
            }
            Poll::Ready(Err(_)) => attempt,
            Poll::Pending => {
                self.connection.taken(false);
                let begins = || {
                    let deadline = Instant::now() + self.pace.stall;
                    (deadline, Box::pin(sleep_until(deadline)))
                };
                if self.writing.0.is_none() {
                    self.taken = 0;
                }
                let deadline = self.writing.0.get_or_insert_with(begins).0;
                ready!(self.writing.poll(deadline, context));
                if self.taken < self.pace.stall_bytes {
                    return Poll::Ready(Err(timed_out()));
                }
                self.taken = 0;
                // Polled once more, to be woken at its end.
                _ = self.writing.poll(Instant::now() + self.pace.stall, context);
                Poll::Pending
            }
        }
    }
}

fn timed_out() -> io::Error {
    io::Error::from(io::ErrorKind::TimedOut)
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if let Poll::Ready(done) = &read {
            if buffer.filled().len() > before {
                this.connection.received();
                if !this.is_encrypted {
                    this.connection.arrived();
                }
            } else if done.is_err() {
                this.connection.is_broken();
            } else if this.connection.awaits_arrival() {
                ready!(this.poll_end(context));
            }
            return read;
        }
        let Pace { idle, head, .. } = this.pace;
        let Some(deadline) = this.connection.head_deadline(idle, head) else {
            return Poll::Pending;
        };
        ready!(this.reading.poll(deadline, context));
        Poll::Ready(Err(timed_out()))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.handed(attempt, bytes.len(), context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.handed(attempt, bytes.iter().map(|part| part.len()).sum(), context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        if flushed.is_ready() && this.connection.flushed() {
            // From now on the next request is waited for: the task is woken when that takes too long.
            let Pace { idle, head, .. } = this.pace;
            if let Some(deadline) = this.connection.head_deadline(idle, head) {
                _ = this.reading.poll(deadline, context);
            }
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.closing.0.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        // We have ended it; the other side does when it has got everything.
        while this.connection.awaits_arrival() {
            let begun = this.closing.0.as_ref();
            let deadline = begun.map_or(Instant::now() + this.pace.head, |(at, _)| *at);
            if this.closing.poll(deadline, context).is_ready() {
                break;
            }
            let mut bytes = [0; 512];
            let mut rest = ReadBuf::new(&mut bytes);
            if ready!(Pin::new(&mut this.stream).poll_read(context, &mut rest)).is_err() {
                break;
            }
            if rest.filled().is_empty() {
                ready!(this.poll_end(context));
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
