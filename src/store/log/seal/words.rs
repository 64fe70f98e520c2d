//! Findings of a walk, in words.

use super::checked::changed;
use super::findings::NewFinding;
use sigill_seal::tree::StoredEntry;

pub(super) fn missing_leaves(first: u64, last: u64) -> NewFinding {
    NewFinding {
        kind: "missing",
        leaves: Some((first, last)),
        detail: match last - first {
            0 => format!(
                "leaf {first}: it was sealed, and is not there: it was deleted without a removal being sealed"
            ),
            more => format!(
                "leaves {first} to {last}: these {} were sealed, and are not there: they were deleted without a removal being \
                 sealed",
                more + 1
            ),
        },
        ..NewFinding::default()
    }
}

pub(super) fn changed_notice(leaf: u64, observed: &StoredEntry) -> NewFinding {
    NewFinding {
        detail: format!(
            "leaf {leaf}: what the log says about itself there is not what was sealed: its notice was changed"
        ),
        ..changed(leaf, observed)
    }
}

pub(super) fn reordered(one: u64, other: u64) -> NewFinding {
    NewFinding {
        kind: "reordered",
        leaves: Some((one, other)),
        detail: format!(
            "leaves {one} and {other}: each has what was sealed in the other's place: they were exchanged"
        ),
        ..NewFinding::default()
    }
}

pub(super) fn derived(leaf: u64, column: &'static str) -> NewFinding {
    NewFinding {
        kind: "derived column",
        leaves: Some((leaf, leaf)),
        observed: column.as_bytes().to_vec(),
        detail: format!(
            "leaf {leaf}: the record says what was sealed, but it is looked up by something else: {column} was changed"
        ),
        ..NewFinding::default()
    }
}

pub(super) fn back(leaf: u64) -> NewFinding {
    NewFinding {
        kind: "removed record is back",
        leaves: Some((leaf, leaf)),
        detail: format!(
            "leaf {leaf}: its removal was sealed, and the record is there: somebody put it back, or a backup was restored"
        ),
        ..NewFinding::default()
    }
}
