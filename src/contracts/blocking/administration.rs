//! Changes of blocks in the local service: RegisterExtendedBlock, RevokeExtendedBlock,
//! DeleteExtendedBlock, RegisterTemporaryExtendedRevoke, CancelTemporaryExtendedRevoke, all 4.0.
//!
//! This installation is local and national service at once, so the one stored block is both
//! the local original and the national copy, and replication is done when it is stored.
//! `OK` means that the change is durable and seen by every call from now on.

use super::convert_changes as convert;
use super::{answers, convert::extended_registration};
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::generated::blocking::v4::{
    CancelTemporaryExtendedRevoke, DeleteExtendedBlock, RegisterExtendedBlock,
    RegisterTemporaryExtendedRevoke, RevokeExtendedBlock,
};
use crate::contracts::place::Place;
use crate::domain::block_change::{self, Registration};
use crate::domain::block_lifecycle::{self, Removal, RevokeHistory};
use crate::domain::identity::RecordId;
use crate::domain::outcome::Outcome;
use crate::domain::rejection::Rejection;
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
        Ok(new) => register(context, &new).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::register_extended_block(outcome.as_ref().copied()))
}

async fn register(context: &Context<'_>, new: &Registration) -> Decided {
    if let Err(elsewhere) = context.tenant.may_hold(&new.block.care_provider) {
        return Ok(Err(elsewhere));
    }
    let mut change = begin(context).await?;
    let stored = change.block(&new.block.id).await?.map(|(_, history)| history.registration);
    let outcome = block_change::register(stored.as_ref(), new);
    if outcome == Ok(Outcome::Store) {
        change.insert_block(new).await?;
        change.commit().await?;
    }
    Ok(outcome)
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
        Ok((id, removal)) => revoke(context, &id, &removal).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::revoke_extended_block(outcome.as_ref().copied()))
}

async fn revoke(context: &Context<'_>, id: &RecordId, new: &Removal) -> Decided {
    let mut change = begin(context).await?;
    let (number, stored) = change.block(id).await?.unzip();
    let outcome = block_lifecycle::revoke(stored.as_ref(), new);
    if let (Ok(Outcome::Store), Some(number)) = (&outcome, number) {
        change.remove_block(number, BlockRemoval::Revoke(new)).await?;
        change.commit().await?;
    }
    Ok(outcome)
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
        Ok((id, removal)) => delete(context, &id, &removal).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::delete_extended_block(outcome.as_ref().copied()))
}

async fn delete(context: &Context<'_>, id: &RecordId, new: &Removal) -> Decided {
    let mut change = begin(context).await?;
    let (number, stored) = change.block(id).await?.unzip();
    let outcome = block_lifecycle::delete(stored.as_ref(), new);
    if let (Ok(Outcome::Store), Some(number)) = (&outcome, number) {
        change.remove_block(number, BlockRemoval::Delete(new)).await?;
        change.commit().await?;
    }
    Ok(outcome)
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
        Ok(new) => lift(context, place, &new).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::register_temporary_extended_revoke(outcome.as_ref().copied()))
}

/// Stores a temporary revoke of either format. The care provider's policy judges originals; a
/// copy has been judged by the service that it comes from.
pub(super) async fn lift(context: &Context<'_>, place: Place<'_>, new: &RevokeHistory) -> Decided {
    let mut change = begin(context).await?;
    let (number, block) = change.block(&new.block).await?.unzip();
    let stored = change.revoke(&new.revoke.id).await?.map(|(.., history)| history);
    let decided =
        block_lifecycle::register_revoke(block.as_ref(), stored.as_ref(), new, context.now);
    let outcome = place.decided(decided);
    if let (Ok(Outcome::Store), Some(number), Some(block)) = (&outcome, number, &block) {
        let block = &block.registration.block;
        let policy = context.services.lift_policies.of(&block.care_provider);
        if new.details.is_some()
            && let Err(forbidden) = policy.allows(block, new.revoke.end, context.now)
        {
            return Ok(Err(forbidden));
        }
        change.insert_revoke(number, new).await?;
        change.commit().await?;
    }
    Ok(outcome)
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
        Ok((id, removal)) => cancel(context, &id, &removal).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::cancel_temporary_extended_revoke(outcome.as_ref().copied()))
}

async fn cancel(context: &Context<'_>, id: &RecordId, new: &Removal) -> Decided {
    let mut change = begin(context).await?;
    let stored = change.revoke(id).await?;
    let outcome = block_lifecycle::cancel(stored.as_ref().map(|(.., history)| history), new);
    if let (Ok(Outcome::Store), Some((block, number, _))) = (&outcome, stored) {
        change.cancel_revoke(block, number, Some(new)).await?;
        change.commit().await?;
    }
    Ok(outcome)
}
