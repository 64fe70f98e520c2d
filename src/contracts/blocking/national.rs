//! The national service as a local one calls it.

use super::convert::{basic, told};
use crate::contracts::convert::wire_time;
use crate::contracts::generated::Interaction;
use crate::contracts::generated::blocking::v4 as wire;
use crate::contracts::remote::{Remote, RemoteError};
use crate::contracts::result::blocking_outcome;
use crate::domain::block::{Block, TemporaryRevoke};
use crate::domain::block_change::Registration;
use crate::domain::block_lifecycle::RevokeHistory;
use crate::domain::identity::HsaId;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::replication::Message;
use crate::soap::xml::Writer;

/// A result and nothing else.
const RESULT_BYTES_MAX: usize = 64 * 1024;
/// Every block of some care providers; about a million.
const BLOCKS_BYTES_MAX: usize = 512 * 1024 * 1024;

/// A national service.
#[derive(Debug, Clone)]
pub struct National(pub Remote);

impl National {
    /// Tells a change; the inner result is what its result code means.
    ///
    /// # Errors
    /// That there is no answer.
    pub async fn tell(&self, message: &Message) -> Result<Result<(), Class>, RemoteError> {
        macro_rules! tell {
            ($contract:ident, $response:ident, $write:expr) => {
                self.0
                    .call(Interaction::$contract, RESULT_BYTES_MAX, $write, |reader| {
                        Ok(wire::$response::read(reader)?.result.result_code)
                    })
                    .await
            };
        }
        let code = match message {
            Message::RegisterBlock(new, revokes) => {
                tell!(RegisterBlock, RegisterBlockResponse, |out| register(new, revokes, out))
            }
            Message::UnregisterBlock(id) => {
                let block_id = id.as_str().into();
                let request = wire::UnregisterBlock { block_id };
                tell!(UnregisterBlock, UnregisterBlockResponse, |out| request.write_root(out))
            }
            Message::RegisterTemporaryRevoke(new) => {
                let temporary_revoke_registration = registration_of(new);
                let request = wire::RegisterTemporaryRevoke { temporary_revoke_registration };
                tell!(RegisterTemporaryRevoke, RegisterTemporaryRevokeResponse, |out| request
                    .write_root(out))
            }
            Message::UnregisterTemporaryRevoke(id) => {
                let temporary_revoke_id = id.as_str().into();
                let request = wire::UnregisterTemporaryRevoke { temporary_revoke_id };
                tell!(UnregisterTemporaryRevoke, UnregisterTemporaryRevokeResponse, |out| request
                    .write_root(out))
            }
        };
        code.map(blocking_outcome)
    }

    /// Every active block of these care providers.
    ///
    /// # Errors
    /// That there is no answer, or that it cannot be understood.
    pub async fn blocks(&self, care_providers: &[HsaId]) -> Result<Vec<Block>, RemoteError> {
        let write = |out: &mut Writer| {
            out.raw(wire::GetBlocks::OPEN);
            for provider in care_providers {
                out.text("<r:careProviderIds>", provider.as_str(), "</r:careProviderIds>");
            }
            out.raw(wire::GetBlocks::CLOSE);
        };
        let answer = self.0.call(Interaction::GetBlocks, BLOCKS_BYTES_MAX, write, |reader| {
            let header = wire::GetBlocksResponse::read(reader)?.block_header;
            let blocks: Result<Vec<Block>, Rejection> = header.blocks.iter().map(told).collect();
            Ok((header.result.result_code, blocks))
        });
        let (code, blocks) = answer.await?;
        blocking_outcome(code).map_err(RemoteError::Refused)?;
        blocks.map_err(|_| RemoteError::Unreadable)
    }
}

fn register(new: &Registration, revokes: &[RevokeHistory], out: &mut Writer) {
    let block = basic(&new.block);
    let request = wire::RegisterBlock {
        block_id: block.block_id,
        block_type: block.block_type,
        patient_id: block.patient_id,
        information_start_date: block.information_start_date,
        information_end_date: block.information_end_date,
        information_care_unit_id: block.information_care_unit_id,
        information_care_provider_id: block.information_care_provider_id,
        excluded_information_types: new.block.exempted.iter().map(|t| t.code().into()).collect(),
        temporary_revoke_registration: revokes.iter().map(registration_of).collect(),
    };
    request.write_root(out);
}

fn registration_of(new: &RevokeHistory) -> wire::TemporaryRevokeRegistration<'_> {
    let TemporaryRevoke { id, end, care_unit, employee, .. } = &new.revoke;
    wire::TemporaryRevokeRegistration {
        temporary_revoke_id: id.as_str().into(),
        block_id: new.block.as_str().into(),
        end_date: wire_time(*end),
        revoked_for_care_unit_id: care_unit.as_str().into(),
        revoked_for_employee_id: employee.as_ref().map(|id| id.as_str().into()),
    }
}
