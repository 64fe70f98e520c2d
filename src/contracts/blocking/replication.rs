//! How a change in the local service reaches the national one.
//!
//! A service that is both has one stored block, and nothing to carry. A national service in
//! the same installation is changed in the same transaction; one elsewhere is told through a
//! queue that is written in the same transaction.

use super::administration::Decided;
use super::synchronization;
use crate::contracts::context::Context;
use crate::contracts::tenants::Upstream;
use crate::domain::block_change::ReplicationWait;
use crate::domain::outcome::Outcome;
use crate::domain::replication::Message;
use crate::store::block_changes::{BlockNumber, RevokeNumber};
use crate::store::{Change, ChangeDomain};

/// What a change is about.
pub(super) type About = (BlockNumber, Option<RevokeNumber>);

/// Makes a change durable here and carries it to the national service; a repetition waits for
/// what the first call has left under way.
pub(super) async fn conclude(
    context: &Context<'_>,
    mut change: Change,
    outcome: Outcome,
    (block, revoke): About,
    message: &Message,
    wait: ReplicationWait,
) -> Decided {
    let queued = match (&context.tenant.upstream, outcome) {
        (Upstream::Elsewhere(_), Outcome::Store) => {
            Some(change.queue(message.kind(), block, revoke).await?)
        }
        (Upstream::Elsewhere(_), Outcome::Repeated) => {
            change.queued(message.kind(), block, revoke).await?
        }
        (Upstream::Here(national), Outcome::Store) => {
            change.go_on_in(national.id, ChangeDomain::Blocking, context.now).await?;
            if let Err(refused) =
                synchronization::apply(&mut change, national, message, context.now).await?
            {
                return Ok(Err(refused));
            }
            None
        }
        (Upstream::Here(_), Outcome::Repeated) | (Upstream::None, _) => None,
    };
    match outcome {
        Outcome::Store => change.commit().await?,
        // Nothing was changed, and nobody should wait for its clock.
        Outcome::Repeated => drop(change),
    }
    if let (Upstream::Elsewhere(replicator), Some(place)) = (&context.tenant.upstream, queued) {
        let delivery = replicator.deliver(place, wait).await?;
        return Ok(delivery.told().map(|()| outcome));
    }
    Ok(Ok(outcome))
}
