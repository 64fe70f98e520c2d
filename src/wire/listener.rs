//! Accepts connections, gives each its task, and drains them at the end.

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::paced::{Pace, Paced};
use super::places::Places;
use super::shares::Percentages;
use crate::config::limits::Limits;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Headers of one request; routers add a dozen.
const HEADERS_MAX: usize = 100;
/// How long to wait before accepting again when the system is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked, at the end, for connections that would keep the server from ending.
const SWEEP_PAUSE: Duration = Duration::from_millis(100);
/// How long at the end an answer may wait for a receiver who takes nothing of it.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// Serves connections until `stop` is done, then lets calls under way finish.
pub async fn serve(
    listener: TcpListener,
    endpoint: Arc<Endpoint>,
    limits: &Limits,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let places = Places::new(limits.connections_max, Percentages::of(limits));
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
    http1::Builder::new().max_headers(HEADERS_MAX).serve_connection(TokioIo::new(paced), service)
}
