//! One call: its limits, its message, its log line.

use super::body::{Bodies, Received, Refused, overloaded};
use super::connection::Connection;
use super::reply::{self, Reply};
use super::request_line::RequestLine;
use crate::clock::Clock;
use crate::config::http::{Http, MissingContentType};
use crate::config::limits::Limits;
use crate::contracts::answer::Body;
use crate::dispatch::{self, Dispatched, Message};
use crate::domain::trust::caller::Caller;
use crate::fairness::address::Address;
use crate::fairness::shares::{HeldShare, Shares};
use crate::fairness::threads::Side;
use crate::procedures::context::Services;
use crate::procedures::processors::CallSize;
use crate::soap::fault::Fault;
use crate::soap::xml::Charset;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, EXPECT, HOST, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use uuid::Uuid;

const CORRELATION_ID: &str = "x-skltp-correlation-id";
/// Reading and answering a body of this size takes a fraction of a millisecond, which is as long as
/// one may keep others waiting.
const SMALL_BODY_BYTES: usize = 24 * 1024;
/// And one of this size some milliseconds: on a thread of its own, like larger ones.
const MEDIUM_BODY_BYTES: usize = 256 * 1024;
/// An answer of this size is as good as a piece of one; larger ones count while they wait.
const LARGE_ANSWER_BYTES: usize = 64 * 1024;
/// How long a call waits for its turn and its place.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer waits for others' to be sent: what it holds is memory.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// What calls are answered with.
pub struct Calls {
    services: Services,
    clock: Clock,
    missing_content_type: MissingContentType,
    /// Under which callers reach us, where that is not the name that they call.
    base_address: Option<String>,
    answer_timeout: Duration,
    bodies: Bodies,
    /// Calls under way whose body has come.
    under_way: Arc<Shares>,
    /// Calls with large bodies among them, which have threads of their own.
    large: Arc<Shares>,
    /// Bytes of large answers that wait for their receivers.
    answers: Arc<Shares>,
    /// Where medium calls are answered, and where large ones.
    medium_side: Side,
    large_side: Side,
}

/// A call whose message has come, with what it holds meanwhile.
struct Begun {
    received: Received,
    charset: Charset,
    caller: Caller,
    base_address: String,
    size: CallSize,
    _held: (HeldShare, Option<HeldShare>),
}

/// What goes back, for which it may hold a part of the bytes of large answers.
struct Answered {
    status: StatusCode,
    dispatched: Dispatched,
    waiting: Option<HeldShare>,
}

impl Answered {
    fn refused((status, fault): (StatusCode, Fault)) -> Self {
        Self { status, dispatched: Dispatched::refused(fault), waiting: None }
    }
}

impl Calls {
    /// As configured.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn new(
        services: Services,
        limits: &Limits,
        http: &Http,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let percentages = limits.percentages();
        Ok(Self {
            services,
            clock,
            missing_content_type: http.missing_content_type,
            base_address: http.base_address.clone(),
            answer_timeout: limits.answer_timeout(),
            bodies: Bodies::of(limits, percentages.clone()),
            under_way: Shares::new(limits.requests_max, percentages.clone()),
            large: Shares::new(limits.large_calls_max, percentages.clone()),
            answers: Shares::new(limits.answers_bytes_max, percentages),
            medium_side: Side::new("medium", CallSize::Medium.threads())?,
            large_side: Side::new("large", CallSize::Large.threads())?,
        })
    }

    /// Answers a call.
    pub async fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
        connection: &Arc<Connection>,
        known: Result<Caller, (StatusCode, Fault)>,
    ) -> Reply {
        #[expect(clippy::disallowed_methods, reason = "measures how long the call takes")]
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        let (caller, refused) = match known {
            Ok(caller) => (caller, None),
            Err(refused) => (Caller::default(), Some(refused)),
        };
        let charset = refused.map_or_else(|| self.charset(&head.headers), Err);
        let answered = match charset.and_then(|charset| self.bodies.admits(&body).map(|()| charset))
        {
            Ok(charset) => {
                let base_address = self.base_address(&head.headers, connection);
                let known = (caller.clone(), base_address);
                self.handle(charset, body, known, connection).await
            }
            Err(refused) => {
                self.drain(&head.headers, body, connection.address()).await;
                Answered::refused(refused)
            }
        };
        let Answered { status, dispatched, waiting } = answered;
        let log_id = dispatched.answer.is_err().then(|| Uuid::new_v4().to_string());
        if let Some(cause) = &dispatched.cause {
            tracing::error!(log_id, %cause, "call failed");
        }
        let (result, rows) = match &dispatched.answer {
            Ok(answer) => (answer.code, answer.rows),
            Err(fault) => (fault.code.name(), 0),
        };
        let correlation_id = correlation_id(&head.headers);
        let line = RequestLine {
            interaction: dispatched.interaction.map_or("-", |i| i.name()),
            caller,
            logical_address: dispatched.logical_address,
            result,
            rows,
            status: status.as_u16(),
            begun,
            correlation_id: Some(correlation_id.clone()),
            log_id: log_id.clone(),
            written: false,
        };
        let mut reply = match dispatched.answer {
            Ok(answer) => reply::answer(answer.body, line, waiting),
            Err(fault) => {
                line.write();
                reply::fault(status, &fault, &log_id.unwrap_or_default())
            }
        };
        if let Ok(value) = HeaderValue::try_from(correlation_id) {
            reply.headers_mut().insert(CORRELATION_ID, value);
        }
        reply
    }

    /// From the body to the answer.
    async fn handle(
        self: &Arc<Self>,
        charset: Charset,
        body: Incoming,
        (caller, base_address): (Caller, String),
        connection: &Arc<Connection>,
    ) -> Answered {
        let address = connection.address();
        let received = match self.bodies.read(body, connection).await {
            Ok(received) => received,
            Err(refused) => return Answered::refused(refused),
        };
        connection.works();
        let size = match received.bytes.len() {
            ..SMALL_BODY_BYTES => CallSize::Small,
            SMALL_BODY_BYTES..MEDIUM_BODY_BYTES => CallSize::Medium,
            MEDIUM_BODY_BYTES.. => CallSize::Large,
        };
        let turn = match size {
            CallSize::Small => None,
            CallSize::Medium | CallSize::Large => {
                match timeout(WAIT_TIMEOUT, self.large.wait(address, 1)).await {
                    Ok(turn) => Some(turn),
                    Err(_) => return Answered::refused(overloaded()),
                }
            }
        };
        let Some(place) = self.place(address).await else {
            return Answered::refused(overloaded());
        };
        let begun = Begun { received, charset, caller, base_address, size, _held: (place, turn) };
        let work = Box::pin(Arc::clone(self).work(begun, address));
        // Reading, judging and writing delay nobody there.
        let done = match size {
            CallSize::Small => return work.await,
            CallSize::Medium => self.medium_side.run(work).await,
            CallSize::Large => self.large_side.run(work).await,
        };
        done.unwrap_or_else(|| {
            // What a panic says may hold what the call said.
            tracing::error!("call broken off");
            Answered::refused(failed())
        })
    }

    /// A place among the calls under way, when it has one for this address.
    pub async fn place(&self, address: Address) -> Option<HeldShare> {
        timeout(WAIT_TIMEOUT, self.under_way.wait(address, 1)).await.ok()
    }

    /// Throws away what comes behind a head that is refused, unless its sender waits for our word.
    pub async fn drain(&self, headers: &HeaderMap, body: Incoming, from: Address) {
        if !headers.contains_key(EXPECT) {
            self.bodies.drain(body, from).await;
        }
    }

    async fn work(self: Arc<Self>, begun: Begun, address: Address) -> Answered {
        let Begun { received, charset, caller, base_address, size, _held } = begun;
        let now = self.clock.now();
        let answering = async {
            let body = &received.bytes;
            let message = Message { body, charset, caller, address, base_address, size, now };
            let dispatched = dispatch::dispatch(&self.services, message).await;
            let waiting = match &dispatched.answer {
                Ok(answer) => match &answer.body {
                    Body::Whole(text) if text.len() > LARGE_ANSWER_BYTES => {
                        let wait = self.answers.wait(address, text.len());
                        match timeout(ANSWER_TIMEOUT, wait).await {
                            Ok(held) => Some(held),
                            Err(_) => return Answered::refused(overloaded()),
                        }
                    }
                    Body::Whole(_) | Body::Pieces(_) => None,
                },
                Err(_) => None,
            };
            let status = match dispatched.answer {
                Ok(_) => StatusCode::OK,
                Err(_) if dispatched.is_forbidden => StatusCode::FORBIDDEN,
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            Answered { status, dispatched, waiting }
        };
        timeout(self.answer_timeout, answering).await.unwrap_or_else(|_| {
            tracing::error!("call took too long");
            Answered::refused(failed())
        })
    }

    /// The beginning of our addresses, as the caller knows us.
    fn base_address(&self, headers: &HeaderMap, connection: &Connection) -> String {
        if let Some(configured) = &self.base_address {
            return configured.clone();
        }
        let named = headers.get(HOST).and_then(|host| host.to_str().ok());
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
        let host = named.filter(|host| !host.is_empty() && host.chars().all(plain));
        format!("{}://{}", connection.scheme(), host.unwrap_or("localhost"))
    }

    /// The encoding of the message.
    ///
    /// # Errors
    /// That it is of another kind than SOAP 1.1.
    fn charset(&self, headers: &HeaderMap) -> Result<Charset, Refused> {
        let accepted = self.missing_content_type == MissingContentType::Accept;
        let charset = match headers.get(CONTENT_TYPE) {
            Some(value) => value.to_str().ok().and_then(charset),
            None => accepted.then_some(Charset::Unstated),
        };
        charset.ok_or_else(|| {
            let fault = Fault::client("Content-Type måste vara text/xml med UTF-8 eller UTF-16");
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, fault)
        })
    }
}

/// The id of the chain of calls, if it is one: 1 to 64 letters, digits, points, lines; otherwise a new one.
fn correlation_id(headers: &HeaderMap) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let mut named = headers.get_all(CORRELATION_ID).iter();
    let one = named.next().filter(|_| named.next().is_none()).and_then(|id| id.to_str().ok());
    let id = one.filter(|id| (1..=64).contains(&id.len()) && id.chars().all(is_plain));
    id.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// The encoding that a Content-Type names, if it is that of SOAP 1.1.
fn charset(content_type: &str) -> Option<Charset> {
    let mut parts = content_type.split(';').map(str::trim);
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

fn failed() -> (StatusCode, Fault) {
    let fault = Fault::server("tjänsten hann inte svara; försök igen senare");
    (StatusCode::INTERNAL_SERVER_ERROR, fault)
}
