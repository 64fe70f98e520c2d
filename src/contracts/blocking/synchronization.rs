//! Copies in the national service: RegisterBlock, UnregisterBlock, RegisterTemporaryRevoke,
//! UnregisterTemporaryRevoke, all 4.0. Local services call them to replicate their changes.
//!
//! `OK` means that the change is durable and seen by every call from now on.

use super::administration::{Decided, begin};
use super::{answers, convert_changes as convert};
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::convert::record_id;
use crate::contracts::generated::blocking::v4::{
    RegisterBlock, RegisterTemporaryRevoke, UnregisterBlock, UnregisterTemporaryRevoke,
};
use crate::contracts::place::Place;
use crate::contracts::tenants::Tenant;
use crate::domain::block_change::{self, Registration};
use crate::domain::block_lifecycle::{self, BlockHistory, RevokeHistory};
use crate::domain::identity::RecordId;
use crate::domain::outcome::Outcome;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::replication::Message;
use crate::domain::time::Timestamp;
use crate::store::block_changes::BlockRemoval;
use crate::store::{Change, StoreError};

/// RegisterBlock: a copy of a block, with the temporary revokes that it has already. All of it
/// or nothing.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn register_block(
    context: &Context<'_>,
    request: RegisterBlock<'_>,
) -> Result<Answer, StoreError> {
    let message = convert::copy(&request, context.caller.as_deref())
        .map(|(block, revokes)| Message::RegisterBlock(block, revokes));
    let outcome = take(context, message).await?;
    Ok(answers::register_block(outcome.as_ref().copied()))
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
    let id = record_id(place.child("blockId"), &request.block_id);
    let outcome = take(context, id.map(Message::UnregisterBlock)).await?;
    Ok(answers::unregister_block(outcome.as_ref().copied()))
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
    let outcome = take(context, new.map(Message::RegisterTemporaryRevoke)).await?;
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
    let id = record_id(place.child("temporaryRevokeId"), &request.temporary_revoke_id);
    let outcome = take(context, id.map(Message::UnregisterTemporaryRevoke)).await?;
    Ok(answers::unregister_temporary_revoke(outcome.as_ref().copied()))
}

/// Takes a message of a local service's up, if it could be read.
async fn take(
    context: &Context<'_>,
    message: Result<Message, Rejection>,
) -> Result<Result<(), Rejection>, StoreError> {
    let message = match message {
        Ok(message) => message,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let mut change = begin(context).await?;
    let outcome = apply(&mut change, context.tenant, &message, context.now).await?;
    if outcome == Ok(Outcome::Store) {
        change.commit().await?;
    }
    Ok(outcome.map(|_| ()))
}

/// Changes the copies as the message says. Nothing of a refused message may be kept.
pub(super) async fn apply(
    change: &mut Change,
    tenant: &Tenant,
    message: &Message,
    now: Timestamp,
) -> Decided {
    match message {
        Message::RegisterBlock(new, revokes) => {
            if let Err(elsewhere) = tenant.may_hold(&new.block.care_provider) {
                return Ok(Err(elsewhere));
            }
            register(change, new, revokes, now).await
        }
        Message::UnregisterBlock(id) => unregister(change, id).await,
        Message::RegisterTemporaryRevoke(new) => lift(change, new, now).await,
        Message::UnregisterTemporaryRevoke(id) => unlift(change, id).await,
    }
}

async fn register(
    change: &mut Change,
    new: &Registration,
    revokes: &[RevokeHistory],
    now: Timestamp,
) -> Decided {
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
        let decided = block_lifecycle::register_revoke(Some(&fresh), stored.as_ref(), revoke, now);
        match (place.decided(decided), block) {
            (Ok(Outcome::Store), Some(block)) => {
                change.insert_revoke(block, revoke).await?;
            }
            (Ok(Outcome::Repeated), _) => {}
            // A repetition of the block that brings a new revoke says something else.
            (Ok(Outcome::Store), None) => return Ok(Err(other_revokes())),
            (Err(rejection), _) => return Ok(Err(rejection)),
        }
    }
    Ok(Ok(outcome))
}

fn other_revokes() -> Rejection {
    Rejection::new(
        Class::AlreadyExists,
        "En spärr med samma blockId men andra tillfälliga hävningar finns redan.",
    )
}

async fn unregister(change: &mut Change, id: &RecordId) -> Decided {
    let (number, stored) = change.block(id).await?.unzip();
    let outcome = block_lifecycle::unregister(stored.as_ref());
    if let (Ok(Outcome::Store), Some(number)) = (&outcome, number) {
        change.remove_block(number, BlockRemoval::Unregister).await?;
    }
    Ok(outcome)
}

async fn lift(change: &mut Change, new: &RevokeHistory, now: Timestamp) -> Decided {
    let (number, block) = change.block(&new.block).await?.unzip();
    let stored = change.revoke(&new.revoke.id).await?.map(|(.., history)| history);
    let decided = block_lifecycle::register_revoke(block.as_ref(), stored.as_ref(), new, now);
    let root = Place::root("RegisterTemporaryRevoke");
    let outcome = root.child("temporaryRevokeRegistration").decided(decided);
    if let (Ok(Outcome::Store), Some(number)) = (&outcome, number) {
        change.insert_revoke(number, new).await?;
    }
    Ok(outcome)
}

async fn unlift(change: &mut Change, id: &RecordId) -> Decided {
    let stored = change.revoke(id).await?;
    let outcome = block_lifecycle::unregister_revoke(stored.as_ref().map(|(.., history)| history));
    if let (Ok(Outcome::Store), Some((block, number, _))) = (&outcome, stored) {
        change.cancel_revoke(block, number, None).await?;
    }
    Ok(outcome)
}
