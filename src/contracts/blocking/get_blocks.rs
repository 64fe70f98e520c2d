//! `GetBlocks` 4.0: the active blocks of a patient, of care providers, or of the whole service.
//!
//! The answer has no row limit, so it is streamed. A refused request is answered with its own
//! cursor, as far as that can be read: otherwise the consumer would lose its place.

use crate::contracts::answer::{Answer, EncodedRows};
use crate::contracts::contract::Contract;
use crate::domain::blocking::block::Block;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Timestamp, whole_second};
use crate::messages::blocking::block::wire_block;
use crate::messages::generated::blocking::v4::{
    BlockHeaderHead, BlockHeaderTail, GetBlocks, GetBlocksResponse,
};
use crate::messages::identity::{hsa_id, patient};
use crate::messages::place::Place;
use crate::messages::result::blocking_result;
use crate::messages::time::{lower_bound, wire_time};
use crate::procedures::blocking::query::{self, BlockReading, Selection};
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;
use crate::soap::xml::{DateTime, Rule};

/// Care providers of one question; Sweden has some thousands, and whoever follows them all names none.
const CARE_PROVIDERS_MAX: usize = 1_000;

impl Contract for GetBlocks<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let (selection, wrong) = selection(&self);
        if let Some(rejection) = wrong {
            let latest = query::latest_removal(context, &selection).await?;
            let next = selection.changed_since.unwrap_or(context.now);
            return Ok(refusal(&rejection, next, latest));
        }
        let BlockReading { next, latest_removal, blocks } =
            query::read_blocks(context, selection, encoded).await?;
        let head = BlockHeaderHead { result: blocking_result(Ok(())) };
        Answer::streamed(
            "OK",
            |out| GetBlocksResponse::write_head(&head, out),
            blocks,
            move |out| GetBlocksResponse::write_tail(&tail(next, latest_removal), out),
        )
        .await
    }

    fn refused(rejection: &Rejection, now: Timestamp) -> Option<Answer> {
        // What could be read of the request is answered above; here nothing was.
        Some(refusal(rejection, now, None))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "blocks are taken from where they were read")]
fn encoded(blocks: Vec<Block>) -> EncodedRows {
    EncodedRows::of(&blocks, |block, out| GetBlocksResponse::write_row(&wire_block(block), out))
}

/// The request, as far as it could be read, and what is wrong with it. The cursor is read
/// whatever else is wrong.
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
    if request.care_provider_ids.len() > CARE_PROVIDERS_MAX {
        keep(root.child("careProviderIds").wrong(Rule::TooMany(CARE_PROVIDERS_MAX)));
    }
    for (index, id) in request.care_provider_ids.iter().take(CARE_PROVIDERS_MAX).enumerate() {
        match hsa_id(root.item("careProviderIds", index + 1), id) {
            Ok(id) => selection.care_providers.push(id),
            Err(rejection) => keep(rejection),
        }
    }
    selection.changed_since = request.created_on_or_after.and_then(lower_bound);
    (selection, wrong)
}

fn tail(next: Timestamp, latest: Option<Timestamp>) -> BlockHeaderTail {
    // There being none is told by the epoch, which is a local time like every other.
    let never = DateTime::local(Timestamp::UNIX_EPOCH.naive_utc());
    BlockHeaderTail {
        next_created_on_or_after: wire_time(whole_second(next)),
        latest_cancellation: latest.map_or(never, wire_time),
    }
}

fn refusal(rejection: &Rejection, next: Timestamp, latest: Option<Timestamp>) -> Answer {
    let head = BlockHeaderHead { result: blocking_result(Err(rejection)) };
    Answer::whole(head.result.result_code.as_str(), 0, |out| {
        GetBlocksResponse::write_head(&head, out);
        GetBlocksResponse::write_tail(&tail(next, latest), out);
    })
}
