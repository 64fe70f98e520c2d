//! The national service as a local one calls it.

use super::contract_call::{Remote, RemoteError};
use crate::domain::blocking::block::Block;
use crate::domain::blocking::replication::Notice;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::rejection::Class;
use crate::messages::blocking::block::{block_of_wire, wire_patient};
use crate::messages::blocking::change::{wire_registration, wire_revoke_registration};
use crate::messages::generated::blocking::v4 as wire;
use crate::messages::generated::{BlockingInteraction, Interaction};
use crate::messages::result::blocking_class;
use crate::soap::xml::Writer;

/// A result and nothing else.
const RESULT_BYTES_MAX: usize = 64 * 1024;
/// One patient's blocks.
const PATIENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Every block of some care providers; about a million.
const BLOCKS_BYTES_MAX: usize = 512 * 1024 * 1024;

/// A national service.
#[derive(Debug, Clone)]
pub struct National(pub Remote);

/// A notice that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What the code means.
    pub class: Class,
    /// The code, as the service spelled it.
    pub code: &'static str,
}

/// Active blocks as a national service has them.
#[derive(Debug, Default)]
pub struct Read {
    /// Those that could be read.
    pub blocks: Vec<Block>,
    /// How many could not.
    pub unreadable: usize,
}

impl National {
    /// Tells a change; the inner result is what its result code means.
    ///
    /// # Errors
    /// That there is no answer.
    pub async fn tell(&self, notice: &Notice) -> Result<Result<(), Refusal>, RemoteError> {
        macro_rules! tell {
            ($contract:ident, $response:ident, $request:expr) => {{
                let request = $request;
                let interaction = Interaction::Blocking(BlockingInteraction::$contract);
                let told = self.0.call(
                    interaction,
                    RESULT_BYTES_MAX,
                    |out| request.write_root(out),
                    |reader| Ok(wire::$response::read(reader)?.result.result_code),
                );
                told.await?
            }};
        }
        let code = match notice {
            Notice::RegisterBlock(new, revokes) => {
                tell!(RegisterBlock, RegisterBlockResponse, wire_registration(new, revokes))
            }
            Notice::UnregisterBlock(id) => {
                let block_id = id.as_str().into();
                tell!(UnregisterBlock, UnregisterBlockResponse, wire::UnregisterBlock { block_id })
            }
            Notice::RegisterTemporaryRevoke(new) => {
                let temporary_revoke_registration = wire_revoke_registration(new);
                tell!(
                    RegisterTemporaryRevoke,
                    RegisterTemporaryRevokeResponse,
                    wire::RegisterTemporaryRevoke { temporary_revoke_registration }
                )
            }
            Notice::UnregisterTemporaryRevoke(id) => {
                let temporary_revoke_id = id.as_str().into();
                tell!(
                    UnregisterTemporaryRevoke,
                    UnregisterTemporaryRevokeResponse,
                    wire::UnregisterTemporaryRevoke { temporary_revoke_id }
                )
            }
        };
        Ok(blocking_class(code).map_err(|class| Refusal { class, code: code.as_str() }))
    }

    /// Every active block of these care providers.
    ///
    /// # Errors
    /// That there is no answer, or that it cannot be understood.
    pub async fn blocks(&self, care_providers: &[HsaId]) -> Result<Read, RemoteError> {
        self.read(None, care_providers, BLOCKS_BYTES_MAX).await
    }

    /// The active blocks of a patient at a care provider.
    ///
    /// # Errors
    /// That there is no answer, or that it cannot be understood.
    pub async fn blocks_of(
        &self,
        patient: &PatientId,
        care_provider: &HsaId,
    ) -> Result<Read, RemoteError> {
        let provider = std::slice::from_ref(care_provider);
        self.read(Some(patient), provider, PATIENT_BYTES_MAX).await
    }

    /// Row by row: one that cannot be read spoils no other.
    async fn read(
        &self,
        patient: Option<&PatientId>,
        care_providers: &[HsaId],
        bytes_max: usize,
    ) -> Result<Read, RemoteError> {
        let request = wire::GetBlocks {
            patient_id: patient.map(wire_patient),
            care_provider_ids: care_providers.iter().map(|id| id.as_str().into()).collect(),
            created_on_or_after: None,
            violations: Vec::new(),
        };
        let interaction = Interaction::Blocking(BlockingInteraction::GetBlocks);
        let write = |out: &mut Writer| request.write_root(out);
        let answer = self.0.call(interaction, bytes_max, write, |reader| {
            let mut found = Read::default();
            let (head, _) = wire::GetBlocksResponse::read_rows(reader, |row| {
                match row.ok().and_then(|row| block_of_wire(&row).ok()) {
                    Some(block) => found.blocks.push(block),
                    None => found.unreadable += 1,
                }
            })?;
            Ok((head.result.result_code, found))
        });
        let (code, found) = answer.await?;
        blocking_class(code).map_err(RemoteError::Refused)?;
        Ok(found)
    }
}
