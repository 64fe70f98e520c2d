//! Copies in the national service: RegisterBlock, UnregisterBlock, RegisterTemporaryRevoke,
//! UnregisterTemporaryRevoke, all 4.0. Local services call them to replicate their changes.

use crate::contracts::answer::{Answer, ResultOnly, result_only};
use crate::contracts::contract::{Contract, at};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::messages::blocking::change as message;
use crate::messages::generated::blocking::v4 as wire;
use crate::messages::identity::record_id;
use crate::messages::place::Place;
use crate::messages::result::blocking_result;
use crate::procedures::blocking::copies;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;

result_only! {
    blocking_result;
    wire::RegisterBlock<'_> => wire::RegisterBlockResponse,
    wire::UnregisterBlock<'_> => wire::UnregisterBlockResponse,
    wire::RegisterTemporaryRevoke<'_> => wire::RegisterTemporaryRevokeResponse,
    wire::UnregisterTemporaryRevoke<'_> => wire::UnregisterTemporaryRevokeResponse,
}

/// A copy of a block, with the temporary revokes that it has already.
impl Contract for wire::RegisterBlock<'_> {
    const REALISED: Realised = Realised::Nationally;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let (new, revokes) = message::basic_registration(&self, context.caller.name())?;
        copies::register(context, &new, &revokes).await?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}

/// The copy of a block is removed, its temporary revokes with it.
impl Contract for wire::UnregisterBlock<'_> {
    const REALISED: Realised = Realised::Nationally;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let id = record_id(Place::root("UnregisterBlock").child("blockId"), &self.block_id)?;
        copies::unregister(context, &id).await?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}

/// The copy of a temporary revoke.
impl Contract for wire::RegisterTemporaryRevoke<'_> {
    const REALISED: Realised = Realised::Nationally;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("RegisterTemporaryRevoke");
        let place = root.child("temporaryRevokeRegistration");
        let registration = &self.temporary_revoke_registration;
        let new = message::basic_revoke(place, registration, context.caller.name())?;
        copies::lift(context, &new).await.map_err(|failure| at(place, failure))?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}

/// The copy of a temporary revoke is removed.
impl Contract for wire::UnregisterTemporaryRevoke<'_> {
    const REALISED: Realised = Realised::Nationally;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let place = Place::root("UnregisterTemporaryRevoke");
        let id = record_id(place.child("temporaryRevokeId"), &self.temporary_revoke_id)?;
        copies::unlift(context, &id).await?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}
