//! One HTTP request: its limits, its message, its log line.

use super::reply::{self, Reply};
use super::request_line::RequestLine;
use super::{caller, pages, router, wsdl};
use crate::clock::Clock;
use crate::config::limits::Limits;
use crate::dispatch::{self, Dispatched, Message};
use crate::procedures::context::Services;
use crate::soap::fault::Fault;
use crate::soap::xml::Charset;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, Request, StatusCode};
use std::net::IpAddr;
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

const CORRELATION_ID: &str = "x-skltp-correlation-id";

/// What every request is answered with.
pub struct Endpoint {
    services: Services,
    limits: Limits,
    clock: Clock,
    /// One permit for each request under way.
    under_way: Semaphore,
}

impl Endpoint {
    /// An endpoint with its limits.
    pub fn new(services: Services, limits: Limits, clock: Clock) -> Self {
        let under_way = Semaphore::new(limits.requests_max);
        Self { services, limits, clock, under_way }
    }

    /// Answers one request.
    pub async fn serve(&self, request: Request<Incoming>, peer: IpAddr) -> Reply {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/live") => reply::plain(StatusCode::OK, "live"),
            (&Method::GET | &Method::HEAD, "/ready") => self.ready().await,
            // Pages for whoever watches, on the machine itself.
            (&Method::GET | &Method::HEAD, "/status") if peer.is_loopback() => {
                pages::status(&self.services, self.clock.now()).await
            }
            (&Method::GET | &Method::HEAD, "/metrics") if peer.is_loopback() => {
                pages::metrics(&self.services, self.clock.now()).await
            }
            (&Method::GET | &Method::HEAD, _) => document(&request),
            (&Method::POST, _) => self.call(request, peer).await,
            _ => reply::method_not_allowed("GET, HEAD, POST"),
        }
    }

    async fn ready(&self) -> Reply {
        match self.services.store.is_ready().await {
            true => reply::plain(StatusCode::OK, "ready"),
            false => reply::plain(StatusCode::SERVICE_UNAVAILABLE, "not ready"),
        }
    }

    async fn call(&self, request: Request<Incoming>, peer: IpAddr) -> Reply {
        #[expect(clippy::disallowed_methods, reason = "measures how long the call takes")]
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        let caller = caller::of_request(&head.headers, peer);
        let known = (caller.clone(), peer.is_loopback());
        let (status, dispatched) = self.answer(&head.headers, body, known).await;
        let log_id = dispatched.answer.is_err().then(|| Uuid::new_v4().to_string());
        if let Some(cause) = &dispatched.cause {
            tracing::error!(log_id, %cause, "call failed");
        }
        let (result, rows) = match &dispatched.answer {
            Ok(answer) => (answer.code, answer.rows),
            Err(fault) => (fault.code.name(), 0),
        };
        let correlation_id = head.headers.get(CORRELATION_ID).and_then(|v| v.to_str().ok());
        let line = RequestLine {
            interaction: dispatched.interaction.map_or("-", |i| i.name()),
            caller,
            logical_address: dispatched.logical_address,
            result,
            rows,
            status: status.as_u16(),
            begun,
            correlation_id: correlation_id.map(str::to_owned),
            log_id: log_id.clone(),
            written: false,
        };
        match dispatched.answer {
            Ok(answer) => reply::answer(answer.body, line),
            Err(fault) => {
                line.write();
                reply::fault(status, &fault, &log_id.unwrap_or_default())
            }
        }
    }

    async fn answer(
        &self,
        headers: &HeaderMap,
        body: Incoming,
        (caller, on_this_machine): (Option<String>, bool),
    ) -> (StatusCode, Dispatched) {
        let refused = |status, fault| (status, Dispatched::refused(fault));
        let Ok(_permit) = self.under_way.try_acquire() else {
            let fault = Fault::server("tjänsten är överbelastad; försök igen senare");
            return refused(StatusCode::INTERNAL_SERVER_ERROR, fault);
        };
        let Some(charset) = charset(headers) else {
            let fault = Fault::client("Content-Type måste vara text/xml med UTF-8 eller UTF-16");
            return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, fault);
        };
        let body = match self.read(body).await {
            Ok(body) => body,
            Err((status, fault)) => return refused(status, fault),
        };
        let now = self.clock.now();
        let message = Message { body: &body, charset, caller, on_this_machine, now };
        let answer = dispatch::dispatch(&self.services, message);
        let Ok(dispatched) = timeout(self.limits.answer_timeout(), answer).await else {
            tracing::error!("call took too long");
            let fault = Fault::server("tjänsten hann inte svara; försök igen senare");
            return refused(StatusCode::INTERNAL_SERVER_ERROR, fault);
        };
        let status = match dispatched.answer {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, dispatched)
    }

    /// The whole body, within its limits of size and time.
    async fn read(&self, body: Incoming) -> Result<Bytes, (StatusCode, Fault)> {
        let max = self.limits.body_bytes_max;
        let too_large = || {
            let text = format!("meddelandet är större än {max} byte");
            (StatusCode::PAYLOAD_TOO_LARGE, Fault::client(text))
        };
        let announced = hyper::body::Body::size_hint(&body).lower();
        if announced > max as u64 {
            return Err(too_large());
        }
        match timeout(self.limits.body_timeout(), Limited::new(body, max).collect()).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => {
                Err((StatusCode::BAD_REQUEST, Fault::client("meddelandet kom inte fram helt")))
            }
            Err(_) => {
                Err((StatusCode::REQUEST_TIMEOUT, Fault::client("meddelandet kom inte fram i tid")))
            }
        }
    }
}

/// A WSDL or schema of the contract whose endpoint the path is.
fn document(request: &Request<Incoming>) -> Reply {
    let uri = request.uri();
    let Some(interaction) = router::interaction(uri.path()) else {
        return reply::plain(StatusCode::NOT_FOUND, "finns inte");
    };
    let host = request.headers().get(HOST).and_then(|h| h.to_str().ok()).unwrap_or("localhost");
    let address = format!("http://{host}{}", uri.path());
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

/// The encoding of the message, or `None` when it is of another kind than SOAP 1.1.
fn charset(headers: &HeaderMap) -> Option<Charset> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Some(Charset::Unstated) };
    let mut parts = value.to_str().ok()?.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("text/xml") {
        return None;
    }
    let mut parameters = parts.filter_map(|p| p.split_once('='));
    let Some((_, name)) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
    else {
        return Some(Charset::Unstated);
    };
    match name.trim().trim_matches('"').to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" => Some(Charset::Utf8),
        "utf-16" | "utf-16be" => Some(Charset::Utf16),
        "utf-16le" => Some(Charset::Utf16Le),
        _ => None,
    }
}
