//! Changes of blocks in the local service: RegisterExtendedBlock, RevokeExtendedBlock,
//! DeleteExtendedBlock, RegisterTemporaryExtendedRevoke, CancelTemporaryExtendedRevoke, all 4.0.

use crate::contracts::answer::{Answer, ResultOnly, result_only};
use crate::contracts::contract::{Contract, at};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::messages::blocking::change as message;
use crate::messages::generated::blocking::v4 as wire;
use crate::messages::place::Place;
use crate::messages::result::blocking_result;
use crate::procedures::blocking::change;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;

result_only! {
    blocking_result;
    wire::RegisterExtendedBlock<'_> => wire::RegisterExtendedBlockResponse,
    wire::RevokeExtendedBlock<'_> => wire::RevokeExtendedBlockResponse,
    wire::DeleteExtendedBlock<'_> => wire::DeleteExtendedBlockResponse,
    wire::RegisterTemporaryExtendedRevoke<'_> => wire::RegisterTemporaryExtendedRevokeResponse,
    wire::CancelTemporaryExtendedRevoke<'_> => wire::CancelTemporaryExtendedRevokeResponse,
}

/// A new block, with who asked and who registered.
impl Contract for wire::RegisterExtendedBlock<'_> {
    const REALISED: Realised = Realised::Locally;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let (new, wait) = message::extended_registration(&self, context.caller.name())?;
        change::register(context, &new, wait).await?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}

/// A block is lifted for good.
impl Contract for wire::RevokeExtendedBlock<'_> {
    const REALISED: Realised = Realised::Locally;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let (id, by, wait) = message::removal(
            Place::root("RevokeExtendedBlock"),
            ("blockId", &self.block_id),
            ("revokeAction", &self.revoke_action),
            self.revoke_reason_text.as_ref(),
            self.replication_timeout,
        )?;
        change::revoke(context, &id, &by, wait).await?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}

/// A block registered by mistake is annulled.
impl Contract for wire::DeleteExtendedBlock<'_> {
    const REALISED: Realised = Realised::Locally;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let (id, by, wait) = message::removal(
            Place::root("DeleteExtendedBlock"),
            ("blockId", &self.block_id),
            ("deleteAction", &self.delete_action),
            self.delete_reason_text.as_ref(),
            self.replication_timeout,
        )?;
        change::delete(context, &id, &by, wait).await?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}

/// A block is lifted for a time.
impl Contract for wire::RegisterTemporaryExtendedRevoke<'_> {
    const REALISED: Realised = Realised::Locally;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let place = Place::root("RegisterTemporaryExtendedRevoke");
        let (new, wait) = message::extended_revoke(place, &self, context.caller.name())?;
        change::lift(context, &new, wait).await.map_err(|failure| at(place, failure))?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}

/// A temporary revoke is taken back.
impl Contract for wire::CancelTemporaryExtendedRevoke<'_> {
    const REALISED: Realised = Realised::Locally;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let (id, by, wait) = message::removal(
            Place::root("CancelTemporaryExtendedRevoke"),
            ("temporaryRevokeId", &self.temporary_revoke_id),
            ("cancellationInfo", &self.cancellation_info),
            self.cancel_reason_text.as_ref(),
            self.replication_timeout,
        )?;
        change::cancel(context, &id, &by, wait).await?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}
