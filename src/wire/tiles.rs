//! The published log under `/log/tiles/`, and the witness of others' logs under `/log/witness/`.

use super::reply::{self, Reply};
use crate::domain::time::Timestamp;
use crate::procedures::context::Services;
use crate::procedures::failure::StoreError;
use crate::procedures::seal::published::{self, TileAddress};
use crate::procedures::seal::witness::WitnessAnswer;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// Under which path the log is published.
pub const TILES_PATH: &str = "/log/tiles/";
/// Where checkpoints are brought to be witnessed.
pub const WITNESS_PATH: &str = "/log/witness/add-checkpoint";
/// A checkpoint to be witnessed is never longer.
const BODY_BYTES_MAX: usize = 64 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
const SIZE: HeaderValue = HeaderValue::from_static("text/x.tlog.size");
/// Tiles never change; the checkpoint does all the time.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NEVER: HeaderValue = HeaderValue::from_static("no-store");

/// Answers what is asked of the published log.
pub async fn published(services: &Services, path: &str) -> Reply {
    let Some(publishing) = &services.publishing else { return missing() };
    let store = &services.store;
    let found = match path.strip_prefix("tile/").map(TileAddress::of_path) {
        Some(Some(address)) => published::tile(store, publishing, address)
            .await
            .map(|tile| tile.map(|tile| (tile, BYTES, FOR_EVER))),
        None if path == "checkpoint" => published::checkpoint(store, publishing)
            .await
            .map(|found| found.map(|found| (found.to_text().into_bytes(), TEXT, NEVER))),
        Some(None) | None => Ok(None),
    };
    match found {
        Ok(Some((bytes, kind, kept))) => {
            let mut reply = Response::new(reply::whole(bytes));
            reply.headers_mut().insert(CONTENT_TYPE, kind);
            reply.headers_mut().insert(CACHE_CONTROL, kept);
            reply
        }
        Ok(None) => missing(),
        Err(error) => failed(&error),
    }
}

/// Answers a checkpoint that is to be witnessed.
pub async fn witness(services: &Services, body: Incoming, now: Timestamp) -> Reply {
    let Some(witness) = &services.witness else { return missing() };
    let read = timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    let Ok(Ok(read)) = read else {
        return reply::closing(reply::plain(
            StatusCode::BAD_REQUEST,
            "more than 64 KiB, or not sent in time",
        ));
    };
    let bytes = read.to_bytes();
    let Ok(text) = str::from_utf8(&bytes) else {
        return reply::plain(StatusCode::BAD_REQUEST, "not UTF-8");
    };
    match witness.add_checkpoint(&services.store, text, now).await {
        Ok(WitnessAnswer::Signed(lines)) => reply::plain(StatusCode::OK, lines.trim_end()),
        Ok(WitnessAnswer::Malformed(why)) => reply::plain(StatusCode::BAD_REQUEST, why),
        Ok(WitnessAnswer::NotSigned) => {
            reply::plain(StatusCode::FORBIDDEN, "not signed by a key of the log that is known here")
        }
        Ok(WitnessAnswer::UnknownLog) => {
            reply::plain(StatusCode::NOT_FOUND, "the log is not known here")
        }
        Ok(WitnessAnswer::Conflict(size)) => {
            let mut reply = reply::plain(StatusCode::CONFLICT, &size.to_string());
            reply.headers_mut().insert(CONTENT_TYPE, SIZE);
            reply
        }
        Ok(WitnessAnswer::NotConsistent) => {
            let text = "the proof does not show that the log goes on where it had ended";
            reply::plain(StatusCode::UNPROCESSABLE_ENTITY, text)
        }
        Err(error) => failed(&error),
    }
}

fn missing() -> Reply {
    reply::plain(StatusCode::NOT_FOUND, "finns inte")
}

fn failed(error: &StoreError) -> Reply {
    let log_id = Uuid::new_v4().to_string();
    tracing::error!(log_id, %error, "the published log is not answered");
    let text = format!("försök igen senare (logId {log_id})");
    reply::plain(StatusCode::INTERNAL_SERVER_ERROR, &text)
}
