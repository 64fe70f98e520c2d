//! How a change in the local service reaches the national one.
//!
//! A service that is both has one stored block, and nothing to carry. A national service in
//! the same installation is changed in the same transaction; one elsewhere is told through a
//! queue that is written in the same transaction.

use super::copies::mirror;
use crate::domain::blocking::registration::ReplicationWait;
use crate::domain::blocking::replication::NoticeKind;
use crate::domain::decision::Decision;
use crate::domain::identity::RecordId;
use crate::domain::rejection::{Class, Rejection};
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
                replicator.deliver(place, wait).await?.result()?;
            }
        }
        (Upstream::Here(national), _) => {
            // Also what is repeated: a copy that has been lost meanwhile is restored.
            let refused = match mirror(&mut change, national, id, context.now).await {
                Ok(_) => None,
                // The change stays here: it protects the patient.
                Err(Failure::Refused(rejection)) => Some(rejection),
                Err(failed) => return Err(failed),
            };
            change.commit().await?;
            if let Some(rejection) = refused {
                tracing::warn!(contract = kind.name(), "refused by the national tenant here");
                refused_nationally(&rejection, wait)?;
            }
        }
        (Upstream::None, Decision::Store) => change.commit().await?,
        (Upstream::None, Decision::Repeated) => {}
    }
    Ok(())
}

/// Makes several new blocks durable here, all or none, and carries them to the national service without waiting.
pub(super) async fn carry_all(
    context: &Context<'_>,
    mut change: Change,
    blocks: &[(BlockNumber, RecordId)],
) -> Result<(), Failure> {
    for (block, id) in blocks {
        match &context.tenant.upstream {
            Upstream::Elsewhere(_) => {
                change.queue(NoticeKind::RegisterBlock, *block, None).await?;
            }
            Upstream::Here(national) => {
                match mirror(&mut change, national, id, context.now).await {
                    Ok(_) => {}
                    // The change stays here: it protects the patient.
                    Err(Failure::Refused(_)) => {
                        let contract = NoticeKind::RegisterBlock.name();
                        tracing::warn!(contract, "refused by the national tenant here");
                    }
                    Err(failed) => return Err(failed),
                }
            }
            Upstream::None => {}
        }
    }
    Ok(change.commit().await?)
}

/// What a caller is told of a change that is stored here and refused by the national tenant of this
/// installation: nothing, unless it waits for that.
fn refused_nationally(rejection: &Rejection, wait: ReplicationWait) -> Result<(), Rejection> {
    match wait {
        ReplicationWait::No => Ok(()),
        ReplicationWait::Milliseconds(_) | ReplicationWait::UntilDone => Err(Rejection::new(
            Class::Error,
            format!("Ändringen är lagrad lokalt men inte nationellt: {}", rejection.text),
        )),
    }
}
