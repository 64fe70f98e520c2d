//! What may happen to a block, and what a change must say to be taken up.
//!
//! # Rules
//! - **BC1** An inner block names the care unit it guards, an outer block none
//!   [TKB blocking 4.0.4, `RegisterBlock`].
//! - **BC2** The information period does not end before it starts.
//! - **BC3** Only `lak` and `upp` can be exempted; the same type twice counts once.
//! - **BC4** A registration that repeats an id with identical content is done already; with
//!   other content the id is taken.
//! - **BC5** `replicationTimeout` is -1 (wait), 0 (do not wait) or the milliseconds to wait.

use super::block::{Block, BlockType, InformationType};
use super::identity::Action;
use super::rejection::{Class, Rejection};

/// A block as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The block itself.
    pub block: Block,
    /// Who asked and who registered; in the extended format only.
    pub action: Option<Action>,
}

/// What a registration leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The id is new: store it.
    Store,
    /// Done before, in the same words: nothing to do.
    Repeated,
}

/// Takes up the exempted types of a registration (BC3).
///
/// # Errors
/// A code that is no type.
pub fn exempted<'a>(
    codes: impl Iterator<Item = &'a str>,
) -> Result<Vec<InformationType>, Rejection> {
    let mut types = Vec::new();
    for (index, code) in codes.enumerate() {
        let found = InformationType::of_code(code).ok_or_else(|| {
            let place = index + 1;
            Rejection::validation(format!(
                "excludedInformationTypes[{place}]: okänd informationstyp (tillåtna värden: lak, upp)"
            ))
        })?;
        types.push(found);
    }
    types.sort_unstable();
    types.dedup();
    Ok(types)
}

/// Whether the block says what it must (BC1, BC2).
///
/// # Errors
/// What is missing or contradictory.
pub fn check(block: &Block) -> Result<(), Rejection> {
    let wrong = match (block.block_type, &block.care_unit) {
        (BlockType::Inner, None) => "informationCareUnitId: saknas (krävs för inre spärr)",
        (BlockType::Outer, Some(_)) => "informationCareUnitId: får inte anges för yttre spärr",
        _ if block.period.is_reversed() => "informationEndDate: ligger före informationStartDate",
        _ => return Ok(()),
    };
    Err(Rejection::validation(wrong))
}

/// What to do with a registration when `stored` has its id already (BC4).
///
/// # Errors
/// The id is taken by other content.
pub fn register(stored: Option<&Registration>, new: &Registration) -> Result<Outcome, Rejection> {
    match stored {
        None => Ok(Outcome::Store),
        Some(stored) if same_content(stored, new) => Ok(Outcome::Repeated),
        Some(_) => Err(Rejection::new(
            Class::AlreadyExists,
            "En spärr med samma blockId men annat innehåll finns redan.",
        )),
    }
}

/// What the caller said is the same, whatever has happened to the block since.
fn same_content(stored: &Registration, new: &Registration) -> bool {
    let as_registered = |r: &Registration| Registration {
        block: Block { removed: false, revokes: Vec::new(), owner_id: None, ..r.block.clone() },
        action: r.action.clone(),
    };
    as_registered(stored) == as_registered(new)
}

/// How long a call waits for replication (BC5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicationWait {
    /// Until it is done.
    UntilDone,
    /// Not at all.
    No,
    /// At most so many milliseconds.
    Milliseconds(u32),
}

/// Reads `replicationTimeout`.
///
/// # Errors
/// A value below -1.
pub fn replication_wait(timeout: i32) -> Result<ReplicationWait, Rejection> {
    match (timeout, u32::try_from(timeout)) {
        (-1, _) => Ok(ReplicationWait::UntilDone),
        (0, _) => Ok(ReplicationWait::No),
        (_, Ok(milliseconds)) => Ok(ReplicationWait::Milliseconds(milliseconds)),
        _ => Err(Rejection::validation("replicationTimeout: får inte vara mindre än -1")),
    }
}
