//! Blocks: wire to domain and back.

use crate::domain::blocking::block::{
    Block, BlockContent, Guards, Information, InformationType, Lift, TemporaryRevoke,
};
use crate::domain::blocking::registration;
use crate::domain::identity::{PatientId, RecordId};
use crate::domain::lifetime::Lifetime;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp};
use crate::messages::identity::{
    actions_of_wire, hsa_id, optional_hsa_id, owned, patient, record_id,
};
use crate::messages::place::Place;
use crate::messages::time::{instant, period, wire_not_earlier, wire_not_later};
use crate::soap::xml::{DateTime, Text};

actions_of_wire!(crate::messages::generated::blocking::v4);

/// What every description of a block says alike.
pub(super) struct BlockFields<'r, 'a> {
    pub block_id: &'r Text<'a>,
    pub block_type: wire::BlockType,
    pub patient_id: &'r wire::II<'a>,
    pub start: Option<DateTime>,
    pub end: Option<DateTime>,
    pub care_unit: Option<&'r Text<'a>>,
    pub care_provider: &'r Text<'a>,
    pub exempted: &'r [&'r Text<'a>],
}

/// A block's id and what it closes.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn content(
    root: Place<'_>,
    fields: &BlockFields<'_, '_>,
) -> Result<(RecordId, BlockContent), Rejection> {
    let id = fields.patient_id;
    let types = fields.exempted.iter().map(|code| &***code);
    let block_id = record_id(root.child("blockId"), fields.block_id)?;
    let patient = patient(root.child("patientId"), &id.root, id.extension.as_ref())?;
    let unit = optional_hsa_id(root.child("informationCareUnitId"), fields.care_unit)?;
    let provider = hsa_id(root.child("informationCareProviderId"), fields.care_provider)?;
    let inner = match fields.block_type {
        wire::BlockType::Inner => true,
        wire::BlockType::Outer => false,
    };
    let placed = |rejection: Rejection| root.under(&rejection);
    let content = BlockContent {
        patient,
        guards: registration::guards(inner, unit, provider).map_err(placed)?,
        period: period(fields.start, fields.end),
        exempted: registration::exempted(types).map_err(placed)?,
    };
    registration::check(&content).map_err(placed)?;
    Ok((block_id, content))
}

/// A row of `CheckBlocks`; `None` when a value of it is wrong.
pub fn information(row: &wire::InformationEntity<'_>) -> Option<Information> {
    let place = Place::root("informationEntities");
    let id = |text: &Option<Text<'_>>| hsa_id(place, text.as_deref().unwrap_or_default()).ok();
    let information = Information {
        period: period(row.information_start_date, row.information_end_date),
        care_unit: id(&row.information_care_unit_id)?,
        care_provider: id(&row.information_care_provider_id)?,
        information_type: row.information_type.as_deref().and_then(InformationType::of_code),
    };
    (row.violations.is_empty() && !information.period.is_reversed()).then_some(information)
}

/// A patient's identity on the wire.
pub fn wire_patient(patient: &PatientId) -> wire::II<'_> {
    wire::II { root: patient.root().into(), extension: Some(patient.extension().into()) }
}

/// A block in the basic format.
pub fn wire_block(block: &Block) -> wire::Block<'_> {
    let revokes = block.revokes.iter().map(wire_revoke).collect();
    wire_content(&block.id, &block.content, revokes, block.owner_id.as_deref())
}

/// A block in the basic format, of its parts.
pub(super) fn wire_content<'r>(
    id: &'r RecordId,
    content: &'r BlockContent,
    temporary_revokes: Vec<wire::TemporaryRevoke<'r>>,
    owner_id: Option<&'r str>,
) -> wire::Block<'r> {
    wire::Block {
        block_id: id.as_str().into(),
        block_type: match content.guards {
            Guards::Unit { .. } => wire::BlockType::Inner,
            Guards::Provider(_) => wire::BlockType::Outer,
        },
        information_start_date: content.period.start.map(wire_not_later),
        information_end_date: content.period.end.map(wire_not_earlier),
        information_care_unit_id: content.guards.unit().map(|id| id.as_str().into()),
        information_care_provider_id: content.guards.provider().as_str().into(),
        patient_id: wire_patient(&content.patient),
        excluded_information_types: content.exempted.iter().map(|t| wire_type(*t)).collect(),
        temporary_revokes,
        owner_id: owner_id.map(Into::into),
    }
}

fn wire_type(exempted: InformationType) -> wire::InformationType<'static> {
    wire::InformationType {
        info_type_id: exempted.code().into(),
        info_type_description: exempted.description().into(),
    }
}

fn wire_revoke(revoke: &TemporaryRevoke) -> wire::TemporaryRevoke<'_> {
    let Lift { end, care_unit, employee } = &revoke.lift;
    wire::TemporaryRevoke {
        temporary_revoke_id: revoke.id.as_str().into(),
        end_date: wire_not_later(*end),
        revoked_for_care_unit_id: care_unit.as_str().into(),
        revoked_for_employee_id: employee.as_ref().map(|id| id.as_str().into()),
        owner_id: revoke.owner_id.as_deref().map(Into::into),
    }
}

/// An active block as another service tells it. When it was stored there is not told.
///
/// # Errors
/// The first value that makes no sense.
pub fn block_of_wire(block: &wire::Block<'_>) -> Result<Block, Rejection> {
    let root = Place::root("blocks");
    let types: Vec<&Text<'_>> =
        block.excluded_information_types.iter().map(|t| &t.info_type_id).collect();
    let fields = BlockFields {
        block_id: &block.block_id,
        block_type: block.block_type,
        patient_id: &block.patient_id,
        start: block.information_start_date,
        end: block.information_end_date,
        care_unit: block.information_care_unit_id.as_ref(),
        care_provider: &block.information_care_provider_id,
        exempted: &types,
    };
    let unknown = Timestamp::UNIX_EPOCH;
    let revokes = block.temporary_revokes.iter().map(|revoke| {
        let employee = revoke.revoked_for_employee_id.as_ref();
        Ok(TemporaryRevoke {
            id: record_id(root, &revoke.temporary_revoke_id)?,
            lift: Lift {
                end: instant(revoke.end_date, Ambiguous::Later),
                care_unit: hsa_id(root, &revoke.revoked_for_care_unit_id)?,
                employee: optional_hsa_id(root, employee)?,
            },
            lifetime: Lifetime::from(unknown),
            owner_id: None,
        })
    });
    let revokes = revokes.collect::<Result<_, Rejection>>()?;
    let (id, content) = content(root, &fields)?;
    let owner_id = owned(block.owner_id.as_ref());
    Ok(Block { id, content, lifetime: Lifetime::from(unknown), revokes, owner_id })
}
