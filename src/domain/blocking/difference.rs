//! How the national service differs from the local one.
//!
//! # Rules
//! - **DI1** Both sides agree when the national service has the same active blocks with the same
//!   temporary revokes in force, as far as messages can tell them: in whole seconds, and in the
//!   hour that autumn repeats with bounds that let nobody see more.

use super::block::{Block, BlockContent, Lift, TemporaryRevoke};
use crate::domain::identity::RecordId;
use crate::domain::lifetime::Lifetime;
use crate::domain::period::Period;
use crate::domain::time::{Ambiguous, Timestamp, instant, told_not_earlier, told_not_later};
use std::collections::BTreeMap;

/// How the national service differs from the local one in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It does not have the block.
    Missing,
    /// It has a block that is not active here.
    Surplus,
    /// It does not have a temporary revoke.
    MissingRevoke(RecordId),
    /// It has a temporary revoke that is not in force here.
    SurplusRevoke(RecordId),
    /// The block or one of its revokes has other content.
    Content,
}

/// A block as messages tell it and as they are read back (DI1).
pub fn as_told(block: &Block) -> Block {
    let revokes = block.revokes.iter().map(|revoke| TemporaryRevoke {
        lift: lift_as_told(&revoke.lift),
        lifetime: Lifetime::from(Timestamp::UNIX_EPOCH),
        owner_id: None,
        id: revoke.id.clone(),
    });
    Block {
        id: block.id.clone(),
        content: content_as_told(&block.content),
        lifetime: Lifetime::from(Timestamp::UNIX_EPOCH),
        revokes: revokes.collect(),
        owner_id: None,
    }
}

pub(super) fn content_as_told(content: &BlockContent) -> BlockContent {
    let Period { start, end } = content.period;
    let period = Period {
        start: start.map(|at| instant(told_not_later(at), Ambiguous::Earlier)),
        end: end.map(|at| instant(told_not_earlier(at), Ambiguous::Later)),
    };
    BlockContent { period, ..content.clone() }
}

pub(super) fn lift_as_told(lift: &Lift) -> Lift {
    Lift { end: instant(told_not_later(lift.end), Ambiguous::Later), ..lift.clone() }
}

/// Compares active blocks, each with its temporary revokes that are not cancelled (DI1).
/// Those that have run out are left aside.
pub fn differences(
    local: &[Block],
    national: &[Block],
    now: Timestamp,
) -> Vec<(RecordId, Difference)> {
    let by_key = |blocks: &[Block]| -> BTreeMap<String, Block> {
        blocks.iter().map(|b| (b.id.key(), as_told(b))).collect()
    };
    let (local, mut national) = (by_key(local), by_key(national));
    let mut found = Vec::new();
    for (key, ours) in local {
        match national.remove(&key) {
            Some(theirs) => found.extend(compare(&ours, &theirs, now)),
            None => found.push((ours.id, Difference::Missing)),
        }
    }
    found.extend(national.into_values().map(|block| (block.id, Difference::Surplus)));
    found
}

fn compare(ours: &Block, theirs: &Block, now: Timestamp) -> Vec<(RecordId, Difference)> {
    let in_force = |block: &Block| -> BTreeMap<String, TemporaryRevoke> {
        let revokes = block.revokes.iter().filter(|r| r.lift.end > now);
        revokes.map(|r| (r.id.key(), r.clone())).collect()
    };
    let mut found = Vec::new();
    let mut content = ours.content != theirs.content;
    let (ours_lifted, mut theirs_lifted) = (in_force(ours), in_force(theirs));
    for (key, revoke) in ours_lifted {
        match theirs_lifted.remove(&key) {
            Some(same) => content |= same.lift != revoke.lift,
            None => found.push(Difference::MissingRevoke(revoke.id)),
        }
    }
    found.extend(theirs_lifted.into_values().map(|r| Difference::SurplusRevoke(r.id)));
    if content {
        found.push(Difference::Content);
    }
    found.into_iter().map(|difference| (ours.id.clone(), difference)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::block::Guards;
    use super::*;
    use crate::domain::identity::{HsaId, PatientId};

    pub const END: &str = "2026-01-02T00:00:00Z";

    pub fn id(text: &str) -> RecordId {
        RecordId::new(text).unwrap()
    }

    pub fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    pub fn now() -> Timestamp {
        at("2026-01-01T00:00:00Z")
    }

    pub fn block(name: &str, revokes: Vec<TemporaryRevoke>) -> Block {
        Block {
            id: id(name),
            content: BlockContent {
                patient: PatientId::new("1.2.3", "1").unwrap(),
                guards: Guards::Provider(HsaId::new("A").unwrap()),
                period: Period::default(),
                exempted: Vec::new(),
            },
            lifetime: Lifetime::from(now()),
            revokes,
            owner_id: Some(name.into()),
        }
    }

    pub fn lift(name: &str, end: &str) -> TemporaryRevoke {
        TemporaryRevoke {
            id: id(name),
            lift: Lift { end: at(end), care_unit: HsaId::new("U").unwrap(), employee: None },
            lifetime: Lifetime::from(now()),
            owner_id: None,
        }
    }

    #[test]
    fn di1_differences_are_found_whatever_the_letter_case_the_owner_and_the_fraction() {
        let found = |local, national| differences(&[local], &[national], now());
        assert_eq!(found(block("B", vec![]), block("b", vec![])), [], "owner and letter case");
        let past = lift("r", "2025-12-31T00:00:00Z");
        assert_eq!(found(block("b", vec![past]), block("b", vec![])), []);
        let (with, bare) = (block("b", vec![lift("r", END)]), block("b", vec![]));
        let fraction = block("b", vec![lift("r", "2026-01-02T00:00:00.5Z")]);
        assert_eq!(found(fraction, with.clone()), []);
        let missing = (id("b"), Difference::MissingRevoke(id("r")));
        assert_eq!(found(with.clone(), bare.clone()), [missing]);
        let surplus = (id("b"), Difference::SurplusRevoke(id("r")));
        assert_eq!(found(bare.clone(), with.clone()), [surplus]);
        let mut inner = bare.clone();
        let (provider, unit) = (HsaId::new("A").unwrap(), HsaId::new("U").unwrap());
        inner.content.guards = Guards::Unit { provider, unit };
        assert_eq!(found(bare.clone(), inner), [(id("b"), Difference::Content)]);
        let longer = block("b", vec![lift("r", "2026-01-03T00:00:00Z")]);
        assert_eq!(found(with, longer), [(id("b"), Difference::Content)]);
        let apart = found(bare, block("c", vec![]));
        assert_eq!(apart, [(id("b"), Difference::Missing), (id("c"), Difference::Surplus)]);
    }
}
