//! HTTP replies: messages, faults, pages.

use crate::contracts::answer::{Body, Piece};
use crate::soap::fault::Fault;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use std::io;
use tokio::sync::mpsc;

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

/// An answer, whole or in pieces.
pub fn answer(body: Body) -> Reply {
    let body = match body {
        Body::Whole(text) => full(text),
        Body::Pieces { first, rest } => pieces(first, rest),
    };
    reply(StatusCode::OK, XML, body)
}

enum Sending {
    First(String, mpsc::Receiver<Piece>),
    Rest(mpsc::Receiver<Piece>),
    Done,
}

/// Sends pieces until the last; a failure breaks the connection off, so that nobody takes
/// half an answer for a whole one.
fn pieces(first: String, rest: mpsc::Receiver<Piece>) -> ReplyBody {
    let stream = stream::unfold(Sending::First(first, rest), |state| async {
        let (piece, next) = match state {
            Sending::First(text, rest) => (Ok(text), Sending::Rest(rest)),
            Sending::Rest(mut rest) => match rest.recv().await {
                Some(Piece::More(text)) => (Ok(text), Sending::Rest(rest)),
                Some(Piece::Last { text, rows }) => {
                    tracing::debug!(rows, "streamed answer complete");
                    (Ok(text), Sending::Done)
                }
                Some(Piece::Failed(error)) => {
                    tracing::error!(%error, "answer broken off");
                    (Err(io::Error::other("broken off")), Sending::Done)
                }
                None => (Err(io::Error::other("broken off")), Sending::Done),
            },
            Sending::Done => return None,
        };
        Some((piece.map(|text| Frame::data(Bytes::from(text))), next))
    });
    StreamBody::new(stream).boxed_unsync()
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
