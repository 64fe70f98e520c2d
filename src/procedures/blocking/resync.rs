//! Compares a local service with the national one, and puts the national one right.

use super::copies::mirror;
use crate::domain::blocking::block::Block;
use crate::domain::blocking::difference::{Difference, differences};
use crate::domain::blocking::replication::NoticeKind;
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::time::Timestamp;
use crate::peers::contract_call::RemoteError;
use crate::procedures::batches::Batches;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::{Tenant, Upstream};
use crate::store::blocking::changes::{BlockNumber, RevokeNumber};
use crate::store::blocking::pages::Selection;
use crate::store::blocking::replications::Queued;
use crate::store::change::{Change, ChangeDomain};
use crate::store::database::Store;
use crate::store::error::StoreError;

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
    /// A national tenant of this installation refuses what it lacks.
    #[error("{0}")]
    Refused(#[from] Failure),
}

/// What a comparison finds.
#[derive(Debug, Default)]
pub struct Comparison {
    /// How the national service differs, block by block.
    pub differences: Vec<(RecordId, Difference)>,
    /// Blocks of the national service that could not be read.
    pub unreadable: usize,
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
) -> Result<Comparison, ResyncError> {
    let mut providers = store.care_providers_with_blocks(tenant.id).await?;
    let known = providers.clone();
    providers.extend(tenant.care_providers.iter().filter(|id| !known.contains(id)).cloned());
    let mut found = Comparison::default();
    for some in providers.chunks(PROVIDERS_A_CALL) {
        // The national side first: what changes here meanwhile is queued already.
        let theirs = match &tenant.upstream {
            Upstream::None => return Ok(found),
            Upstream::Here(national) => blocks(store, national, some, now).await?,
            Upstream::Elsewhere(replicator) => {
                let read = replicator.national().blocks(some).await?;
                found.unreadable += read.unreadable;
                read.blocks
            }
        };
        let ours = blocks(store, tenant, some, now).await?;
        found.differences.extend(differences(&ours, &theirs, now));
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
    let (store, tenant, times) = (store.clone(), tenant.id, (now, Timestamp::MAX_UTC));
    let mut batches =
        Batches::of(
            |to| async move { store.read_blocks(tenant, selection, times, |b| b, &to).await },
        );
    let mut found = Vec::new();
    while let Some(batch) = batches.next().await? {
        found.extend(batch);
    }
    Ok(found)
}

/// What a repair comes to.
#[derive(Debug, Default)]
pub struct Repair {
    /// Changes queued or made; what is on its way already takes none.
    pub changes: usize,
    /// The last that waits to be sent.
    pub waiting: Option<Queued>,
}

/// Puts right how the national service differs in a block: queues what it lacks or, where it is
/// in the same installation, changes it.
///
/// # Errors
/// The store's, or why a national tenant here refuses it.
pub async fn repair(
    store: &Store,
    tenant: &Tenant,
    id: &RecordId,
    differences: &[Difference],
    now: Timestamp,
) -> Result<Repair, ResyncError> {
    let mut change =
        store.change(tenant.id, tenant.national_here(), ChangeDomain::Blocking, now).await?;
    // A block that was never here is somebody else's, or lost: it goes on protecting.
    let Some((block, history)) = change.find_block(id).await? else {
        return Ok(Repair::default());
    };
    if let Upstream::Here(national) = &tenant.upstream {
        let changes = mirror(&mut change, national, id, now).await?;
        change.commit().await?;
        return Ok(Repair { changes, waiting: None });
    }
    // What is queued and fails may build on what the national service has lost.
    if !change.drop_failing(block).await? {
        return Ok(Repair { changes: 0, waiting: change.find_last_queued(block).await? });
    }
    let stands = history.block.lifetime.stands();
    let mut repair = Repair::default();
    for (kind, revoke) in steps(&mut change, block, stands, differences, now).await? {
        change.queue(kind, block, revoke).await?;
        repair.changes += 1;
    }
    repair.waiting = change.find_last_queued(block).await?;
    change.commit().await?;
    Ok(repair)
}

type Notification = (NoticeKind, Option<RevokeNumber>);

/// What the national service must be told of a block, in this order.
async fn steps(
    change: &mut Change,
    block: BlockNumber,
    stands: bool,
    differences: &[Difference],
    now: Timestamp,
) -> Result<Vec<Notification>, StoreError> {
    if !stands {
        // Missing there is as it should be, and its revokes go with it.
        let surplus = differences.iter().any(|d| !matches!(d, Difference::Missing));
        return Ok(if surplus { vec![(NoticeKind::UnregisterBlock, None)] } else { Vec::new() });
    }
    let mut steps = Vec::new();
    for difference in differences {
        match difference {
            Difference::Missing => return anew(change, block, Vec::new(), now).await,
            Difference::Content => {
                let removed = vec![(NoticeKind::UnregisterBlock, None)];
                return anew(change, block, removed, now).await;
            }
            Difference::MissingRevoke(id) | Difference::SurplusRevoke(id) => {
                match change.find_revoke(id).await? {
                    Some((of, revoke, history)) if of == block => {
                        let kind = match history.is_in_force(now) {
                            true => NoticeKind::RegisterTemporaryRevoke,
                            false => NoticeKind::UnregisterTemporaryRevoke,
                        };
                        steps.push((kind, Some(revoke)));
                    }
                    // A revoke that nobody here knows opens what the patient has closed.
                    _ => {
                        let removed = vec![(NoticeKind::UnregisterBlock, None)];
                        return anew(change, block, removed, now).await;
                    }
                }
            }
            // Changed since it was compared.
            Difference::Surplus => {}
        }
    }
    Ok(steps)
}

/// The block and the temporary revokes in force, registered anew.
async fn anew(
    change: &mut Change,
    block: BlockNumber,
    mut steps: Vec<Notification>,
    now: Timestamp,
) -> Result<Vec<Notification>, StoreError> {
    steps.push((NoticeKind::RegisterBlock, None));
    for (revoke, history) in change.standing_revokes(block).await? {
        if history.is_in_force(now) {
            steps.push((NoticeKind::RegisterTemporaryRevoke, Some(revoke)));
        }
    }
    Ok(steps)
}
