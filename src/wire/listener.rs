//! Accepts connections, gives each its task, and drains them at the end.

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::paced::{Pace, Paced};
use super::places::Places;
use crate::config::limits::Limits;
use hyper::server::conn::http1;
use hyper::service::service_fn;
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

/// Serves connections until `stop` is done, then lets calls under way finish.
pub async fn serve(
    listener: TcpListener,
    endpoint: Arc<Endpoint>,
    limits: &Limits,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let places = Places::new(limits.connections_max, limits.percentages());
    let pace = Pace {
        idle: limits.idle_timeout(),
        head: limits.header_timeout(),
        stall: limits.stall_timeout(),
        stall_bytes: limits.stall_bytes(),
    };
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "connection not accepted");
                    places.make_room();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let Some(place) = places.admit(peer.ip()) else { continue };
        let connection = Arc::clone(&place.connection);
        let served = serve_one(stream, pace, Arc::clone(&connection), Arc::clone(&endpoint));
        let watched = graceful.watch(served);
        tokio::spawn(async move {
            let ended = tokio::select! {
                ended = watched => ended,
                () = connection.is_cut() => Ok(()),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    let mut drained = pin!(graceful.shutdown());
    while tokio::time::timeout(SWEEP_PAUSE, &mut drained).await.is_err() {
        places.cut_what_is_in_the_way(END_PATIENCE);
    }
}

fn serve_one(
    stream: TcpStream,
    pace: Pace,
    connection: Arc<Connection>,
    endpoint: Arc<Endpoint>,
) -> impl GracefulConnection<Error = hyper::Error> + use<> {
    // Without it a small answer could wait for the acknowledgement of the one before.
    _ = stream.set_nodelay(true);
    let paced = Paced::new(stream, Arc::clone(&connection), pace);
    let service = service_fn(move |request| {
        let (endpoint, connection) = (Arc::clone(&endpoint), Arc::clone(&connection));
        async move { Ok::<_, Infallible>(endpoint.serve(request, &connection).await) }
    });
    http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(paced), service)
}
