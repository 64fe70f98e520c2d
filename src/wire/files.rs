//! The download of ordered files: `GET /log/files/…`, whole or the rest of one.
//!
//! A file can be fetched once. It counts as fetched when all its bytes have been sent, in one transfer or in
//! several of which each goes on where those before it had come to.

use super::connection::Connection;
use super::reply::{self, Reply};
use super::request_line::RequestLine;
use crate::domain::time::Timestamp;
use crate::domain::trust::caller::Caller;
use crate::fairness::shares::HeldShare;
use crate::procedures::context::Services;
use crate::procedures::orders::{self, AddressedFile};
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE,
};
use hyper::{Response, StatusCode};
use std::io::SeekFrom;
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use uuid::Uuid;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;
const ZIP: HeaderValue = HeaderValue::from_static("application/zip");

/// What a request for a file asks.
pub struct FileRequest<'r> {
    /// What stands behind `/log/files/`.
    pub token: &'r str,
    /// Its headers.
    pub headers: &'r HeaderMap,
    /// It asks for the file itself, not only how it is.
    pub wants_body: bool,
    /// Who asks, and when.
    pub caller: Caller,
    /// The same.
    pub now: Timestamp,
}

/// Answers a request for a file; `place` is held until it has been sent.
pub async fn fetch(
    services: &Arc<Services>,
    request: FileRequest<'_>,
    connection: &Arc<Connection>,
    mut line: RequestLine,
    place: HeldShare,
) -> Reply {
    let found = match Uuid::try_parse(request.token) {
        Ok(token) => orders::addressed(services, &request.caller, token, request.now).await,
        Err(_) => Ok(None),
    };
    let file = match found {
        Ok(Some(file)) if file.gone => {
            return told(line, StatusCode::GONE, "filen är hämtad, eller dess tid är ute");
        }
        Ok(Some(file)) => file,
        Ok(None) => return told(line, StatusCode::NOT_FOUND, "filen finns inte"),
        Err(error) => return failed(line, &error),
    };
    let etag = HeaderValue::from_str(&format!("\"{}\"", file.file_id)).ok();
    let part = match request.wants_body {
        true => range(request.headers, etag.as_ref(), file.bytes),
        false => Some((0, file.bytes)),
    };
    let Some((from, to)) = part else {
        let mut reply = told(line, StatusCode::RANGE_NOT_SATISFIABLE, "filen är inte så lång");
        set(&mut reply, CONTENT_RANGE, &format!("bytes */{}", file.bytes));
        return reply;
    };
    let is_part = (from, to) != (0, file.bytes);
    let status = if is_part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    line.status = status.as_u16();
    let body = match request.wants_body {
        true => read(services, &file, from).await.map(Some),
        false => Ok(None),
    };
    let body = match body {
        Ok(Some(content)) => {
            let (services, connection) = (Arc::clone(services), Arc::clone(connection));
            let sending =
                FileOnItsWay { services, connection, file: file.clone(), from, handed: from };
            sent(content, sending, to, line, place)
        }
        Ok(None) => {
            line.write();
            reply::nothing()
        }
        Err(error) => return failed(line, &error),
    };
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    if is_part {
        set(&mut reply, CONTENT_RANGE, &format!("bytes {from}-{}/{}", to - 1, file.bytes));
    }
    set(&mut reply, CONTENT_LENGTH, &(to - from).to_string());
    let name = format!("attachment; filename=\"{}-{}.zip\"", file.order_id, file.ordinal);
    set(&mut reply, CONTENT_DISPOSITION, &name);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, ZIP);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(etag.map(|etag| (ETAG, etag)));
    reply
}

fn set(reply: &mut Reply, name: hyper::header::HeaderName, value: &str) {
    // Numbers and ids of ours are header values.
    reply.headers_mut().extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
}

fn told(mut line: RequestLine, status: StatusCode, text: &str) -> Reply {
    line.status = status.as_u16();
    line.result = "no file";
    line.write();
    reply::plain(status, text)
}

fn failed(mut line: RequestLine, error: &dyn std::error::Error) -> Reply {
    let log_id = Uuid::new_v4().to_string();
    tracing::error!(log_id, %error, "file not sent");
    line.status = StatusCode::INTERNAL_SERVER_ERROR.as_u16();
    line.result = "Server";
    line.log_id = Some(log_id.clone());
    line.write();
    let text = format!("filen kunde inte läsas; försök igen senare (logId {log_id})");
    reply::plain(StatusCode::INTERNAL_SERVER_ERROR, &text)
}

async fn read(services: &Services, file: &AddressedFile, from: i64) -> std::io::Result<File> {
    let mut content = File::from_std(orders::open(services, file).await?);
    content.seek(SeekFrom::Start(u64::try_from(from).unwrap_or_default())).await?;
    Ok(content)
}

/// The bytes that are asked for, from and to (exclusive); all where nothing is said of it, or what is
/// said is of several parts or of another file. `None`: there are no such.
fn range(headers: &HeaderMap, etag: Option<&HeaderValue>, bytes: i64) -> Option<(i64, i64)> {
    let all = Some((0, bytes));
    if headers.get(IF_RANGE).is_some_and(|wanted| Some(wanted) != etag) {
        return all;
    }
    let said = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let Some(("bytes", part)) = said.and_then(|range| range.trim().split_once('=')) else {
        return all;
    };
    let Some((first, last)) = part.split_once('-') else { return all };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| text.parse::<i64>().ok().filter(|_| !text.starts_with('+'));
    let (from, to) = match (first.is_empty(), last.is_empty()) {
        (true, true) => return all,
        (true, false) => match number(last) {
            Some(0) => return None,
            Some(count) if count > 0 => ((bytes - count).max(0), bytes),
            _ => return all,
        },
        (false, true) => match number(first) {
            Some(first) => (first, bytes),
            None => return all,
        },
        (false, false) => match number(first).zip(number(last)) {
            Some((first, last)) if first <= last => (first, last.saturating_add(1).min(bytes)),
            _ => return all,
        },
    };
    (from < bytes).then_some((from, to))
}

/// A file that is being sent. What has become of it is kept when it is dropped.
struct FileOnItsWay {
    services: Arc<Services>,
    connection: Arc<Connection>,
    file: AddressedFile,
    from: i64,
    /// Up to where it has been handed over.
    handed: i64,
}

impl Drop for FileOnItsWay {
    fn drop(&mut self) {
        if self.handed == self.from {
            return;
        }
        let (services, file) = (Arc::clone(&self.services), self.file.clone());
        let (from, handed) = (self.from, self.handed);
        let arrived = self.connection.when_arrived();
        let all_on_its_way =
            (handed == file.bytes).then(|| services.orders.on_their_way.begin(file.file_id));
        tokio::spawn(async move {
            // What has been handed over may still wait here, or be lost on its way.
            let is_whole = handed == file.bytes && arrived.await.is_ok();
            let to = if is_whole { handed } else { handed.min(file.bytes - 1) };
            if let Err(error) = orders::sent(&services, &file, (from, to)).await {
                tracing::error!(%error, "a file that was sent is kept");
            }
            drop(all_on_its_way);
        });
    }
}

fn sent(
    content: File,
    sending: FileOnItsWay,
    to: i64,
    line: RequestLine,
    place: HeldShare,
) -> reply::ReplyBody {
    let pieces = stream::unfold(Some((content, sending, line, place)), move |state| async move {
        let (mut content, mut sending, line, place) = state?;
        let left = usize::try_from(to - sending.handed).unwrap_or_default();
        let mut piece = vec![0; left.min(PIECE_BYTES)];
        match content.read(&mut piece).await {
            Ok(0) => Some((Err(std::io::ErrorKind::UnexpectedEof.into()), None)),
            Ok(count) => {
                piece.truncate(count);
                sending.handed += i64::try_from(count).unwrap_or_default();
                let frame = Ok(Frame::data(Bytes::from(piece)));
                if sending.handed < to {
                    return Some((frame, Some((content, sending, line, place))));
                }
                // Nobody asks for what comes after the last byte.
                line.write();
                Some((frame, None))
            }
            Err(error) => Some((Err(error), None)),
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_served_and_what_is_no_range_is_the_whole() {
        let of = |said: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, said.parse().unwrap());
            range(&headers, None, 100)
        };
        assert_eq!(of("bytes=0-0"), Some((0, 1)));
        assert_eq!(of("bytes=10-"), Some((10, 100)));
        assert_eq!(of("bytes=90-1000"), Some((90, 100)));
        assert_eq!(of("bytes=-1"), Some((99, 100)));
        assert_eq!(of("bytes=-1000"), Some((0, 100)));
        assert_eq!((of("bytes=100-"), of("bytes=-0")), (None, None));
        for whole in
            ["bytes=5-2", "bytes=1-2,4-5", "bytes=x-", "items=1-2", "bytes=-", "bytes=+1-2"]
        {
            assert_eq!(of(whole), Some((0, 100)), "{whole}");
        }
    }

    #[test]
    fn a_range_of_another_file_is_the_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "bytes=10-".parse().unwrap());
        let (own, other) = (HeaderValue::from_static("\"a\""), HeaderValue::from_static("\"b\""));
        headers.insert(IF_RANGE, own.clone());
        assert_eq!(range(&headers, Some(&own), 100), Some((10, 100)));
        assert_eq!(range(&headers, Some(&other), 100), Some((0, 100)));
    }
}
