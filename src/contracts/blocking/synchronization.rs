//! Copies in the national service: RegisterBlock, UnregisterBlock, RegisterTemporaryRevoke,
//! UnregisterTemporaryRevoke, all 4.0. Local services call them to replicate their changes.
//!
//! `OK` means that the change is durable and seen by every call from now on.

use super::administration::{Decided, begin, lift};
use super::{answers, convert_changes as convert};
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::convert::record_id;
use crate::contracts::generated::blocking::v4::{
    RegisterBlock, RegisterTemporaryRevoke, UnregisterBlock, UnregisterTemporaryRevoke,
};
use crate::contracts::place::Place;
use crate::domain::block_change::{self, Registration};
use crate::domain::block_lifecycle::{self, BlockHistory, RevokeHistory};
use crate::domain::identity::RecordId;
use crate::domain::outcome::Outcome;
use crate::domain::rejection::{Class, Rejection};
use crate::store::StoreError;
use crate::store::block_changes::BlockRemoval;

/// RegisterBlock: a copy of a block, with the temporary revokes that it has already. All of it
/// or nothing.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn register_block(
    context: &Context<'_>,
    request: RegisterBlock<'_>,
) -> Result<Answer, StoreError> {
    let outcome = match convert::copy(&request, context.caller.as_deref()) {
        Ok((new, revokes)) => register(context, &new, &revokes).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::register_block(outcome.as_ref().copied()))
}

async fn register(context: &Context<'_>, new: &Registration, revokes: &[RevokeHistory]) -> Decided {
    if let Err(elsewhere) = context.tenant.may_hold(&new.block.care_provider) {
        return Ok(Err(elsewhere));
    }
    let mut change = begin(context).await?;
    let stored = change.block(&new.block.id).await?;
    let outcome = block_change::register(stored.as_ref().map(|(_, h)| &h.registration), new);
    let Ok(outcome) = outcome else { return Ok(outcome) };
    let fresh = BlockHistory { registration: new.clone(), revoked: None, deleted: None };
    let block = match outcome {
        Outcome::Store => Some(change.insert_block(new).await?),
        Outcome::Repeated => None,
    };
    for (index, revoke) in revokes.iter().enumerate() {
        let root = Place::root("RegisterBlock");
        let place = root.item("temporaryRevokeRegistration", index + 1);
        let stored = change.revoke(&revoke.revoke.id).await?.map(|(.., history)| history);
        let decided =
            block_lifecycle::register_revoke(Some(&fresh), stored.as_ref(), revoke, context.now);
        match (place.decided(decided), block) {
            (Ok(Outcome::Store), Some(block)) => change.insert_revoke(block, revoke).await?,
            (Ok(Outcome::Repeated), _) => {}
            // A repetition of the block that brings a new revoke says something else.
            (Ok(Outcome::Store), None) => return Ok(Err(other_revokes())),
            (Err(rejection), _) => return Ok(Err(rejection)),
        }
    }
    change.commit().await?;
    Ok(Ok(outcome))
}

fn other_revokes() -> Rejection {
    Rejection::new(
        Class::AlreadyExists,
        "En spärr med samma blockId men andra tillfälliga hävningar finns redan.",
    )
}

/// UnregisterBlock: the copy of a block is removed, its temporary revokes with it.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn unregister_block(
    context: &Context<'_>,
    request: UnregisterBlock<'_>,
) -> Result<Answer, StoreError> {
    let place = Place::root("UnregisterBlock");
    let outcome = match record_id(place.child("blockId"), &request.block_id) {
        Ok(id) => unregister(context, &id).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::unregister_block(outcome.as_ref().copied()))
}

async fn unregister(context: &Context<'_>, id: &RecordId) -> Decided {
    let mut change = begin(context).await?;
    let (number, stored) = change.block(id).await?.unzip();
    let outcome = block_lifecycle::unregister(stored.as_ref());
    if let (Ok(Outcome::Store), Some(number)) = (&outcome, number) {
        change.remove_block(number, BlockRemoval::Unregister).await?;
        change.commit().await?;
    }
    Ok(outcome)
}

/// RegisterTemporaryRevoke: the copy of a temporary revoke.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn register_temporary_revoke(
    context: &Context<'_>,
    request: RegisterTemporaryRevoke<'_>,
) -> Result<Answer, StoreError> {
    let root = Place::root("RegisterTemporaryRevoke");
    let place = root.child("temporaryRevokeRegistration");
    let new =
        convert::revoke(place, &request.temporary_revoke_registration, context.caller.as_deref());
    let outcome = match new {
        Ok(new) => lift(context, place, &new).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::register_temporary_revoke(outcome.as_ref().copied()))
}

/// UnregisterTemporaryRevoke: the copy of a temporary revoke is removed.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn unregister_temporary_revoke(
    context: &Context<'_>,
    request: UnregisterTemporaryRevoke<'_>,
) -> Result<Answer, StoreError> {
    let place = Place::root("UnregisterTemporaryRevoke");
    let outcome = match record_id(place.child("temporaryRevokeId"), &request.temporary_revoke_id) {
        Ok(id) => unlift(context, &id).await?.map(|_| ()),
        Err(rejection) => Err(rejection),
    };
    Ok(answers::unregister_temporary_revoke(outcome.as_ref().copied()))
}

async fn unlift(context: &Context<'_>, id: &RecordId) -> Decided {
    let mut change = begin(context).await?;
    let stored = change.revoke(id).await?;
    let outcome = block_lifecycle::unregister_revoke(stored.as_ref().map(|(.., history)| history));
    if let (Ok(Outcome::Store), Some((block, number, _))) = (&outcome, stored) {
        change.cancel_revoke(block, number, None).await?;
        change.commit().await?;
    }
    Ok(outcome)
}
