//! Requests for the pages: HTTP to plain values and back. One that asks for much waits for others; bodies are small.

use super::connection::Connection;
use super::listener::Answers;
use super::reply::{self, Reply, ToldBody, told_when_done};
use super::tls::snapshot::Tls;
use crate::admin::{self, PageMethod, PageReply, PageRequest, Site};
use crate::clock::Clock;
use crate::config::limits::Limits;
use crate::fairness::shares::Shares;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_LANGUAGE, COOKIE, HOST, HeaderName, HeaderValue, ORIGIN, STRICT_TRANSPORT_SECURITY,
};
use hyper::{Method, Request, Response, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// The longest form.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a form may take to come, and a page to be made.
const BODY_TIME: Duration = Duration::from_secs(10);
const PAGE_TIME: Duration = Duration::from_secs(30);
/// Pages that are made at one time.
const PAGES_MAX: usize = 32;
/// How long a request waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// Where a browser says that it comes from.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What answers requests for the pages.
pub struct PeopleAnswers {
    site: Site,
    tls: Option<Arc<Tls>>,
    clock: Clock,
    pages: Arc<Shares>,
}

impl PeopleAnswers {
    /// Serves a site.
    pub fn new(site: Site, tls: Option<Arc<Tls>>, limits: &Limits, clock: Clock) -> Self {
        Self { site, tls, clock, pages: Shares::new(PAGES_MAX, limits.percentages()) }
    }

    async fn reply(&self, request: Request<Incoming>, connection: &Connection) -> Reply {
        let method = match *request.method() {
            Method::GET | Method::HEAD => PageMethod::Get,
            Method::POST => PageMethod::Post,
            _ => return reply::closing(reply::method_not_allowed("GET, HEAD, POST")),
        };
        let turn = timeout(TURN_TIMEOUT, self.pages.wait(connection.address(), 1)).await;
        let Ok(_turn) = turn else { return reply::closing(reply::overloaded()) };
        let (head, body) = request.into_parts();
        let body = timeout(BODY_TIME, Limited::new(body, BODY_BYTES_MAX).collect()).await;
        let Ok(Ok(body)) = body else {
            let says = "formuläret är för stort eller kom inte fram i tid";
            return reply::closing(reply::plain(StatusCode::PAYLOAD_TOO_LARGE, says));
        };
        connection.works();
        let text = |name: &HeaderName| {
            let mut all = head.headers.get_all(name).iter();
            // Of two nobody knows which one counts.
            let one = all.next().filter(|_| all.next().is_none())?;
            one.to_str().ok().map(str::to_owned)
        };
        let cookies: Vec<&str> =
            head.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
        let asked = PageRequest {
            method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            cookies: (!cookies.is_empty()).then(|| cookies.join("; ")),
            fetch_site: text(&FETCH_SITE),
            origin: text(&ORIGIN),
            host: text(&HOST),
            languages: text(&ACCEPT_LANGUAGE),
            body: body.to_bytes().to_vec(),
            address: connection.address(),
            certificate: self.certificate(connection),
            is_encrypted: self.tls.is_some(),
        };
        let made = Box::pin(admin::serve(&self.site, asked));
        let Ok(made) = timeout(PAGE_TIME, made).await else {
            return reply::closing(reply::overloaded());
        };
        self.written(made, head.method == Method::HEAD)
    }

    /// Whom the connection's certificate names, if it may still be let in.
    fn certificate(&self, connection: &Connection) -> Option<crate::domain::identity::HsaId> {
        let (tls, certificate) = (self.tls.as_deref()?, connection.certificate()?);
        certificate.is_still_let_in(tls, self.clock.now()).ok()?;
        Some(certificate.subject.hsa_id.clone())
    }

    fn written(&self, page: PageReply, head_only: bool) -> Reply {
        let length = page.body.len();
        let body = if head_only { reply::nothing() } else { reply::whole(page.body) };
        let mut reply = Response::new(body);
        *reply.status_mut() =
            StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in page.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                reply.headers_mut().append(HeaderName::from_static(name), value);
            }
        }
        if head_only {
            reply.headers_mut().insert(hyper::header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if self.site.is_secure() {
            let year = HeaderValue::from_static("max-age=31536000");
            reply.headers_mut().insert(STRICT_TRANSPORT_SECURITY, year);
        }
        reply
    }
}

impl Answers for PeopleAnswers {
    async fn serve(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Response<ToldBody> {
        #[expect(clippy::disallowed_methods, reason = "measures how long the request takes")]
        let begun = Instant::now();
        connection.reads_body();
        // The table's path, never the address: that has look-ups in it.
        let page = admin::pages::of_path(request.uri().path()).map_or("", |(page, _)| page.path);
        let method = request.method().clone();
        let reply = self.reply(request, connection).await;
        tracing::info!(
            page,
            method = method.as_str(),
            status = reply.status().as_u16(),
            duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            "page"
        );
        connection.answers();
        told_when_done(reply, connection)
    }

    fn count_failed_handshake(&self, reason: &'static str) {
        tracing::debug!(reason, "no handshake with a browser");
    }
}
