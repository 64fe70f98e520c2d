//! Copies of blocks in the national service: what local services elsewhere send, and the mirror of
//! a local service in the same installation.

use super::seen::{provider_of, seen_revoke};
use crate::domain::blocking::history::{BlockHistory, RevokeHistory};
use crate::domain::blocking::lifecycle;
use crate::domain::blocking::registration::{
    self, BlockRegistration, RevokeRegistration, has_run_out,
};
use crate::domain::blocking::replication::{lift_of, registration_of};
use crate::domain::decision::Decision;
use crate::domain::identity::RecordId;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Timestamp;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Tenant;
use crate::store::blocking::changes::{BlockNumber, RemoveBlock};
use crate::store::change::{Change, ChangeDomain};
use std::collections::HashMap;

/// Registers the copy of a block with the temporary revokes that it has already, all of it or
/// nothing; those that have run out on the way are left out.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn register(
    context: &Context<'_>,
    new: &BlockRegistration,
    revokes: &[RevokeRegistration],
) -> Result<(), Failure> {
    context.about(new.content.guards.provider())?;
    context.tenant.may_hold(new.content.guards.provider())?;
    let mut change = context.change(ChangeDomain::Blocking).await?;
    let decision = store_copy(&mut change, new).await?;
    let revokes: Vec<&RevokeRegistration> =
        revokes.iter().filter(|revoke| !has_run_out(revoke, context.now)).collect();
    let stored = store_lifts(&mut change, &new.id, &revokes, context.now).await?;
    // A repetition of the block that brings a new revoke says something else.
    if decision == Decision::Repeated && stored > 0 {
        return Err(Rejection::new(
            Class::AlreadyExists,
            "En spärr med samma blockId men andra tillfälliga hävningar finns redan.",
        )
        .into());
    }
    change.commit().await?;
    Ok(())
}

/// Removes the copy of a block, its temporary revokes with it.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn unregister(context: &Context<'_>, id: &RecordId) -> Result<(), Failure> {
    let mut change = context.change(ChangeDomain::Blocking).await?;
    let found = change.find_block(id).await?;
    let (number, stored) = context.seen(found, |(_, block)| provider_of(block)).unzip();
    let decision = lifecycle::unregister(stored.as_ref())?;
    if let (Decision::Store, Some(number)) = (decision, number) {
        change.remove_block(number, RemoveBlock::Unregister).await?;
        change.commit().await?;
    }
    Ok(())
}

/// Registers the copy of a temporary revoke.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn lift(context: &Context<'_>, new: &RevokeRegistration) -> Result<(), Failure> {
    let mut change = context.change(ChangeDomain::Blocking).await?;
    if !context.permit.is_everything() {
        let found = change.find_block(&new.block).await?;
        if context.seen(found, |(_, block)| provider_of(block)).is_none() {
            registration::register_revoke(None, None, new, context.now)?;
        }
    }
    if store_lift(&mut change, new, context.now).await? == Decision::Store {
        change.commit().await?;
    }
    Ok(())
}

/// Removes the copy of a temporary revoke.
///
/// # Errors
/// Why it is refused, or the store's.
pub async fn unlift(context: &Context<'_>, id: &RecordId) -> Result<(), Failure> {
    let mut change = context.change(ChangeDomain::Blocking).await?;
    let stored = seen_revoke(context, &mut change, id).await?;
    let history = stored.as_ref().map(|(.., history)| history);
    let decision = lifecycle::unregister_revoke(history)?;
    if let (Decision::Store, Some((block, number, _))) = (decision, stored) {
        change.cancel_revoke(block, number, None).await?;
        change.commit().await?;
    }
    Ok(())
}

async fn store_copy(change: &mut Change, new: &BlockRegistration) -> Result<Decision, Failure> {
    let stored = change.find_block(&new.id).await?;
    let decision = registration::register(stored.as_ref().map(|(_, history)| history), new)?;
    if decision == Decision::Store {
        change.insert_block(new).await?;
    }
    Ok(decision)
}

/// Stores copies of temporary revokes that came with their block; returns how many are new.
async fn store_lifts(
    change: &mut Change,
    block: &RecordId,
    revokes: &[&RevokeRegistration],
    now: Timestamp,
) -> Result<usize, Failure> {
    if revokes.is_empty() {
        return Ok(0);
    }
    let (number, block) = change.find_block(block).await?.unzip();
    let ids: Vec<&RecordId> = revokes.iter().map(|revoke| &revoke.id).collect();
    let known = change.find_revokes(&ids).await?;
    let known: HashMap<String, RevokeHistory> =
        known.into_iter().map(|(.., history)| (history.revoke.id.key(), history)).collect();
    let mut new: HashMap<String, &RevokeRegistration> = HashMap::new();
    let mut in_order = Vec::new();
    for revoke in revokes {
        let key = revoke.id.key();
        if let Some(first) = new.get(&key) {
            // One that stands there twice must say the same both times.
            registration::repeats(first, revoke)?;
            continue;
        }
        let decision = registration::register_revoke(block.as_ref(), known.get(&key), revoke, now)?;
        if decision == Decision::Store {
            new.insert(key, revoke);
            in_order.push(*revoke);
        }
    }
    if let Some(number) = number {
        change.insert_copied_revokes(number, &in_order).await?;
    }
    Ok(in_order.len())
}

async fn store_lift(
    change: &mut Change,
    new: &RevokeRegistration,
    now: Timestamp,
) -> Result<Decision, Failure> {
    let (number, block) = change.find_block(&new.block).await?.unzip();
    let stored = change.find_revoke(&new.id).await?.map(|(.., history)| history);
    let decision = registration::register_revoke(block.as_ref(), stored.as_ref(), new, now)?;
    if let (Decision::Store, Some(number)) = (decision, number) {
        change.insert_revoke(number, new).await?;
    }
    Ok(decision)
}

/// Makes the copy of a block in a national tenant of this installation like the block, in the same
/// transaction: removed where it is removed, else in force with the same temporary revokes. What says
/// something else under the id is another's block, and is left as it is. Returns how much was
/// changed.
///
/// # Errors
/// Why the national tenant refuses it, as far as it has not been carried out; or the store's.
pub(super) async fn mirror(
    change: &mut Change,
    national: &Tenant,
    id: &RecordId,
    now: Timestamp,
) -> Result<usize, Failure> {
    let Some((number, ours)) = change.find_block(id).await? else { return Ok(0) };
    let lifts = change.standing_revokes(number).await?;
    let lifts: Vec<RevokeHistory> =
        lifts.into_iter().map(|(_, lift)| lift).filter(|lift| lift.is_in_force(now)).collect();
    change.go_on_in(national.id, now).await?;
    let copy = change.find_block(id).await?.filter(|(_, copy)| copy.block.lifetime.stands());
    let new = registration_of(&ours.block);
    let is_ours = |copy: &BlockHistory| copy.block.content == new.content;
    if !ours.block.lifetime.stands() {
        let Some((copy, _)) = copy.filter(|(_, copy)| is_ours(copy)) else { return Ok(0) };
        change.remove_block(copy, RemoveBlock::Unregister).await?;
        return Ok(1);
    }
    let (copy, mut changes) = match copy {
        Some((number, copy)) if is_ours(&copy) => (number, 0),
        Some((_, copy)) => {
            registration::register(Some(&copy), &new)?;
            return Ok(0);
        }
        None => {
            national.may_hold(new.content.guards.provider())?;
            (change.insert_block(&new).await?, 1)
        }
    };
    changes += mirror_lifts(change, copy, &ours, &lifts, now).await?;
    Ok(changes)
}

async fn mirror_lifts(
    change: &mut Change,
    copy: BlockNumber,
    ours: &BlockHistory,
    lifts: &[RevokeHistory],
    now: Timestamp,
) -> Result<usize, Failure> {
    let mut changes = 0;
    for (number, theirs) in change.standing_revokes(copy).await? {
        let same = |ours: &RevokeHistory| {
            ours.revoke.id == theirs.revoke.id && ours.revoke.lift == theirs.revoke.lift
        };
        if theirs.is_in_force(now) && !lifts.iter().any(same) {
            change.cancel_revoke(copy, number, None).await?;
            changes += 1;
        }
    }
    for lift in lifts {
        let new = lift_of(&ours.block, &lift.revoke);
        let stored = store_lift(change, &new, now).await?;
        changes += usize::from(stored == Decision::Store);
    }
    Ok(changes)
}
