//! HTTP replies: messages, faults, pages.

use super::connection::Connection;
use super::request_line::RequestLine;
use crate::contracts::answer::{Body, Piece};
use crate::fairness::shares::HeldShare;
use crate::procedures::failure::StoreError;
use crate::soap::fault::Fault;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The body of any reply.
pub type ReplyBody = UnsyncBoxBody<Bytes, io::Error>;
/// Any reply.
pub type Reply = Response<ReplyBody>;

const XML: HeaderValue = HeaderValue::from_static("text/xml; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

fn reply(status: StatusCode, content_type: HeaderValue, body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, content_type);
    reply
}

fn full(text: impl Into<Bytes>) -> ReplyBody {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Bytes of an answer, with what they hold until they have been sent.
struct Counted {
    text: String,
    _held: HeldShare,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// An answer, whole or in pieces; the request's line is written when all of it has been handed over.
/// A large one holds `waiting` as long as it is in memory.
pub fn answer(body: Body, line: RequestLine, waiting: Option<HeldShare>) -> Reply {
    let body = match (body, waiting) {
        (Body::Whole(text), None) => {
            line.write();
            full(text)
        }
        (Body::Whole(text), Some(held)) => {
            line.write();
            let bytes = Bytes::from_owner(Counted { text, _held: held });
            Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
        }
        (Body::Pieces(pieces), _) => streamed(pieces, line),
    };
    reply(StatusCode::OK, XML, body)
}

/// Pieces as they come. A failure breaks the connection off, so that nobody takes half an answer
/// for a whole one.
fn streamed(
    pieces: Pin<Box<dyn Stream<Item = Result<Piece, StoreError>> + Send>>,
    line: RequestLine,
) -> ReplyBody {
    let sent = stream::unfold(Some((pieces, line)), |state| async {
        let (mut pieces, mut line) = state?;
        match pieces.next().await {
            Some(Ok(piece)) => {
                line.rows += piece.rows;
                Some((Ok(Frame::data(Bytes::from(piece.text))), Some((pieces, line))))
            }
            Some(Err(error)) => {
                line.broken_off(&error);
                Some((Err(io::Error::other("broken off")), None))
            }
            None => {
                line.write();
                None
            }
        }
    });
    StreamBody::new(sent).boxed_unsync()
}

/// A fault. The status is 500, which routers pass on with its body; an oversized or unreadable
/// request has the status that HTTP has for it.
pub fn fault(status: StatusCode, fault: &Fault, log_id: &str) -> Reply {
    reply(status, XML, full(fault.to_message(log_id)))
}

/// A document of the contract's.
pub fn document(text: String) -> Reply {
    reply(StatusCode::OK, XML, full(text))
}

/// Plain text.
pub fn plain(status: StatusCode, text: &str) -> Reply {
    reply(status, PLAIN, full(format!("{text}\n")))
}

/// A value as JSON.
pub fn json(value: &serde_json::Value) -> Reply {
    reply(StatusCode::OK, JSON, full(format!("{value}\n")))
}

/// There is no place for this now.
pub fn overloaded() -> Reply {
    plain(StatusCode::SERVICE_UNAVAILABLE, "tjänsten är överbelastad; försök igen senare")
}

/// The method is not one that the path has.
pub fn method_not_allowed(allowed: &'static str) -> Reply {
    let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "metoden stöds inte här");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}

/// A body of bytes.
pub fn whole(bytes: Vec<u8>) -> ReplyBody {
    full(bytes)
}

/// A body of no bytes.
pub fn nothing() -> ReplyBody {
    full(String::new())
}

/// The connection ends with this reply.
pub fn closing(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// A reply that tells its connection when all of it has been handed over.
pub fn told_when_done(reply: Reply, connection: &Arc<Connection>) -> Response<ToldBody> {
    reply.map(|body| ToldBody { body, connection: Arc::clone(connection) })
}

/// The body of a reply that tells its connection when all of it has been handed over.
pub struct ToldBody {
    body: ReplyBody,
    connection: Arc<Connection>,
}

impl HttpBody for ToldBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ToldBody {
    fn drop(&mut self) {
        self.connection.handed_over();
    }
}
