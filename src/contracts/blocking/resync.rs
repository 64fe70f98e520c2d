//! Compares a local service with the national one, and queues what puts it right.

use super::convert::{basic, told};
use super::national::National;
use crate::contracts::remote::RemoteError;
use crate::domain::block::Block;
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::replication::{Difference, Kind, differences};
use crate::domain::time::Timestamp;
use crate::store::block_changes::BlockNumber;
use crate::store::blocks::{BlockSink, Selection};
use crate::store::{Change, ChangeDomain, Store, StoreError, TenantId};

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
    National(#[from] RemoteError),
}

/// What a difference leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The national service has been queued what it lacks.
    Queued,
    /// A change of the block is on its way already.
    UnderWay,
    /// Nothing that the contracts offer puts it right.
    ByHand,
}

/// Compares every block of the care providers that the tenant has blocks of. `lasting` names
/// more of them: providers whose last block is gone here.
///
/// # Errors
/// That one of the two could not be read.
pub async fn compare(
    store: &Store,
    tenant: TenantId,
    national: &National,
    lasting: &[HsaId],
    now: Timestamp,
) -> Result<Vec<(RecordId, Difference)>, ResyncError> {
    let mut providers = store.care_providers_with_blocks(tenant).await?;
    providers
        .extend(lasting.iter().filter(|id| !providers.contains(id)).cloned().collect::<Vec<_>>());
    let mut found = Vec::new();
    for some in providers.chunks(PROVIDERS_A_CALL) {
        // The national side first: what changes here meanwhile is queued already.
        let theirs = national.blocks(some).await?;
        let selection = Selection { care_providers: some.to_vec(), ..Selection::default() };
        let mut ours = Told(Vec::new());
        store.read_blocks(tenant, &selection, now, &mut ours).await?;
        found.extend(differences(&ours.0, &theirs, now));
    }
    Ok(found)
}

/// Blocks as they are told: with whole seconds.
struct Told(Vec<Block>);

impl BlockSink for Told {
    async fn take(&mut self, block: Block) -> bool {
        self.0.push(told(&basic(&block)).unwrap_or(block));
        true
    }
}

/// Queues what the national service lacks of a block; one remedy for each difference.
///
/// # Errors
/// The store's.
pub async fn repair(
    store: &Store,
    tenant: TenantId,
    id: &RecordId,
    differences: &[Difference],
    now: Timestamp,
) -> Result<Vec<Remedy>, StoreError> {
    let all = |remedy| Ok(vec![remedy; differences.len()]);
    let mut change = store.change(tenant, ChangeDomain::Blocking, now).await?;
    // A block that was never here is somebody else's, or lost: it goes on protecting.
    let Some((block, history)) = change.block(id).await? else { return all(Remedy::ByHand) };
    // What is queued and fails may build on what the national service has lost.
    if !change.drop_failing(block).await? {
        return all(Remedy::UnderWay);
    }
    let removed = history.registration.block.removed;
    let mut remedies = Vec::new();
    for difference in differences {
        let remedy = queue(&mut change, block, removed, difference, now).await?;
        remedies.push(remedy);
    }
    change.commit().await?;
    Ok(remedies)
}

async fn queue(
    change: &mut Change,
    block: BlockNumber,
    removed: bool,
    difference: &Difference,
    now: Timestamp,
) -> Result<Remedy, StoreError> {
    match difference {
        Difference::Missing if !removed => {
            change.queue(Kind::RegisterBlock, block, None).await?;
            for revoke in change.revokes_in_force(block, now).await? {
                change.queue(Kind::RegisterTemporaryRevoke, block, Some(revoke)).await?;
            }
        }
        Difference::Surplus if removed => {
            change.queue(Kind::UnregisterBlock, block, None).await?;
        }
        Difference::MissingRevoke(revoke) | Difference::SurplusRevoke(revoke) => {
            let Some((_, number, stored)) = change.revoke(revoke).await? else {
                return Ok(Remedy::ByHand);
            };
            let kind = match stored.revoke.cancelled || removed {
                true => Kind::UnregisterTemporaryRevoke,
                false => Kind::RegisterTemporaryRevoke,
            };
            change.queue(kind, block, Some(number)).await?;
        }
        // Changed since it was compared.
        Difference::Missing | Difference::Surplus => return Ok(Remedy::UnderWay),
        Difference::Content => return Ok(Remedy::ByHand),
    }
    Ok(Remedy::Queued)
}
