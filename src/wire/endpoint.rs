//! One HTTP request: which page or contract it is for, and whether it may come at all.

use super::call::Calls;
use super::caller::{Callers, Known, Stranger};
use super::connection::Connection;
use super::listener::Answers;
use super::origin::{Hosts, is_foreign_page};
use super::pages::Boundary;
use super::reply::{self, Reply, ToldBody};
use super::request_line::RequestLine;
use super::tiles::{self, TILES_PATH, WITNESS_PATH};
use super::tls::handshake::Failures;
use super::{files, pages, router, wsdl};
use crate::clock::Clock;
use crate::config::http::Http;
use crate::config::limits::Limits;
use crate::domain::trust::caller::Caller;
use crate::fairness::shares::Shares;
use crate::procedures::context::Services;
use crate::procedures::orders::FILES_PATH;
use crate::soap::fault::Fault;
use hyper::body::Incoming;
use hyper::header::{HOST, TRANSFER_ENCODING};
use hyper::{Method, Request, Response, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// What every request is answered with.
pub struct Endpoint {
    services: Arc<Services>,
    clock: Clock,
    hosts: Hosts,
    callers: Arc<Callers>,
    /// Who was not known, and handshakes that failed, by reason.
    strangers: Failures,
    handshakes: Failures,
    connection_age: Duration,
    calls: Arc<Calls>,
    /// Pages for those on the machine that are being made.
    pages: Arc<Shares>,
    /// Files that are being sent.
    files: Arc<Shares>,
}

/// Pages for those on the machine that are made at one time: they ask the database.
const PAGES_MAX: usize = 2;
/// Files that are sent at one time.
const FILES_MAX: usize = 16;
/// How long a page or a file waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

impl Answers for Endpoint {
    async fn serve(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Response<ToldBody> {
        self.answer(request, connection).await
    }

    fn count_failed_handshake(&self, reason: &'static str) {
        self.handshakes.count(reason);
    }
}

impl Endpoint {
    /// An endpoint with its limits.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn new(
        services: Services,
        callers: Arc<Callers>,
        limits: &Limits,
        http: &Http,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let calls = Arc::new(Calls::new(services.clone(), limits, http, clock.clone())?);
        let pages = Shares::new(PAGES_MAX, limits.percentages());
        let files = Shares::new(FILES_MAX, limits.percentages());
        let services = Arc::new(services);
        Ok(Self {
            services,
            clock,
            hosts: Hosts::of(http),
            callers,
            strangers: Failures::default(),
            handshakes: Failures::default(),
            connection_age: limits.connection_age(),
            calls,
            pages,
            files,
        })
    }

    fn boundary(&self) -> Boundary<'_> {
        Boundary {
            callers: &self.callers,
            strangers: self.strangers.all(),
            handshakes: self.handshakes.all(),
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Response<ToldBody> {
        connection.reads_body();
        let known = self.callers.known(request.headers(), connection, self.clock.now());
        // Whoever is at the other end may be known no more, or have a second request hidden in the first.
        let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
        let ends = match &known {
            Err(Stranger::Certificate(_)) => true,
            Ok(known) => known.through_proxy && is_chunked,
            Err(_) => is_chunked,
        };
        let ends =
            ends || connection.certificate().is_some() && connection.age() > self.connection_age;
        let mut reply = self.reply(request, connection, known).await;
        if ends {
            reply = reply::closing(reply);
        }
        connection.answers();
        reply::told_when_done(reply, connection)
    }

    async fn reply(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
        known: Result<Known, Stranger>,
    ) -> Reply {
        let is_encrypted = connection.certificate().is_some();
        let hosts = self.hosts.check(is_encrypted, request.version(), request.headers());
        let foreign = is_foreign_page(request.headers()).then(|| {
            let text = "anrop från en webbsida i en webbläsare tas inte emot";
            (StatusCode::FORBIDDEN, Fault::client(text))
        });
        let refused = hosts.err().or(foreign);
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if reads {
            connection.works();
            // Watchers know the server by its address.
            if let Some(page) = self.watchers_page(request.uri().path()).await {
                return page;
            }
            if let Some((status, fault)) = refused {
                return reply::plain(status, &fault.text);
            }
            if known.as_ref().is_ok_and(|known| known.is_operator)
                && let Some(page) = self.operators_page(request.uri().path(), connection).await
            {
                return page;
            }
        }
        if connection.watch_only {
            let text = "alla platser för anslutningar är upptagna";
            return reply::closing(reply::plain(StatusCode::SERVICE_UNAVAILABLE, text));
        }
        if let Some(reply) = self.of_the_log(&request, connection).await {
            return reply;
        }
        if request.method() == Method::POST && request.uri().path() == WITNESS_PATH {
            if let Some((status, fault)) = refused {
                return reply::plain(status, &fault.text);
            }
            let Some(_place) = self.calls.place(connection.address()).await else {
                return reply::overloaded();
            };
            let (now, body) = (self.clock.now(), request.into_body());
            return Box::pin(tiles::witness(&self.services, body, now)).await;
        }
        match known.and_then(Known::caller) {
            Ok(caller) => {
                let known = refused.map_or(Ok(caller), Err);
                self.for_caller(request, connection, known).await
            }
            Err(stranger) => {
                self.strangers.count(stranger.word());
                self.for_caller(request, connection, Err(stranger.refusal())).await
            }
        }
    }

    /// What is published of the log.
    async fn of_the_log(
        &self,
        request: &Request<Incoming>,
        connection: &Connection,
    ) -> Option<Reply> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let path = request.uri().path().strip_prefix(TILES_PATH).filter(|_| reads)?;
        Some(match self.calls.place(connection.address()).await {
            Some(_place) => Box::pin(tiles::published(&self.services, path)).await,
            None => reply::overloaded(),
        })
    }

    /// Calls, files and documents: for who is known.
    async fn for_caller(
        &self,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
        known: Result<Caller, (StatusCode, Fault)>,
    ) -> Reply {
        match (request.method(), known) {
            (&Method::POST, known) => self.calls.answer(request, connection, known).await,
            (&Method::GET | &Method::HEAD, Err((status, fault))) => {
                reply::plain(status, &fault.text)
            }
            (&Method::GET | &Method::HEAD, Ok(caller)) => {
                if let Some(token) = request.uri().path().strip_prefix(FILES_PATH) {
                    return Box::pin(self.file(token, &request, connection, caller)).await;
                }
                match self.calls.place(connection.address()).await {
                    Some(_place) => document(&request, connection.scheme()),
                    None => reply::overloaded(),
                }
            }
            _ => {
                let (head, body) = request.into_parts();
                self.calls.drain(&head.headers, body, connection.address()).await;
                reply::method_not_allowed("GET, HEAD, POST")
            }
        }
    }

    /// A file of an order.
    async fn file(
        &self,
        token: &str,
        request: &Request<Incoming>,
        connection: &Arc<Connection>,
        caller: Caller,
    ) -> Reply {
        #[expect(clippy::disallowed_methods, reason = "measures how long the request takes")]
        let begun = Instant::now();
        let turn = self.files.wait(connection.address(), 1);
        let Ok(turn) = timeout(TURN_TIMEOUT, turn).await else {
            return reply::overloaded();
        };
        let line = RequestLine::of_file(caller.clone(), begun);
        let headers = request.headers();
        let wants_body = *request.method() == Method::GET;
        let now = self.clock.now();
        let asked = files::FileRequest { token, headers, wants_body, caller, now };
        files::fetch(&self.services, asked, connection, line, turn).await
    }

    /// A page for whoever watches, which tells nothing but how the server is.
    async fn watchers_page(&self, path: &str) -> Option<Reply> {
        match path {
            "/live" => Some(pages::live(&self.services.health)),
            "/ready" => Some(pages::ready(&self.services).await),
            "/ready/answer" => Some(pages::ready_to_answer(&self.services).await),
            _ => None,
        }
    }

    /// A page for those on the machine itself.
    async fn operators_page(&self, path: &str, connection: &Connection) -> Option<Reply> {
        if !["/status", "/metrics"].contains(&path) {
            return None;
        }
        let turn = self.pages.wait(connection.address(), 1);
        let Ok(_turn) = timeout(TURN_TIMEOUT, turn).await else {
            return Some(reply::overloaded());
        };
        Some(match path {
            "/status" => pages::status(&self.services, self.clock.now()).await,
            _ => pages::metrics(&self.services, &self.boundary(), self.clock.now()).await,
        })
    }
}

/// A WSDL or schema of the contract whose endpoint the path is.
fn document(request: &Request<Incoming>, scheme: &str) -> Reply {
    let uri = request.uri();
    let Some(interaction) = router::interaction(uri.path()) else {
        return reply::plain(StatusCode::NOT_FOUND, "finns inte");
    };
    let host = request.headers().get(HOST).and_then(|h| h.to_str().ok()).unwrap_or("localhost");
    let address = format!("{scheme}://{host}{}", uri.path());
    let query = uri.query().unwrap_or_default();
    match query.split_once('=').unwrap_or((query, "")) {
        (name, _) if name.eq_ignore_ascii_case("wsdl") => {
            reply::document(wsdl::wsdl(interaction, &address))
        }
        (name, file) if name.eq_ignore_ascii_case("xsd") => match wsdl::schema(file, &address) {
            Some(text) => reply::document(text),
            None => reply::plain(StatusCode::NOT_FOUND, "schemat finns inte"),
        },
        _ => reply::method_not_allowed("POST"),
    }
}
