//! What of stored blocks a call may be about: what it may not be about does not exist for it.

use crate::domain::blocking::history::{BlockHistory, RevokeHistory};
use crate::domain::identity::{HsaId, RecordId};
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::store::blocking::changes::{BlockNumber, RevokeNumber};
use crate::store::change::Change;

/// The care provider whose block it is.
pub(super) fn provider_of(block: &BlockHistory) -> &HsaId {
    block.block.content.guards.provider()
}

/// A temporary revoke, unless its block is one that the call may not be about.
pub(super) async fn seen_revoke(
    context: &Context<'_>,
    change: &mut Change,
    id: &RecordId,
) -> Result<Option<(BlockNumber, RevokeNumber, RevokeHistory)>, Failure> {
    let Some(stored) = change.find_revoke(id).await? else { return Ok(None) };
    if context.permit.is_everything() {
        return Ok(Some(stored));
    }
    let found = change.find_block(&stored.2.block).await?;
    Ok(context.seen(found, |(_, block)| provider_of(block)).map(|_| stored))
}
