//! What is asked about blocks.

use crate::domain::blocking::block::{Block, BlocksBySource, Information, is_blocked};
use crate::domain::identity::{AccessingActor, HsaId, PatientId};
use crate::domain::time::{Moment, Timestamp};
use crate::procedures::batches::Batches;
use crate::procedures::context::{Context, Services};
use crate::procedures::failure::Failure;
use crate::store::blocking::history::Histories;
pub use crate::store::blocking::pages::Selection;
pub use crate::store::blocking::replication_status::ReplicationStatus;
use crate::store::change::ChangeDomain;
use crate::store::error::StoreError;
use crate::store::long_reads::Found;

/// Whether each piece of information about the patient is closed to the actor, in their order.
///
/// # Errors
/// The store's.
pub async fn are_blocked(
    context: &Context<'_>,
    patient: &PatientId,
    actor: &AccessingActor,
    information: impl Iterator<Item = &Information>,
) -> Result<Vec<bool>, Failure> {
    let blocks = context.store.active_blocks(context.tenant.id, patient).await?;
    let now = Moment::Now(context.now);
    if blocks.is_much() {
        let information: Vec<Information> = information.cloned().collect();
        let (patient, actor) = (patient.clone(), actor.clone());
        let judged =
            move |blocks: Vec<Block>| judged(&blocks, &patient, &actor, information.iter(), now);
        return Ok(context.made_of(blocks, judged).await?.it);
    }
    let _processor = context.processor().await;
    Ok(judged(&blocks.it, patient, actor, information, now))
}

fn judged<'i>(
    blocks: &[Block],
    patient: &PatientId,
    actor: &AccessingActor,
    information: impl Iterator<Item = &'i Information>,
    now: Moment,
) -> Vec<bool> {
    let by_source = BlocksBySource::of(blocks);
    information.map(|i| is_blocked(by_source.guarding(i), patient, i, actor, now)).collect()
}

/// Blocks that are being read.
#[derive(Debug)]
pub struct BlockReading<B> {
    /// Where the next reading begins to miss nothing.
    pub next: Timestamp,
    /// When one of the selected blocks was last taken away.
    pub latest_removal: Option<Timestamp>,
    /// The blocks.
    pub blocks: Batches<B>,
}

/// Begins to read the selected active blocks, in order of storage time and id; hands on what is `made`
/// of them.
///
/// # Errors
/// The store's.
pub async fn read_blocks<B: Send + 'static>(
    context: &Context<'_>,
    selection: Selection,
    made: fn(Vec<Block>) -> B,
) -> Result<BlockReading<B>, Failure> {
    let (store, tenant, now) = (&context.store, context.tenant.id, context.now);
    if selection.patient.is_none() {
        context.services.may_answer_at_length()?;
    }
    // The cursor comes first: whatever is not visible when a page is read is stored after it.
    let next = store.cursor(tenant, ChangeDomain::Blocking, now).await?;
    let latest_removal = store.latest_removal(tenant, &selection).await?;
    let store = store.clone();
    let times = (now, next);
    let blocks =
        Batches::of(
            |to| async move { store.read_blocks(tenant, selection, times, made, &to).await },
        );
    Ok(BlockReading { next, latest_removal, blocks })
}

/// When one of the selected blocks was last taken away.
///
/// # Errors
/// The store's.
pub async fn latest_removal(
    context: &Context<'_>,
    selection: &Selection,
) -> Result<Option<Timestamp>, Failure> {
    Ok(context.store.latest_removal(context.tenant.id, selection).await?)
}

/// Begins to read the patients who have an active block at a care provider; hands on what is `made` of
/// them.
///
/// # Errors
/// That there is too little space.
pub fn read_patients<B: Send + 'static>(
    context: &Context<'_>,
    care_provider: HsaId,
    made: fn(Vec<PatientId>) -> B,
) -> Result<Batches<B>, Failure> {
    context.services.may_answer_at_length()?;
    let (store, tenant) = (context.store.clone(), context.tenant.id);
    Ok(Batches::of(|to| async move {
        store.read_patients_with_blocks(tenant, &care_provider, made, &to).await
    }))
}

/// Everything that has happened to a patient's blocks at a care provider, in order of
/// registration.
///
/// # Errors
/// The store's.
pub async fn histories(
    context: &Context<'_>,
    care_provider: &HsaId,
    patient: &PatientId,
) -> Result<Found<Histories>, Failure> {
    let store = &context.store;
    let found = store.block_histories(context.tenant.id, care_provider, patient).await?;
    let sorted = |mut found: Histories| {
        found.sort_by_cached_key(|(history, _)| {
            // Of a copy nobody here knows more than when it was stored.
            let stored_at = history.block.lifetime.stored_at;
            let registered = history.action.as_ref().map_or(stored_at, |a| a.registered_at);
            (registered, history.block.id.key())
        });
        found
    };
    Ok(context.made_of(found, sorted).await?)
}

/// How replication stands for each tenant that replicates to a service elsewhere.
///
/// # Errors
/// The store's.
pub async fn replication_status(services: &Services) -> Result<Vec<ReplicationStatus>, StoreError> {
    let replicating: Vec<_> = services.tenants.replicators().iter().map(|r| r.tenant()).collect();
    services.store.replication_status(&replicating).await
}
