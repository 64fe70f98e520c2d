//! A service that this machine alone can reach, for test benches: a message in, a message out.

use super::body::Bodies;
use super::connection::Connection;
use super::listener::{self, Answers, Serving};
use super::reply::{self, Reply, ToldBody, told_when_done};
use super::tls::snapshot::Tls;
use crate::config::limits::Limits;
use crate::domain::identity::HsaId;
use crate::fairness::shares::Percentages;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What answers.
pub trait StubService: Send + Sync + 'static {
    /// The HTTP status and the message for a message, which came from a system, if that is known.
    fn reply(
        &self,
        message: &[u8],
        system: Option<&HsaId>,
    ) -> impl Future<Output = (u16, String)> + Send;
}

/// Why a stub is not served.
#[derive(Debug, thiserror::Error)]
pub enum StubError {
    /// It would be reached from other machines.
    #[error("a stub is served on loopback only")]
    NotLoopback,
    /// The system's.
    #[error("{0}")]
    Listen(#[from] std::io::Error),
}

/// A stub whose connections wait until it is served.
pub struct ListeningStub {
    listener: TcpListener,
    at: SocketAddr,
}

impl ListeningStub {
    /// Begins to listen.
    ///
    /// # Errors
    /// That it cannot, or may not, be listened there.
    pub fn at(at: SocketAddr) -> Result<Self, StubError> {
        if !at.ip().is_loopback() {
            return Err(StubError::NotLoopback);
        }
        let listener = listener::bind(at)?;
        let at = listener.local_addr()?;
        Ok(Self { listener, at })
    }

    /// Where.
    pub fn address(&self) -> SocketAddr {
        self.at
    }

    /// Serves, and never ends; over TLS where that is given.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn serve(
        self,
        service: impl StubService,
        tls: Option<Arc<Tls>>,
    ) -> Result<impl Future<Output = ()> + Send + 'static, StubError> {
        let limits = Limits::default();
        let bodies = Bodies::of(&limits, Percentages::default());
        let serving = Serving::new(Arc::new(StubAnswers { service, bodies }), &limits)?;
        Ok(async move { serving.accept(self.listener, tls, std::future::pending()).await })
    }
}

struct StubAnswers<S> {
    service: S,
    bodies: Bodies,
}

impl<S: StubService> StubAnswers<S> {
    async fn reply(&self, request: Request<Incoming>, connection: &Connection) -> Reply {
        if request.method() != Method::POST {
            return reply::method_not_allowed("POST");
        }
        let body = match self.bodies.read(request.into_body(), connection).await {
            Ok(body) => body.bytes,
            Err((status, fault)) => return reply::closing(reply::plain(status, &fault.text)),
        };
        connection.works();
        let system = connection.certificate().map(|own| &own.subject.hsa_id);
        let (status, message) = self.service.reply(&body, system).await;
        let mut reply = reply::document(message);
        *reply.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        reply
    }
}

impl<S: StubService> Answers for StubAnswers<S> {
    async fn serve(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Response<ToldBody> {
        connection.reads_body();
        let reply = self.reply(request, connection).await;
        connection.answers();
        told_when_done(reply, connection)
    }

    fn count_failed_handshake(&self, reason: &'static str) {
        tracing::info!(reason, "no handshake with a system");
    }
}
