//! Blocks: wire to domain and back.

use super::convert_changes::{self, BlockFields};
use crate::contracts::convert::{
    actions_of_wire, hsa_id, instant, optional_hsa_id, record_id, wire_end, wire_time,
};
use crate::contracts::place::Place;
use crate::domain::block::{Block, BlockType, Information, InformationType, TemporaryRevoke};
use crate::domain::block_change::{Registration, ReplicationWait};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Period};
use crate::soap::xml::{DateTime, Text};

actions_of_wire!(crate::contracts::generated::blocking::v4);

/// The block that `RegisterExtendedBlock` describes.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn extended_registration(
    request: &wire::RegisterExtendedBlock<'_>,
    owner_id: Option<&str>,
) -> Result<(Registration, ReplicationWait), Rejection> {
    let root = Place::root("RegisterExtendedBlock");
    let fields = BlockFields {
        block_id: &request.block_id,
        block_type: request.block_type,
        patient_id: &request.patient_id,
        start: request.information_start_date,
        end: request.information_end_date,
        care_unit: request.information_care_unit_id.as_ref(),
        care_provider: &request.information_care_provider_id,
        exempted: &request.excluded_information_types.iter().collect::<Vec<_>>(),
    };
    let block = convert_changes::block(root, &fields, owner_id)?;
    let action = action(root.child("registerAction"), &request.register_action)?;
    let wait = convert_changes::replication_wait(root, request.replication_timeout)?;
    Ok((Registration { block, action: Some(action) }, wait))
}

/// A period of information; the bounds reach as far as their texts can mean.
pub(super) fn period(start: Option<DateTime>, end: Option<DateTime>) -> Period {
    Period {
        start: start.map(|at| instant(at, Ambiguous::Earlier)),
        end: end.map(|at| instant(at, Ambiguous::Later)),
    }
}

/// A row of `CheckBlocks`; `None` when a value of it is wrong.
pub(super) fn information(row: &wire::InformationEntity<'_>) -> Option<Information> {
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

/// An active block in the basic format.
pub(super) fn basic(block: &Block) -> wire::Block<'_> {
    wire::Block {
        block_id: block.id.as_str().into(),
        block_type: match block.block_type {
            BlockType::Inner => wire::BlockType::Inner,
            BlockType::Outer => wire::BlockType::Outer,
        },
        information_start_date: block.period.start.map(wire_time),
        information_end_date: block.period.end.map(wire_end),
        information_care_unit_id: block.care_unit.as_ref().map(|id| id.as_str().into()),
        information_care_provider_id: block.care_provider.as_str().into(),
        patient_id: wire::II {
            root: block.patient.root().into(),
            extension: Some(block.patient.extension().into()),
        },
        excluded_information_types: block.exempted.iter().map(|t| information_type(*t)).collect(),
        temporary_revokes: block.revokes.iter().map(revoke).collect(),
        owner_id: block.owner_id.as_deref().map(Into::into),
    }
}

/// An active block as another service tells it, or as we do.
///
/// # Errors
/// The first value that makes no sense.
pub(super) fn told(block: &wire::Block<'_>) -> Result<Block, Rejection> {
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
    let revokes = block.temporary_revokes.iter().map(|revoke| {
        let employee = revoke.revoked_for_employee_id.as_ref();
        Ok(TemporaryRevoke {
            id: record_id(root, &revoke.temporary_revoke_id)?,
            end: instant(revoke.end_date, Ambiguous::Later),
            care_unit: hsa_id(root, &revoke.revoked_for_care_unit_id)?,
            employee: optional_hsa_id(root, employee)?,
            owner_id: None,
            cancelled: false,
        })
    });
    let revokes = revokes.collect::<Result<_, Rejection>>()?;
    Ok(Block { revokes, ..convert_changes::block(root, &fields, None)? })
}

fn information_type(exempted: InformationType) -> wire::InformationType<'static> {
    wire::InformationType {
        info_type_id: exempted.code().into(),
        info_type_description: exempted.description().into(),
    }
}

fn revoke(revoke: &TemporaryRevoke) -> wire::TemporaryRevoke<'_> {
    wire::TemporaryRevoke {
        temporary_revoke_id: revoke.id.as_str().into(),
        end_date: wire_time(revoke.end),
        revoked_for_care_unit_id: revoke.care_unit.as_str().into(),
        revoked_for_employee_id: revoke.employee.as_ref().map(|id| id.as_str().into()),
        owner_id: revoke.owner_id.as_deref().map(Into::into),
    }
}
