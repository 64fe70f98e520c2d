//! The national service as a local one calls it: messages out, replies in.

use super::convert::{self, basic};
use crate::contracts::generated::blocking::v4 as wire;
use crate::contracts::generated::{Interaction, ns};
use crate::contracts::path;
use crate::contracts::result::blocking_outcome;
use crate::domain::block::{Block, TemporaryRevoke};
use crate::domain::block_lifecycle::RevokeHistory;
use crate::domain::identity::HsaId;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::replication::Message;
use crate::peer::{CallError, Peer};
use crate::soap::envelope::{self, Reply, Vocabulary};
use crate::soap::fault::Fault;
use crate::soap::xml::{self, Charset, ReadError, Reader, Writer};

const VOCABULARY: Vocabulary = Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 };
/// A result and nothing else.
const RESULT_BYTES_MAX: usize = 64 * 1024;
/// Every block of some care providers; about a million.
const BLOCKS_BYTES_MAX: usize = 512 * 1024 * 1024;
const BLOCKS_ELEMENTS_MAX: usize = 50_000_000;

/// Why a call to the national service has no answer.
#[derive(Debug, thiserror::Error)]
pub enum NationalError {
    /// No reply.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A SOAP fault.
    #[error("SOAP fault")]
    Fault,
    /// The reply is not what the contract says; no personal data.
    #[error("unreadable reply")]
    Unreadable,
    /// GetBlocks was refused.
    #[error("refused: {0:?}")]
    Refused(Class),
}

/// A national service.
#[derive(Debug, Clone)]
pub struct National {
    peer: Peer,
    logical_address: String,
}

impl National {
    /// The national service at a logical address.
    pub fn new(peer: Peer, logical_address: String) -> Self {
        Self { peer, logical_address }
    }

    /// Tells a change; the inner result is what its result code means.
    ///
    /// # Errors
    /// That there is no answer.
    pub async fn tell(&self, message: &Message) -> Result<Result<(), Class>, NationalError> {
        let mut out = envelope::open_request(&self.logical_address);
        let interaction = write(message, &mut out);
        out.raw(envelope::CLOSE);
        let reply = self.call(interaction, out.take(), RESULT_BYTES_MAX).await?;
        let read = match message {
            Message::RegisterBlock(..) => {
                |r: &mut Reader<'_>| Ok(wire::RegisterBlockResponse::read(r)?.result.result_code)
            }
            Message::UnregisterBlock(_) => {
                |r: &mut Reader<'_>| Ok(wire::UnregisterBlockResponse::read(r)?.result.result_code)
            }
            Message::RegisterTemporaryRevoke(_) => |r: &mut Reader<'_>| {
                Ok(wire::RegisterTemporaryRevokeResponse::read(r)?.result.result_code)
            },
            Message::UnregisterTemporaryRevoke(_) => |r: &mut Reader<'_>| {
                Ok(wire::UnregisterTemporaryRevokeResponse::read(r)?.result.result_code)
            },
        };
        answer(&reply, interaction, read).map(blocking_outcome)
    }

    /// Every active block of these care providers.
    ///
    /// # Errors
    /// That there is no answer, or that it cannot be understood.
    pub async fn blocks(&self, care_providers: &[HsaId]) -> Result<Vec<Block>, NationalError> {
        let mut out = envelope::open_request(&self.logical_address);
        out.raw(wire::GetBlocks::OPEN);
        for provider in care_providers {
            out.text("<r:careProviderIds>", provider.as_str(), "</r:careProviderIds>");
        }
        out.raw(wire::GetBlocks::CLOSE);
        out.raw(envelope::CLOSE);
        let reply = self.call(Interaction::GetBlocks, out.take(), BLOCKS_BYTES_MAX).await?;
        answer(&reply, Interaction::GetBlocks, |reader| {
            let header = wire::GetBlocksResponse::read(reader)?.block_header;
            Ok(match blocking_outcome(header.result.result_code) {
                Ok(()) => header
                    .blocks
                    .iter()
                    .map(convert::told)
                    .collect::<Result<_, _>>()
                    .map_err(|_: Rejection| NationalError::Unreadable),
                Err(class) => Err(NationalError::Refused(class)),
            })
        })?
    }

    async fn call(
        &self,
        interaction: Interaction,
        message: String,
        reply_bytes_max: usize,
    ) -> Result<String, NationalError> {
        let path = path::of(interaction);
        let action = interaction.soap_action();
        let reply = self.peer.call(&path, action, message, reply_bytes_max).await?;
        match xml::decode(&reply, Charset::Unstated) {
            Ok(text) => Ok(text.into_owned()),
            Err(_) => Err(NationalError::Unreadable),
        }
    }
}

fn answer<T>(
    reply: &str,
    interaction: Interaction,
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, ReadError>,
) -> Result<T, NationalError> {
    let expected = format!("{}Response", interaction.name());
    let unreadable = |_: Fault| NationalError::Unreadable;
    match Reply::open(reply, VOCABULARY).map_err(unreadable)? {
        Reply::Answer((_, name), mut reader) if name == expected => {
            reader.limit_elements(BLOCKS_ELEMENTS_MAX);
            read(&mut reader).map_err(|_| NationalError::Unreadable)
        }
        Reply::Answer(..) => Err(NationalError::Unreadable),
        Reply::Fault => Err(NationalError::Fault),
    }
}

fn write(message: &Message, out: &mut Writer) -> Interaction {
    match message {
        Message::RegisterBlock(registration, revokes) => {
            let block = basic(&registration.block);
            let request = wire::RegisterBlock {
                block_id: block.block_id,
                block_type: block.block_type,
                patient_id: block.patient_id,
                information_start_date: block.information_start_date,
                information_end_date: block.information_end_date,
                information_care_unit_id: block.information_care_unit_id,
                information_care_provider_id: block.information_care_provider_id,
                excluded_information_types: registration
                    .block
                    .exempted
                    .iter()
                    .map(|t| t.code().into())
                    .collect(),
                temporary_revoke_registration: revokes.iter().map(registration_of).collect(),
            };
            request.write_root(out);
            Interaction::RegisterBlock
        }
        Message::UnregisterBlock(id) => {
            wire::UnregisterBlock { block_id: id.as_str().into() }.write_root(out);
            Interaction::UnregisterBlock
        }
        Message::RegisterTemporaryRevoke(new) => {
            let temporary_revoke_registration = registration_of(new);
            wire::RegisterTemporaryRevoke { temporary_revoke_registration }.write_root(out);
            Interaction::RegisterTemporaryRevoke
        }
        Message::UnregisterTemporaryRevoke(id) => {
            let temporary_revoke_id = id.as_str().into();
            wire::UnregisterTemporaryRevoke { temporary_revoke_id }.write_root(out);
            Interaction::UnregisterTemporaryRevoke
        }
    }
}

fn registration_of(new: &RevokeHistory) -> wire::TemporaryRevokeRegistration<'_> {
    let TemporaryRevoke { id, end, care_unit, employee, .. } = &new.revoke;
    wire::TemporaryRevokeRegistration {
        temporary_revoke_id: id.as_str().into(),
        block_id: new.block.as_str().into(),
        end_date: crate::contracts::convert::wire_time(*end),
        revoked_for_care_unit_id: care_unit.as_str().into(),
        revoked_for_employee_id: employee.as_ref().map(|id| id.as_str().into()),
    }
}
