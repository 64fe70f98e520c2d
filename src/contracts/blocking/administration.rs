//! `RegisterExtendedBlock` 4.0: a block is registered in the local service.
//!
//! This installation is local and national service at once, so the one stored block is both
//! the local original and the national copy, and replication is done when it is stored.

use super::convert;
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::generated::blocking::v4::{
    RegisterExtendedBlock, RegisterExtendedBlockResponse,
};
use crate::contracts::result::blocking_result;
use crate::domain::block_change::{self, Outcome, Registration};
use crate::domain::rejection::Rejection;
use crate::store::{ChangeDomain, StoreError};

/// `OK` means that the block is durable and seen by every call from now on.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn register_extended_block(
    context: &Context<'_>,
    request: RegisterExtendedBlock<'_>,
) -> Result<Answer, StoreError> {
    let new = match convert::extended_registration(&request, context.caller.as_deref()) {
        Ok(new) => new,
        Err(rejection) => return Ok(refused(&rejection)),
    };
    let outcome = register(context, &new).await?;
    Ok(answer(outcome.as_ref().map(|_| ())))
}

async fn register(
    context: &Context<'_>,
    new: &Registration,
) -> Result<Result<Outcome, Rejection>, StoreError> {
    let store = &context.services.store;
    let mut change = store.change(context.tenant, ChangeDomain::Blocking, context.now).await?;
    let stored = change.block_registration(&new.block.id).await?;
    let outcome = block_change::register(stored.as_ref(), new);
    if outcome == Ok(Outcome::Store) {
        change.insert_block(new).await?;
        change.commit().await?;
    }
    Ok(outcome)
}

/// The answer to a request that could not be read.
pub fn refused(rejection: &Rejection) -> Answer {
    answer(Err(rejection))
}

fn answer(outcome: Result<(), &Rejection>) -> Answer {
    let response = RegisterExtendedBlockResponse { result: blocking_result(outcome) };
    Answer::whole(response.result.result_code.as_str(), 1, |out| response.write_root(out))
}
