//! Accepts connections, gives each its task, and drains them at the end.

use super::connection::Connection;
use super::paced::{Pace, Paced};
use super::places::{ConnectionPlace, Places};
use super::reply::ToldBody;
use super::tls::handshake::shake;
use super::tls::snapshot::Tls;
use super::transport::Transport;
use crate::config::limits::Limits;
use crate::fairness::threads::Side;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Headers of one request; routers add a dozen.
const HEADERS_MAX: usize = 100;
/// How long to wait before accepting again when the system is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked, at the end, for connections that would keep the server from ending.
const SWEEP_PAUSE: Duration = Duration::from_millis(100);
/// How long at the end an answer may wait for a receiver who takes nothing of it; the window of one
/// that is slow opens in steps, some seconds apart.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Bytes that the system holds of an answer for a receiver who does not read; it doubles them.
const SEND_BUFFER_BYTES: u32 = 128 * 1024;
/// Bytes that we hold of it beside; also the longest head.
const BUFFER_BYTES: usize = 64 * 1024;
/// Connections that shake hands at one time.
const HANDSHAKES_MAX: usize = 128;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Begins to listen; connections wait until they are served.
///
/// # Errors
/// Why it cannot be listened there.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    // Accepted connections have what their listener has.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What answers requests.
pub trait Answers: Send + Sync + 'static {
    /// Answers one.
    fn serve(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> impl Future<Output = Response<ToldBody>> + Send;

    /// A handshake has failed.
    fn count_failed_handshake(&self, reason: &'static str);
}

/// What all listeners of one kind serve connections with.
pub struct Serving<E> {
    endpoint: Arc<E>,
    places: Arc<Places>,
    handshakes: Arc<Places>,
    /// Where hands are shaken: it is work, and whoever has shaken them goes first.
    handshake_side: Arc<Side>,
    handshake_timeout: Duration,
    pace: Pace,
    graceful: GracefulShutdown,
}

impl<E: Answers> Serving<E> {
    /// With the places that there are for connections.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn new(endpoint: Arc<E>, limits: &Limits) -> std::io::Result<Self> {
        Ok(Self {
            endpoint,
            handshake_side: Arc::new(Side::new("handshakes", 1)?),
            places: Places::new(limits.connections_max, limits.percentages()),
            handshakes: Places::new(HANDSHAKES_MAX, limits.percentages()),
            handshake_timeout: limits.handshake_timeout(),
            pace: Pace {
                idle: limits.idle_timeout(),
                head: limits.header_timeout(),
                stall: limits.stall_timeout(),
                stall_bytes: limits.stall_bytes(),
            },
            graceful: GracefulShutdown::new(),
        })
    }

    /// Accepts connections until `stop` is done.
    pub async fn accept(
        &self,
        listener: TcpListener,
        tls: Option<Arc<Tls>>,
        stop: impl Future<Output = ()>,
    ) {
        let mut stop = pin!(stop);
        loop {
            let (stream, peer) = tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "connection not accepted");
                        self.places.make_room();
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            // Without it a small answer could wait for the acknowledgement of the one before.
            _ = stream.set_nodelay(true);
            match &tls {
                None => {
                    let Some(place) = self.places.admit(peer.ip()) else { continue };
                    let connection = Arc::clone(&place.connection);
                    let bytes = Paced::new(stream, connection, self.pace, false);
                    let serving = self.serving(Transport::Plain(Box::new(bytes)), place);
                    tokio::spawn(serving);
                }
                Some(tls) => self.shake_hands(stream, peer, Arc::clone(tls)),
            }
        }
    }

    /// Lets calls under way finish.
    pub async fn finish(self) {
        let Self { graceful, places, handshakes, .. } = self;
        let mut drained = pin!(graceful.shutdown());
        while tokio::time::timeout(SWEEP_PAUSE, &mut drained).await.is_err() {
            places.cut_what_is_in_the_way(END_PATIENCE);
            handshakes.cut_what_is_in_the_way(END_PATIENCE);
        }
    }

    /// Shakes hands in a place of its own: only who is let in gets one among the connections.
    fn shake_hands(&self, stream: TcpStream, peer: SocketAddr, tls: Arc<Tls>) {
        let Some(shaking) = self.handshakes.admit(peer.ip()) else {
            return self.endpoint.count_failed_handshake("no-place");
        };
        let (limit, pace) = (self.handshake_timeout, self.pace);
        let (places, endpoint) = (Arc::clone(&self.places), Arc::clone(&self.endpoint));
        let (watcher, side) = (self.graceful.watcher(), Arc::clone(&self.handshake_side));
        tokio::spawn(async move {
            let connection = Arc::clone(&shaking.connection);
            let shaken = side.run(async move {
                let bytes = Paced::new(stream, Arc::clone(&connection), pace, true);
                tokio::select! {
                    shaken = shake(&tls, bytes, limit) => shaken,
                    () = connection.is_cut() => Err("crowded-out"),
                }
            });
            let shaken = shaken.await.unwrap_or(Err("broken"));
            drop(shaking);
            let (stream, certificate) = match shaken {
                Ok(shaken) => shaken,
                Err(reason) => return endpoint.count_failed_handshake(reason),
            };
            let Some(place) = places.admit(peer.ip()) else {
                return endpoint.count_failed_handshake("no-place");
            };
            let connection = Arc::clone(&place.connection);
            if let Some(certificate) = certificate {
                connection.is_known_by(certificate);
            }
            let bytes = Transport::shaken(stream, Arc::clone(&connection));
            let served = served(bytes, Arc::clone(&connection), endpoint);
            until_cut(watcher.watch(served), place).await;
        });
    }

    fn serving(
        &self,
        bytes: Transport,
        place: ConnectionPlace,
    ) -> impl Future<Output = ()> + Send + use<E> {
        let connection = Arc::clone(&place.connection);
        let served = served(bytes, connection, Arc::clone(&self.endpoint));
        until_cut(self.graceful.watch(served), place)
    }
}

/// Serves a connection to its end, or until it is cut.
async fn until_cut(served: impl Future<Output = Result<(), hyper::Error>>, place: ConnectionPlace) {
    let connection = Arc::clone(&place.connection);
    let ended = tokio::select! {
        ended = served => ended,
        () = connection.is_cut() => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

fn served<E: Answers>(
    bytes: Transport,
    connection: Arc<Connection>,
    endpoint: Arc<E>,
) -> impl GracefulConnection<Error = hyper::Error> + use<E> {
    let service = service_fn(move |request| {
        let (endpoint, connection) = (Arc::clone(&endpoint), Arc::clone(&connection));
        async move { Ok::<_, Infallible>(endpoint.serve(request, &connection).await) }
    });
    http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(bytes), service)
}
