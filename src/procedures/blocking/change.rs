//! Changes of blocks in the local service, where they are made.
//!
//! Done means that the change is durable and seen by every call from now on; what it says of the
//! national service depends on how long the caller waits.

use super::carry::{Carried, carry_all, conclude};
use super::seen::{provider_of, seen_revoke};
use crate::domain::blocking::block::{BlockContent, Guards};
use crate::domain::blocking::history::Removal;
use crate::domain::blocking::lifecycle;
use crate::domain::blocking::registration::{
    self, BlockRegistration, ReplicationWait, RevokeRegistration,
};
use crate::domain::blocking::replication::NoticeKind;
use crate::domain::decision::Decision;
use crate::domain::identity::{Action, HsaId, RecordId};
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::store::blocking::changes::{BlockNumber, RemoveBlock};
use crate::store::blocking::history::Histories;
use crate::store::change::{Change, ChangeDomain};
use uuid::Uuid;

/// Registers a block, with who asked and who registered.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn register(
    context: &Context<'_>,
    new: &BlockRegistration,
    wait: ReplicationWait,
) -> Result<(), Failure> {
    context.about(new.content.guards.provider())?;
    context.tenant.may_hold(new.content.guards.provider())?;
    let mut change = context.change(ChangeDomain::Blocking).await?;
    let stored = change.find_block(&new.id).await?;
    let decision = registration::register(stored.as_ref().map(|(_, history)| history), new)?;
    let block = match (decision, stored) {
        (Decision::Repeated, Some((number, _))) => number,
        (Decision::Store, _) | (Decision::Repeated, None) => change.insert_block(new).await?,
    };
    let about = Carried { kind: NoticeKind::RegisterBlock, id: &new.id, block, revoke: None };
    conclude(context, change, decision, about, wait).await
}

/// Revokes a block for good.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn revoke(
    context: &Context<'_>,
    id: &RecordId,
    by: &Removal,
    wait: ReplicationWait,
) -> Result<(), Failure> {
    let mut change = context.change(ChangeDomain::Blocking).await?;
    let found = change.find_block(id).await?;
    let (block, stored) = context.seen(found, |(_, block)| provider_of(block)).unzip();
    let decision = lifecycle::revoke(stored.as_ref())?;
    remove(context, change, decision, (id, block), RemoveBlock::Revoke(by), wait).await
}

/// Annuls a block that was registered by mistake.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn delete(
    context: &Context<'_>,
    id: &RecordId,
    by: &Removal,
    wait: ReplicationWait,
) -> Result<(), Failure> {
    let mut change = context.change(ChangeDomain::Blocking).await?;
    let found = change.find_block(id).await?;
    let (block, stored) = context.seen(found, |(_, block)| provider_of(block)).unzip();
    let decision = lifecycle::delete(stored.as_ref())?;
    remove(context, change, decision, (id, block), RemoveBlock::Delete(by), wait).await
}

async fn remove(
    context: &Context<'_>,
    mut change: Change,
    decision: Decision,
    (id, block): (&RecordId, Option<BlockNumber>),
    removal: RemoveBlock<'_>,
    wait: ReplicationWait,
) -> Result<(), Failure> {
    // What is not there has been refused.
    let Some(block) = block else { return Ok(()) };
    if decision == Decision::Store {
        change.remove_block(block, removal).await?;
    }
    let about = Carried { kind: NoticeKind::UnregisterBlock, id, block, revoke: None };
    conclude(context, change, decision, about, wait).await
}

/// Lifts a block for a time.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn lift(
    context: &Context<'_>,
    new: &RevokeRegistration,
    wait: ReplicationWait,
) -> Result<(), Failure> {
    let mut change = context.change(ChangeDomain::Blocking).await?;
    let found = change.find_block(&new.block).await?;
    let (number, block) = context.seen(found, |(_, block)| provider_of(block)).unzip();
    // Of a block that the call may not be about nothing is told.
    let stored = match block.is_none() && !context.permit.is_everything() {
        true => None,
        false => change.find_revoke(&new.id).await?,
    };
    let history = stored.as_ref().map(|(.., history)| history);
    let decision = registration::register_revoke(block.as_ref(), history, new, context.now)?;
    // What is not there has been refused.
    let (Some(number), Some(block)) = (number, block) else { return Ok(()) };
    let revoke = if let (Decision::Repeated, Some((_, revoke, _))) = (decision, stored) {
        revoke
    } else {
        let guards = &block.block.content.guards;
        let policy = context.services.lift_policies.of(guards.provider());
        policy.allows(guards, new.lift.end, context.now)?;
        change.insert_revoke(number, new).await?
    };
    let kind = NoticeKind::RegisterTemporaryRevoke;
    let about = Carried { kind, id: &new.block, block: number, revoke: Some(revoke) };
    conclude(context, change, decision, about, wait).await
}

/// Takes a temporary revoke back.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn cancel(
    context: &Context<'_>,
    id: &RecordId,
    by: &Removal,
    wait: ReplicationWait,
) -> Result<(), Failure> {
    let mut change = context.change(ChangeDomain::Blocking).await?;
    let stored = seen_revoke(context, &mut change, id).await?;
    let decision = lifecycle::cancel(stored.as_ref().map(|(.., history)| history))?;
    // What is not there has been refused.
    let Some((block, revoke, history)) = stored else { return Ok(()) };
    if decision == Decision::Store {
        change.cancel_revoke(block, revoke, Some(by)).await?;
    }
    let kind = NoticeKind::UnregisterTemporaryRevoke;
    let about = Carried { kind, id: &history.block, block, revoke: Some(revoke) };
    conclude(context, change, decision, about, wait).await
}

/// Inner blocks that are copied to another unit of the same care provider.
pub struct CopiedBlocks<'a> {
    /// The blocks in force at the unit that they are copied from.
    pub blocks: &'a Histories,
    /// The unit that they are copied to.
    pub to: &'a HsaId,
    /// The system that does it.
    pub owner: &'a str,
    /// Who does it.
    pub action: Action,
    /// Ids of the copies.
    pub new_id: fn() -> Uuid,
}

/// Copies inner blocks to another unit, all of them in one transaction or none; those that the unit has already are left.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn copy_inner(context: &Context<'_>, copied: CopiedBlocks<'_>) -> Result<usize, Failure> {
    let mut change = context.change(ChangeDomain::Blocking).await?;
    let mut numbers = Vec::new();
    for (history, _) in copied.blocks {
        let Guards::Unit { provider, .. } = &history.block.content.guards else { continue };
        context.about(provider)?;
        context.tenant.may_hold(provider)?;
        let guards = Guards::Unit { provider: provider.clone(), unit: copied.to.clone() };
        let content = BlockContent { guards, ..history.block.content.clone() };
        // What has been lifted since it was shown is not closed anew.
        let still_stands = change.has_standing_block(&history.block.content).await?;
        if !still_stands || change.has_standing_block(&content).await? {
            continue;
        }
        let Some(id) = RecordId::new(&(copied.new_id)().to_string()) else { continue };
        let new = BlockRegistration {
            id,
            content,
            owner_id: Some(copied.owner.to_owned()),
            action: Some(copied.action.clone()),
        };
        numbers.push((change.insert_block(&new).await?, new.id));
    }
    let count = numbers.len();
    carry_all(context, change, &numbers).await?;
    Ok(count)
}
