//! Whether records say what was sealed.

use super::findings::{self, NewFinding};
use super::intake::Intake;
use super::tiles::{self, TreeView};
use super::{notices, pending};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use sigill_seal::Hash;
use sigill_seal::entry::Entry;
use sigill_seal::proof::{Tiles, is_included};
use sigill_seal::tree::StoredEntry;
use sqlx::{FromRow, PgConnection};
use std::collections::{BTreeMap, HashMap};

/// How deep is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CheckDepth {
    /// The entry that each record must have is in the tree's tile.
    Entry,
    /// It is in the tree whose root this server has seen signed.
    #[default]
    Tree,
}

/// How records are checked.
#[derive(Debug, Clone)]
pub struct RecordCheck {
    /// How deep.
    pub depth: CheckDepth,
    /// Size and root of the last signed tree that this server has checked.
    pub anchor: Option<(u64, Hash)>,
    /// When.
    pub now: Timestamp,
}

/// A record's running number with the entry that it must have.
pub(in crate::store) type NumberedEntry = (i64, StoredEntry);

#[derive(FromRow)]
struct LeafOfNumber {
    entry_number: i64,
    leaf: i64,
}

/// The leaves of some running numbers, of those that have one.
pub(in crate::store) async fn leaves_of(
    connection: &mut PgConnection,
    numbers: &[i64],
) -> Result<HashMap<i64, u64>, StoreError> {
    let rows: Vec<LeafOfNumber> = sqlx::query_as(
        "/* leaves_of */ select n as entry_number, r.first_leaf + n - r.first_number as leaf
         from unnest($1::bigint[]) n
         cross join lateral (select * from log_runs where first_number <= n order by first_number desc limit 1) r
         where n < r.first_number + r.count",
    )
    .bind(numbers)
    .fetch_all(connection)
    .await?;
    let leaf = |row: LeafOfNumber| Some((row.entry_number, u64::try_from(row.leaf).ok()?));
    Ok(rows.into_iter().filter_map(leaf).collect())
}

/// What is on its way to the tree for some running numbers, as processes with the intake key have sent it.
pub(in crate::store) async fn on_their_way(
    connection: &mut PgConnection,
    intake: &Intake,
    numbers: &[i64],
) -> Result<HashMap<i64, StoredEntry>, StoreError> {
    let mut sent = HashMap::new();
    if numbers.is_empty() {
        return Ok(sent);
    }
    for batch in pending::batches_with(connection, numbers).await? {
        let Some(ranges) = batch.ranges().filter(|_| batch.is_authentic(intake)) else { continue };
        for (first, entries) in ranges {
            sent.extend((first..).zip(entries.iter().copied()));
        }
    }
    Ok(sent)
}

/// What is not as it was sealed among some records, by the entries that they must have. The transaction sees
/// one moment.
pub(in crate::store::log) async fn check(
    connection: &mut PgConnection,
    intake: &Intake,
    how: &RecordCheck,
    records: &[NumberedEntry],
) -> Result<Vec<NewFinding>, StoreError> {
    let numbers: Vec<i64> = records.iter().map(|(number, _)| *number).collect();
    let leaves = leaves_of(connection, &numbers).await?;
    let without: Vec<i64> =
        numbers.iter().copied().filter(|number| !leaves.contains_key(number)).collect();
    let sent = on_their_way(connection, intake, &without).await?;
    let view = tiles::view(connection).await?;
    let wanted: BTreeMap<u64, NumberedEntry> =
        records.iter().filter_map(|record| Some((*leaves.get(&record.0)?, *record))).collect();
    let adopting = match without.is_empty() {
        true => None,
        false => notices::adopting(connection).await?,
    };
    let mut found = Vec::new();
    for (number, entry) in records {
        if leaves.contains_key(number) || adopting.is_some_and(|last| *number <= last) {
            continue;
        }
        match sent.get(number) {
            Some(sent) if sent == entry => {}
            Some(_) => found.push(changed_before_sealing(*number, entry)),
            None => found.push(not_sealed(*number, entry)),
        }
    }
    let anchored = how.anchor.filter(|_| how.depth == CheckDepth::Tree);
    found.extend(in_tree(connection, &view, anchored, &wanted).await?);
    for finding in &mut found {
        let all = finding.leaves;
        finding.time = findings::time_of_leaves(connection, all, how.now).await?;
    }
    Ok(found)
}

/// The same for those that have a leaf.
async fn in_tree(
    connection: &mut PgConnection,
    view: &TreeView,
    anchored: Option<(u64, Hash)>,
    wanted: &BTreeMap<u64, NumberedEntry>,
) -> Result<Vec<NewFinding>, StoreError> {
    let mut tiles = Tiles::default();
    let mut unsure: Vec<u64> = Vec::new();
    if let Some((size, _)) = anchored {
        // What all of them need is fetched at once.
        let inside = wanted.keys().copied().filter(|leaf| *leaf < size);
        let missing = inside.filter_map(|leaf| tiles.missing_for(size, leaf)).flatten();
        let mut missing: Vec<_> = missing.collect();
        missing.sort_unstable();
        missing.dedup();
        view.fetch(connection, &mut tiles, &missing).await?;
    }
    for (leaf, (_, entry)) in wanted {
        let proof = match anchored {
            Some((size, root)) if *leaf < size => {
                let proof = view.inclusion(connection, &mut tiles, (size, *leaf)).await?;
                proof.map(|proof| (proof, (size, root)))
            }
            _ => None,
        };
        let hash = Entry::of_stored(entry).map(|entry| entry.leaf_hash());
        let is_shown = proof
            .zip(hash)
            .is_some_and(|((proof, tree), hash)| is_included(&proof, tree, (*leaf, hash)));
        if !is_shown {
            unsure.push(*leaf);
        }
    }
    let entries = view.entries(connection, &unsure).await?;
    let mut found = Vec::new();
    for leaf in unsure {
        let Some((_, entry)) = wanted.get(&leaf) else { continue };
        match entries.get(&leaf) {
            Some(sealed) if sealed == entry => {
                if anchored.is_some_and(|(size, _)| leaf < size) {
                    found.push(tile(leaf, entry));
                }
            }
            _ => found.push(changed(leaf, entry)),
        }
    }
    Ok(found)
}

/// What a record says is not what was sealed.
pub(in crate::store) fn changed(leaf: u64, observed: &StoredEntry) -> NewFinding {
    NewFinding {
        kind: "changed",
        leaves: Some((leaf, leaf)),
        observed: observed.to_vec(),
        detail: format!(
            "leaf {leaf}: what the record says is not what was sealed: a column of it or of its resources, its salt, or its \
             tenant's name was changed"
        ),
        ..NewFinding::default()
    }
}

/// A tile is not what the signed root stands for.
pub(in crate::store) fn tile(leaf: u64, observed: &[u8]) -> NewFinding {
    NewFinding {
        kind: "tile",
        leaves: Some((leaf, leaf)),
        observed: observed.to_vec(),
        detail: format!(
            "leaf {leaf}: the tree's tiles are not those of the root that was signed: a tile was changed"
        ),
        ..NewFinding::default()
    }
}

/// A record that nobody has sealed.
pub(in crate::store) fn not_sealed(number: i64, observed: &StoredEntry) -> NewFinding {
    NewFinding {
        kind: "not sealed",
        entry_number: Some(number),
        observed: observed.to_vec(),
        detail: format!(
            "record {number} has no leaf and is not on its way to one: it was not stored by this service"
        ),
        ..NewFinding::default()
    }
}

/// A record that was changed on its way to its leaf.
pub(in crate::store) fn changed_before_sealing(number: i64, observed: &StoredEntry) -> NewFinding {
    NewFinding {
        kind: "changed",
        entry_number: Some(number),
        observed: observed.to_vec(),
        detail: format!(
            "record {number}: what it says is not what is on its way to its leaf: it was changed"
        ),
        ..NewFinding::default()
    }
}
