//! `GetBlocks` 4.0: the active blocks of a patient, of care providers, or of the whole service.
//!
//! The answer has no row limit, so it is streamed: what has been read is sent, and no more
//! than a few pieces are held at a time.

use super::convert;
use crate::contracts::answer::{Answer, Body, Piece};
use crate::contracts::context::Context;
use crate::contracts::convert::{hsa_id, instant, patient, wire_time};
use crate::contracts::generated::blocking::v4::{GetBlocks, GetBlocksResponse, ResultType};
use crate::contracts::place::Place;
use crate::contracts::result::blocking_result;
use crate::domain::block::Block;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp, whole_second};
use crate::soap::envelope;
use crate::soap::xml::Writer;
use crate::store::blocks::{BlockSink, Selection};
use crate::store::{ChangeDomain, StoreError};
use chrono::DateTime;
use tokio::sync::mpsc;

/// An answer up to this size is sent whole; a larger one in pieces of this size.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that may wait for a slow receiver.
const PIECES_WAITING_MAX: usize = 2;

/// Answers with the blocks, the cursor for the next call, and the latest removal.
///
/// # Errors
/// The store's, as long as nothing has been sent.
pub async fn get_blocks(
    context: &Context<'_>,
    request: GetBlocks<'_>,
) -> Result<Answer, StoreError> {
    let store = &context.services.store;
    let (selection, wrong) = selection(&request);
    if let Some(rejection) = wrong {
        let latest = store.latest_removal(context.tenant.id, &selection).await?;
        let next = selection.changed_since.unwrap_or(context.now);
        return Ok(refused(&rejection, next, latest));
    }
    // The cursor comes first: whatever is not in the snapshot read below is stored after it.
    let next = store.cursor(context.tenant.id, ChangeDomain::Blocking, context.now).await?;
    let latest = store.latest_removal(context.tenant.id, &selection).await?;
    let (pieces, mut rest) = mpsc::channel(PIECES_WAITING_MAX);
    let mut sink = Pieces { out: begun(&blocking_result(Ok(()))), receiver: pieces, rows: 0 };
    let (store, tenant, now) = (store.clone(), context.tenant.id, context.now);
    tokio::spawn(async move {
        let outcome = store.read_blocks(tenant, &selection, now, &mut sink).await;
        sink.end(outcome, next, latest).await;
    });
    match rest.recv().await.ok_or(StoreError::Stopped)? {
        Piece::More(first) => {
            Ok(Answer { code: "OK", rows: 0, body: Body::Pieces { first, rest } })
        }
        Piece::Last { text, rows } => Ok(Answer { code: "OK", rows, body: Body::Whole(text) }),
        Piece::Failed(error) => Err(error),
    }
}

struct Pieces {
    out: Writer,
    receiver: mpsc::Sender<Piece>,
    rows: usize,
}

impl BlockSink for Pieces {
    async fn take(&mut self, block: Block) -> bool {
        self.rows += 1;
        self.out.raw("<c:blocks>");
        convert::basic(&block).write(&mut self.out);
        self.out.raw("</c:blocks>");
        self.out.len() < PIECE_BYTES
            || self.receiver.send(Piece::More(self.out.take())).await.is_ok()
    }
}

impl Pieces {
    async fn end(
        mut self,
        outcome: Result<(), StoreError>,
        next: Timestamp,
        latest: Option<Timestamp>,
    ) {
        let last = match outcome {
            Ok(()) => {
                finish(&mut self.out, next, latest);
                Piece::Last { text: self.out.take(), rows: self.rows }
            }
            Err(error) => Piece::Failed(error),
        };
        // A receiver that has gone away needs no end.
        _ = self.receiver.send(last).await;
    }
}

/// The request, as far as it could be read, and what is wrong with it. The cursor is read
/// whatever else is wrong: it must be echoed, or the consumer would lose its place.
fn selection(request: &GetBlocks<'_>) -> (Selection, Option<Rejection>) {
    let root = Place::root("GetBlocks");
    let mut wrong =
        request.violations.first().map(|v| root.under(&Rejection::validation(v.to_string())));
    let mut keep = |rejection| {
        wrong.get_or_insert(rejection);
    };
    let mut selection = Selection::default();
    if let Some(id) = &request.patient_id {
        match patient(root.child("patientId"), &id.root, id.extension.as_ref()) {
            Ok(patient) => selection.patient = Some(patient),
            Err(rejection) => keep(rejection),
        }
    }
    for (index, id) in request.care_provider_ids.iter().enumerate() {
        match hsa_id(root.item("careProviderIds", index + 1), id) {
            Ok(id) => selection.care_providers.push(id),
            Err(rejection) => keep(rejection),
        }
    }
    selection.changed_since = request.created_on_or_after.map(|at| instant(at, Ambiguous::Earlier));
    (selection, wrong)
}

fn begun(result: &ResultType<'_>) -> Writer {
    let mut out = Writer::with_capacity(2 * 1024);
    out.raw(envelope::OPEN);
    out.raw(GetBlocksResponse::OPEN);
    out.raw("<r:blockHeader><c:result>");
    result.write(&mut out);
    out.raw("</c:result>");
    out
}

fn finish(out: &mut Writer, next: Timestamp, latest: Option<Timestamp>) {
    let (next, latest) = (whole_second(next), latest.unwrap_or(DateTime::UNIX_EPOCH));
    let epoch = DateTime::UNIX_EPOCH;
    // There being none is told by the epoch, which is a local time like every other.
    let latest = if latest == epoch {
        crate::soap::xml::DateTime::local(epoch.naive_utc())
    } else {
        wire_time(latest)
    };
    out.date_time("<c:nextCreatedOnOrAfter>", &wire_time(next), false, "</c:nextCreatedOnOrAfter>");
    out.date_time("<c:latestCancellation>", &latest, false, "</c:latestCancellation>");
    out.raw("</r:blockHeader>");
    out.raw(GetBlocksResponse::CLOSE);
    out.raw(envelope::CLOSE);
}

fn refused(rejection: &Rejection, next: Timestamp, latest: Option<Timestamp>) -> Answer {
    let result = blocking_result(Err(rejection));
    let mut out = begun(&result);
    finish(&mut out, next, latest);
    Answer { code: result.result_code.as_str(), rows: 0, body: Body::Whole(out.take()) }
}
