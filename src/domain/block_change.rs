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
use super::outcome::Outcome;
use super::rejection::{Class, Rejection};

/// A block as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The block itself.
    pub block: Block,
    /// Who asked and who registered; in the extended format only.
    pub action: Option<Action>,
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

#[cfg(test)]
mod tests {
    use super::super::identity::{Actor, HsaId, PatientId, RecordId};
    use super::super::time::Period;
    use super::*;

    fn block() -> Block {
        Block {
            id: RecordId::new("b").unwrap(),
            block_type: BlockType::Inner,
            patient: PatientId::new("1.2.3", "1").unwrap(),
            period: Period::default(),
            care_unit: HsaId::new("U"),
            care_provider: HsaId::new("A").unwrap(),
            exempted: Vec::new(),
            removed: false,
            revokes: Vec::new(),
            owner_id: Some("S".into()),
        }
    }

    fn registration(reason: &str) -> Registration {
        let employee =
            Actor { employee: HsaId::new("P").unwrap(), assignment: None, assignment_name: None };
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let action = Action {
            requested_at: at,
            requested_by: employee.clone(),
            registered_at: at,
            registered_by: employee,
            reason: Some(reason.into()),
        };
        Registration { block: block(), action: Some(action) }
    }

    #[test]
    fn bc1_only_inner_blocks_name_a_unit() {
        assert!(check(&block()).is_ok());
        assert!(check(&Block { care_unit: None, ..block() }).is_err());
        assert!(check(&Block { block_type: BlockType::Outer, ..block() }).is_err());
        let outer = Block { block_type: BlockType::Outer, care_unit: None, ..block() };
        assert!(check(&outer).is_ok());
    }

    #[test]
    fn bc2_a_period_may_be_an_instant_but_not_reversed() {
        let at = |text: &str| Some(text.parse().unwrap());
        let (one, two) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:01Z"));
        let with = |start, end| check(&Block { period: Period { start, end }, ..block() });
        assert!(with(one, one).is_ok() && with(one, two).is_ok() && with(None, one).is_ok());
        assert!(with(two, one).is_err());
    }

    #[test]
    fn bc3_only_known_types_are_exempted_each_once() {
        let types = exempted(["upp", "lak", "upp"].into_iter()).unwrap();
        assert_eq!(types, [InformationType::Lak, InformationType::Upp]);
        let refused = exempted(["lak", "lab"].into_iter()).unwrap_err();
        assert!(refused.text.starts_with("excludedInformationTypes[2]"), "{}", refused.text);
    }

    #[test]
    fn bc4_a_repetition_is_done_already_unless_it_says_something_else() {
        let new = registration("x");
        assert_eq!(register(None, &new), Ok(Outcome::Store));
        assert_eq!(register(Some(&new), &new), Ok(Outcome::Repeated));
        let mut later = new.clone();
        later.block.removed = true;
        later.block.owner_id = None;
        assert_eq!(
            register(Some(&later), &new),
            Ok(Outcome::Repeated),
            "whatever has happened since"
        );
        let other = register(Some(&registration("y")), &new).unwrap_err();
        assert_eq!(other.class, Class::AlreadyExists);
    }

    #[test]
    fn bc5_the_wait_for_replication_is_read() {
        assert_eq!(replication_wait(-1), Ok(ReplicationWait::UntilDone));
        assert_eq!(replication_wait(0), Ok(ReplicationWait::No));
        assert_eq!(replication_wait(250), Ok(ReplicationWait::Milliseconds(250)));
        assert_eq!(replication_wait(-2).unwrap_err().class, Class::Validation);
    }
}
