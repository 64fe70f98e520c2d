//! Compares a local service with the national one, and puts the national one right.

use super::convert::{basic, told};
use super::synchronization;
use crate::contracts::remote::RemoteError;
use crate::contracts::tenants::{Tenant, Upstream};
use crate::domain::block::Block;
use crate::domain::block_lifecycle::BlockHistory;
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::replication::{Difference, Message, differences};
use crate::domain::time::Timestamp;
use crate::store::block_changes::{BlockNumber, RevokeNumber};
use crate::store::blocks::{BlockSink, Selection};
use crate::store::replications::Queued;
use crate::store::{Change, ChangeDomain, Store, StoreError};

/// Care providers asked about in one call.
const PROVIDERS_A_CALL: usize = 20;

/// Why the two cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ResyncError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The national service.
    #[error("national service: {0}")]
    Remote(#[from] RemoteError),
}

/// Compares every block of the care providers that the tenant has blocks of, and of those that
/// it may hold: the last block of one may be gone here.
///
/// # Errors
/// That one of the two could not be read.
pub async fn compare(
    store: &Store,
    tenant: &Tenant,
    now: Timestamp,
) -> Result<Vec<(RecordId, Difference)>, ResyncError> {
    let mut providers = store.care_providers_with_blocks(tenant.id).await?;
    let known = providers.clone();
    providers.extend(tenant.care_providers.iter().filter(|id| !known.contains(id)).cloned());
    let mut found = Vec::new();
    for some in providers.chunks(PROVIDERS_A_CALL) {
        // The national side first: what changes here meanwhile is queued already.
        let theirs = match &tenant.upstream {
            Upstream::None => return Ok(found),
            Upstream::Here(national) => blocks(store, national, some, now).await?,
            Upstream::Elsewhere(replicator) => replicator.national().blocks(some).await?,
        };
        let ours = blocks(store, tenant, some, now).await?;
        found.extend(differences(&ours, &theirs, now));
    }
    Ok(found)
}

async fn blocks(
    store: &Store,
    tenant: &Tenant,
    care_providers: &[HsaId],
    now: Timestamp,
) -> Result<Vec<Block>, StoreError> {
    let selection = Selection { care_providers: care_providers.to_vec(), ..Selection::default() };
    let mut found = Told(Vec::new());
    store.read_blocks(tenant.id, &selection, now, &mut found).await?;
    Ok(found.0)
}

/// Blocks as they are told: with whole seconds.
struct Told(Vec<Block>);

impl BlockSink for Told {
    async fn take(&mut self, block: Block) -> bool {
        self.0.push(told(&basic(&block)).unwrap_or(block));
        true
    }
}

/// What the national service must be told, and what that is about.
type Step = (Message, BlockNumber, Option<RevokeNumber>);

/// What a repair comes to.
#[derive(Debug, Default)]
pub struct Repair {
    /// Changes queued or made; what the contracts cannot put right, or is on its way already,
    /// takes none.
    pub changes: usize,
    /// The last that waits to be sent.
    pub waiting: Option<Queued>,
}

/// Puts right how the national service differs in a block: queues what it lacks or, where it is
/// in the same installation, changes it.
///
/// # Errors
/// The store's.
pub async fn repair(
    store: &Store,
    tenant: &Tenant,
    id: &RecordId,
    differences: &[Difference],
    now: Timestamp,
) -> Result<Repair, StoreError> {
    let mut change = store.change(tenant.id, ChangeDomain::Blocking, now).await?;
    // A block that was never here is somebody else's, or lost: it goes on protecting.
    let Some((block, history)) = change.block(id).await? else {
        return Ok(Repair::default());
    };
    // What is queued and fails may build on what the national service has lost.
    if !change.drop_failing(block).await? {
        return Ok(Repair { changes: 0, waiting: change.last_queued(block).await? });
    }
    let mut steps = Vec::new();
    for difference in differences {
        add_steps(&mut change, (block, &history), difference, now, &mut steps).await?;
    }
    let mut repair = Repair::default();
    if let Upstream::Here(national) = &tenant.upstream {
        change.go_on_in(national.id, ChangeDomain::Blocking, now).await?;
        for (message, ..) in &steps {
            let outcome = synchronization::apply(&mut change, national, message, now).await?;
            repair.changes += usize::from(outcome.is_ok());
        }
    } else {
        for (message, block, revoke) in &steps {
            repair.waiting = Some(change.queue(message.kind(), *block, *revoke).await?);
            repair.changes += 1;
        }
    }
    change.commit().await?;
    Ok(repair)
}

async fn add_steps(
    change: &mut Change,
    (block, history): (BlockNumber, &BlockHistory),
    difference: &Difference,
    now: Timestamp,
    steps: &mut Vec<Step>,
) -> Result<(), StoreError> {
    let removed = history.registration.block.removed;
    match difference {
        Difference::Missing if !removed => {
            steps.push((Message::register(&history.registration), block, None));
            for id in change.revokes_in_force(block, now).await? {
                if let Some((_, number, revoke)) = change.revoke(&id).await? {
                    steps.push((Message::lift(&revoke), block, Some(number)));
                }
            }
        }
        Difference::Surplus if removed => {
            let id = history.registration.block.id.clone();
            steps.push((Message::UnregisterBlock(id), block, None));
        }
        Difference::MissingRevoke(id) | Difference::SurplusRevoke(id) => {
            if let Some((_, number, revoke)) = change.revoke(id).await? {
                let message = match revoke.revoke.cancelled || removed {
                    true => Message::UnregisterTemporaryRevoke(id.clone()),
                    false => Message::lift(&revoke),
                };
                steps.push((message, block, Some(number)));
            }
        }
        // Changed since it was compared, or beyond what the contracts can do.
        Difference::Missing | Difference::Surplus | Difference::Content => {}
    }
    Ok(())
}
