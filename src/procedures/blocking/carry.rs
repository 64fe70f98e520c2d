//! How a change in the local service reaches the national one.
//!
//! A service that is both has one stored block, and nothing to carry. A national service in
//! the same installation is changed in the same transaction; one elsewhere is told through a
//! queue that is written in the same transaction.

use super::copies::{Mirrored, mirror};
use crate::domain::blocking::registration::ReplicationWait;
use crate::domain::blocking::replication::NoticeKind;
use crate::domain::decision::Decision;
use crate::domain::identity::RecordId;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Upstream;
use crate::store::blocking::changes::{BlockNumber, RevokeNumber};
use crate::store::change::Change;

/// What a change is about, and what the national service is told of it.
pub(super) struct Carried<'r> {
    pub kind: NoticeKind,
    pub id: &'r RecordId,
    pub block: BlockNumber,
    pub revoke: Option<RevokeNumber>,
}

/// Makes a change durable here and carries it to the national service; a repetition waits for
/// what the first call has left under way.
pub(super) async fn conclude(
    context: &Context<'_>,
    mut change: Change,
    decision: Decision,
    about: Carried<'_>,
    wait: ReplicationWait,
) -> Result<(), Failure> {
    let Carried { kind, id, block, revoke } = about;
    match (&context.tenant.upstream, decision) {
        (Upstream::Elsewhere(replicator), _) => {
            let queued = match decision {
                Decision::Store => Some(change.queue(kind, block, revoke).await?),
                Decision::Repeated => change.find_queued(kind, block, revoke).await?,
            };
            change.commit().await?;
            if let Some(place) = queued {
                replicator.deliver(place, wait).await?.told()?;
            }
        }
        (Upstream::Here(national), _) => {
            // Also what is repeated: a copy that has been lost meanwhile is restored.
            let is_new = kind == NoticeKind::RegisterBlock && decision == Decision::Store;
            let mirrored = if is_new { Mirrored::New } else { Mirrored::Known };
            mirror(&mut change, national, id, mirrored, context.now).await?;
            change.commit().await?;
        }
        (Upstream::None, Decision::Store) => change.commit().await?,
        (Upstream::None, Decision::Repeated) => {}
    }
    Ok(())
}
