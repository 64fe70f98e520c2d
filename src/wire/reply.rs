//! HTTP replies: messages, faults, pages.

use super::request_line::RequestLine;
use crate::contracts::answer::{Body, Piece};
use crate::procedures::failure::StoreError;
use crate::soap::fault::Fault;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use std::io;
use std::pin::Pin;

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

fn full(text: String) -> ReplyBody {
    Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync()
}

/// An answer, whole or in pieces; the request's line is written when all of it has been handed over.
pub fn answer(body: Body, line: RequestLine) -> Reply {
    let body = match body {
        Body::Whole(text) => {
            line.write();
            full(text)
        }
        Body::Pieces(pieces) => streamed(pieces, line),
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

/// The method is not one that the path has.
pub fn method_not_allowed(allowed: &'static str) -> Reply {
    let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "metoden stöds inte här");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}
