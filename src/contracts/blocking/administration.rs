//! Changes of blocks in the local service: RegisterExtendedBlock, RevokeExtendedBlock,
//! DeleteExtendedBlock, RegisterTemporaryExtendedRevoke, CancelTemporaryExtendedRevoke, all 4.0.
//!
//! `OK` means that the change is durable and seen by every call from now on; what it says of
//! the national service depends on how long the caller waits, see `replication`.

use super::convert::extended_registration;
use super::{answers, convert_changes as convert, replication};
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::generated::blocking::v4::{
    CancelTemporaryExtendedRevoke, DeleteExtendedBlock, RegisterExtendedBlock,
    RegisterTemporaryExtendedRevoke, RevokeExtendedBlock,
};
use crate::contracts::place::Place;
use crate::domain::block_change::{self, Registration, ReplicationWait};
use crate::domain::block_lifecycle::{self, Removal, RevokeHistory};
use crate::domain::identity::RecordId;
use crate::domain::outcome::Outcome;
use crate::domain::rejection::Rejection;
use crate::domain::replication::Message;
use crate::store::block_changes::BlockRemoval;
use crate::store::{Change, ChangeDomain, StoreError};

/// What was decided, or why it was refused; the outer error is the store's.
pub(super) type Decided = Result<Result<Outcome, Rejection>, StoreError>;

/// Begins a change of the tenant's blocks.
pub(super) async fn begin(context: &Context<'_>) -> Result<Change, StoreError> {
    context.services.store.change(context.tenant.id, ChangeDomain::Blocking, context.now).await
}

/// RegisterExtendedBlock: a new block, with who asked and who registered.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn register_extended_block(
    context: &Context<'_>,
    request: RegisterExtendedBlock<'_>,
) -> Result<Answer, StoreError> {
    let outcome = match extended_registration(&request, context.caller.as_deref()) {
        Ok((new, wait)) => register(context, &new, wait).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::register_extended_block(outcome.as_ref().copied()))
}

async fn register(context: &Context<'_>, new: &Registration, wait: ReplicationWait) -> Decided {
    if let Err(elsewhere) = context.tenant.may_hold(&new.block.care_provider) {
        return Ok(Err(elsewhere));
    }
    let mut change = begin(context).await?;
    let (number, stored) = change.block(&new.block.id).await?.unzip();
    let stored = stored.map(|history| history.registration);
    let outcome = match block_change::register(stored.as_ref(), new) {
        Ok(outcome) => outcome,
        Err(refused) => return Ok(Err(refused)),
    };
    let number = match number {
        Some(number) => number,
        None => change.insert_block(new).await?,
    };
    let message = Message::register(new);
    replication::conclude(context, change, outcome, (number, None), &message, wait).await
}

/// RevokeExtendedBlock: a block is lifted for good.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn revoke_extended_block(
    context: &Context<'_>,
    request: RevokeExtendedBlock<'_>,
) -> Result<Answer, StoreError> {
    let place = Place::root("RevokeExtendedBlock");
    let removal = convert::removal(
        place,
        ("blockId", &request.block_id),
        ("revokeAction", &request.revoke_action),
        request.revoke_reason_text.as_ref(),
        request.replication_timeout,
    );
    let outcome = match removal {
        Ok((id, removal, wait)) => revoke(context, &id, &removal, wait).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::revoke_extended_block(outcome.as_ref().copied()))
}

async fn revoke(
    context: &Context<'_>,
    id: &RecordId,
    new: &Removal,
    wait: ReplicationWait,
) -> Decided {
    let mut change = begin(context).await?;
    let (number, stored) = change.block(id).await?.unzip();
    let outcome = block_lifecycle::revoke(stored.as_ref(), new);
    let (Ok(outcome), Some(number)) = (&outcome, number) else { return Ok(outcome) };
    if *outcome == Outcome::Store {
        change.remove_block(number, BlockRemoval::Revoke(new)).await?;
    }
    let message = Message::UnregisterBlock(id.clone());
    replication::conclude(context, change, *outcome, (number, None), &message, wait).await
}

/// DeleteExtendedBlock: a block registered by mistake is annulled.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn delete_extended_block(
    context: &Context<'_>,
    request: DeleteExtendedBlock<'_>,
) -> Result<Answer, StoreError> {
    let place = Place::root("DeleteExtendedBlock");
    let removal = convert::removal(
        place,
        ("blockId", &request.block_id),
        ("deleteAction", &request.delete_action),
        request.delete_reason_text.as_ref(),
        request.replication_timeout,
    );
    let outcome = match removal {
        Ok((id, removal, wait)) => delete(context, &id, &removal, wait).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::delete_extended_block(outcome.as_ref().copied()))
}

async fn delete(
    context: &Context<'_>,
    id: &RecordId,
    new: &Removal,
    wait: ReplicationWait,
) -> Decided {
    let mut change = begin(context).await?;
    let (number, stored) = change.block(id).await?.unzip();
    let outcome = block_lifecycle::delete(stored.as_ref(), new);
    let (Ok(outcome), Some(number)) = (&outcome, number) else { return Ok(outcome) };
    if *outcome == Outcome::Store {
        change.remove_block(number, BlockRemoval::Delete(new)).await?;
    }
    let message = Message::UnregisterBlock(id.clone());
    replication::conclude(context, change, *outcome, (number, None), &message, wait).await
}

/// RegisterTemporaryExtendedRevoke: a block is lifted for a time.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn register_temporary_extended_revoke(
    context: &Context<'_>,
    request: RegisterTemporaryExtendedRevoke<'_>,
) -> Result<Answer, StoreError> {
    let place = Place::root("RegisterTemporaryExtendedRevoke");
    let outcome = match convert::extended_revoke(&request, context.caller.as_deref()) {
        Ok((new, wait)) => lift(context, place, &new, wait).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::register_temporary_extended_revoke(outcome.as_ref().copied()))
}

async fn lift(
    context: &Context<'_>,
    place: Place<'_>,
    new: &RevokeHistory,
    wait: ReplicationWait,
) -> Decided {
    let mut change = begin(context).await?;
    let (number, block) = change.block(&new.block).await?.unzip();
    let (of_block, revoke, stored) = match change.revoke(&new.revoke.id).await? {
        Some((block, revoke, history)) => (Some(block), Some(revoke), Some(history)),
        None => (number, None, None),
    };
    let decided =
        block_lifecycle::register_revoke(block.as_ref(), stored.as_ref(), new, context.now);
    let outcome = place.decided(decided);
    let (Ok(outcome), Some(number)) = (&outcome, of_block) else { return Ok(outcome) };
    let revoke = match (revoke, &block) {
        (None, Some(block)) => {
            let block = &block.registration.block;
            let policy = context.services.lift_policies.of(&block.care_provider);
            if let Err(forbidden) = policy.allows(block, new.revoke.end, context.now) {
                return Ok(Err(forbidden));
            }
            Some(change.insert_revoke(number, new).await?)
        }
        (stored, _) => stored,
    };
    let message = Message::lift(new);
    replication::conclude(context, change, *outcome, (number, revoke), &message, wait).await
}

/// CancelTemporaryExtendedRevoke: a temporary revoke is taken back.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn cancel_temporary_extended_revoke(
    context: &Context<'_>,
    request: CancelTemporaryExtendedRevoke<'_>,
) -> Result<Answer, StoreError> {
    let place = Place::root("CancelTemporaryExtendedRevoke");
    let removal = convert::removal(
        place,
        ("temporaryRevokeId", &request.temporary_revoke_id),
        ("cancellationInfo", &request.cancellation_info),
        request.cancel_reason_text.as_ref(),
        request.replication_timeout,
    );
    let outcome = match removal {
        Ok((id, removal, wait)) => cancel(context, &id, &removal, wait).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::cancel_temporary_extended_revoke(outcome.as_ref().copied()))
}

async fn cancel(
    context: &Context<'_>,
    id: &RecordId,
    new: &Removal,
    wait: ReplicationWait,
) -> Decided {
    let mut change = begin(context).await?;
    let stored = change.revoke(id).await?;
    let outcome = block_lifecycle::cancel(stored.as_ref().map(|(.., history)| history), new);
    let (Ok(outcome), Some((block, number, _))) = (&outcome, stored) else { return Ok(outcome) };
    if *outcome == Outcome::Store {
        change.cancel_revoke(block, number, Some(new)).await?;
    }
    let message = Message::UnregisterTemporaryRevoke(id.clone());
    replication::conclude(context, change, *outcome, (block, Some(number)), &message, wait).await
}
