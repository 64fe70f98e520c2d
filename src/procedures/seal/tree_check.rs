//! Whether tree and checkpoints fit: every root that was signed is that of the tiles.

use super::identity::SealIdentity;
use super::log_seal::SealError;
use super::verification::{Progress, Verification, Verifier, signed, whole};
use crate::store::log::seal::findings::NewFinding;
use crate::store::log::seal::tiles::TreeView;
use chrono::TimeDelta;
use sigill_seal::Hash;
use sigill_seal::entry::{Entry, STORED_BYTES};
use sigill_seal::proof::is_consistent;
use sigill_seal::tree::{Edge, StoredEntry, TILE, tile_hashes, tile_root};
use std::collections::BTreeMap;

/// Tiles read at once.
const LOT: u64 = 64;
/// Hashes in a full tile.
const NODES: u64 = TILE as u64;
/// Checkpoints read at once.
const CHECKPOINTS: i64 = 1_000;
/// Roots of so many of the newest are proved, when not all are compared.
const PROVED: usize = 32;
/// Behind the tree the newest signature may be so long.
const BEHIND_SECONDS: i64 = 60;

/// Signatures of all checkpoints, their times, and whether the newest has come as far as the tree.
pub(super) async fn checkpoints(
    verifier: &Verifier,
    identities: &[SealIdentity],
    view: &TreeView,
    found: &mut Verification,
) -> Result<(), SealError> {
    let (mut above, mut last_time) = (0, 0);
    let mut newest: Vec<(u64, Hash)> = Vec::new();
    loop {
        let rows = verifier.store.signed_checkpoints(above, CHECKPOINTS).await?;
        let Some(last) = rows.last() else { break };
        above = last.size;
        // What was signed since the tree was read has its turn another time.
        let read = i64::try_from(view.size()).unwrap_or(i64::MAX);
        for row in rows.iter().filter(|row| row.size <= read) {
            let note = row.note.as_deref().unwrap_or_default();
            let size = u64::try_from(row.size).unwrap_or_default();
            let wrong = match signed(identities, note) {
                None => Some("is not signed by the log: it was changed, or somebody else made it"),
                Some((read, _))
                    if read.checkpoint().size != size
                        || read.checkpoint().root[..] != row.root[..] =>
                {
                    Some("says another size or root than its row: one of them was changed")
                }
                Some((_, Some(time))) if time < last_time => {
                    Some("was signed earlier than a smaller one: an old one was put in its place")
                }
                Some((read, time)) => {
                    last_time = time.unwrap_or(last_time);
                    newest.push((size, read.checkpoint().root));
                    found.checkpoints += 1;
                    None
                }
            };
            if let Some(wrong) = wrong {
                found.find([at(
                    size,
                    "checkpoint",
                    format!("the checkpoint of {size} entries {wrong}"),
                )]);
            }
        }
        let surplus = newest.len().saturating_sub(PROVED);
        newest.drain(..surplus);
    }
    for before in &newest {
        let (now, proof) = verifier.store.tree_since(Some((view.size(), before.0))).await?;
        let whole_tree = (view.size(), view.root);
        if now.size() >= view.size()
            && !is_consistent(&proof.unwrap_or_default(), whole_tree, *before)
        {
            let detail = format!(
                "the checkpoint of {} entries was signed, and the tree is not one that goes on from it: tiles or entries were \
                 changed after it was signed",
                before.0
            );
            found.find([at(before.0, "fork", detail)]);
            break;
        }
    }
    let signed_size = newest.last().map_or(0, |newest| newest.0);
    let unsigned = verifier.store.unsigned_since().await?;
    let patience = TimeDelta::from_std(verifier.settings.sign_after).unwrap_or_default()
        + TimeDelta::seconds(BEHIND_SECONDS);
    let is_late = unsigned.is_some_and(|since| verifier.now - since > patience);
    if signed_size < view.size() && (is_late || unsigned.is_none()) {
        let detail = format!(
            "the tree has {} entries, and the newest checkpoint {signed_size}: checkpoints were removed, or nobody signs",
            view.size()
        );
        found.find([at(signed_size, "checkpoint", detail)]);
    }
    Ok(())
}

fn at(size: u64, kind: &'static str, detail: String) -> NewFinding {
    NewFinding { observed: size.to_be_bytes().to_vec(), ..whole(kind, detail) }
}

/// Tiles and edge: all of them from the entries on, or the upper ones.
pub(super) async fn tiles(
    verifier: &Verifier,
    view: &TreeView,
    full: bool,
    found: &mut Verification,
    progress: &Progress,
) -> Result<(), SealError> {
    if view.edge.root() != view.root {
        found.find([whole(
            "tree",
            "the tree's root is not that of its edge: its row was changed".into(),
        )]);
    }
    for level in 2..8 {
        if view.full_tiles(level - 1) == 0 {
            break;
        }
        upper(verifier, view, level, found).await?;
    }
    if full { entries(verifier, view, found, progress).await } else { Ok(()) }
}

/// The nodes of a level are the roots of the tiles below.
async fn upper(
    verifier: &Verifier,
    view: &TreeView,
    level: u8,
    found: &mut Verification,
) -> Result<(), SealError> {
    let below = view.full_tiles(level - 1);
    let mut first = 0;
    while first < below {
        let nodes = nodes(verifier, view, level, first >> 8).await?;
        let rows = verifier.store.tiles_from(level - 1, first, NODES).await?;
        let mut rows: BTreeMap<i64, Vec<u8>> =
            rows.into_iter().map(|row| (row.tile, row.hashes)).collect();
        for (tile, node) in (first..below.min(first + NODES)).zip(nodes) {
            let row = rows.remove(&i64::try_from(tile).unwrap_or(i64::MAX));
            let root = row.and_then(|hashes| tile_root(level - 1, &hashes));
            if root != Some(node) {
                found.find([tile_finding(level - 1, tile)]);
            }
        }
        first += NODES;
    }
    Ok(())
}

/// The hashes of a tile of a level, full or at the edge.
async fn nodes(
    verifier: &Verifier,
    view: &TreeView,
    level: u8,
    tile: u64,
) -> Result<Vec<Hash>, SealError> {
    if tile >= view.full_tiles(level) {
        return Ok(view.edge.hashes(level).to_vec());
    }
    let rows = verifier.store.tiles_from(level, tile, 1).await?;
    let hashes = rows.first().and_then(|row| tile_hashes(level, &row.hashes));
    Ok(hashes.unwrap_or_else(|| vec![[0; 32]; TILE]))
}

fn tile_finding(level: u8, tile: u64) -> NewFinding {
    let width = (NODES) << (8 * u32::from(level));
    let (first, last) = (tile * width, (tile + 1) * width - 1);
    NewFinding {
        leaves: Some((first, last)),
        observed: vec![level],
        detail: format!(
            "leaves {first} to {last}: tile {tile} of level {level} is not what the tile above it stands for: one of the two \
             was changed"
        ),
        kind: "tile",
        ..NewFinding::default()
    }
}

/// The tree made anew from its entries: every tile, the edge, and every root that was signed.
async fn entries(
    verifier: &Verifier,
    view: &TreeView,
    found: &mut Verification,
    progress: &Progress,
) -> Result<(), SealError> {
    let full = view.full_tiles(0);
    let mut signed: std::collections::VecDeque<(u64, Vec<u8>)> = std::collections::VecDeque::new();
    let mut above = 0;
    let (mut edge, mut first) = (Edge::default(), 0);
    let mut above_tile: (u64, Vec<Hash>) = (u64::MAX, Vec::new());
    while first < full {
        let rows = verifier.store.tiles_from(0, first, LOT).await?;
        let mut rows: BTreeMap<i64, Vec<u8>> =
            rows.into_iter().map(|row| (row.tile, row.hashes)).collect();
        let last = full.min(first + LOT);
        for tile in first..last {
            if above_tile.0 != tile >> 8 {
                above_tile = (tile >> 8, nodes(verifier, view, 1, tile >> 8).await?);
            }
            let bytes = rows.remove(&i64::try_from(tile).unwrap_or(i64::MAX)).unwrap_or_default();
            let node = usize::try_from(tile & 255).ok().and_then(|at| above_tile.1.get(at));
            if tile_root(0, &bytes).as_ref() != node {
                found.find([tile_finding(0, tile)]);
                // What comes behind is compared tile by tile; roots are not any more.
                signed.clear();
                above = i64::MAX;
            }
            let (entries, _) = bytes.as_chunks::<STORED_BYTES>();
            grow(verifier, &mut edge, entries, (&mut signed, &mut above), found).await?;
        }
        first = last;
        progress("tiles", first << 8, view.size());
    }
    grow(verifier, &mut edge, view.edge.entries(), (&mut signed, &mut above), found).await?;
    if above != i64::MAX && edge.root() != view.root {
        found.find([whole(
            "tree",
            "the tree over all entries has another root than its row: it was changed".into(),
        )]);
    }
    Ok(())
}

/// Adds entries, and compares the root at every size that was signed.
async fn grow(
    verifier: &Verifier,
    edge: &mut Edge,
    entries: &[StoredEntry],
    (signed, above): (&mut std::collections::VecDeque<(u64, Vec<u8>)>, &mut i64),
    found: &mut Verification,
) -> Result<(), SealError> {
    let mut rest = entries;
    while !rest.is_empty() {
        if signed.is_empty() && *above != i64::MAX {
            let rows = verifier.store.signed_checkpoints(*above, CHECKPOINTS).await?;
            *above = rows.last().map_or(i64::MAX - 1, |last| last.size);
            signed.extend(
                rows.into_iter().map(|row| (u64::try_from(row.size).unwrap_or_default(), row.root)),
            );
        }
        let next = signed.front().map_or(u64::MAX, |next| next.0);
        let room = usize::try_from(next.saturating_sub(edge.size())).unwrap_or(usize::MAX);
        let (now, later) = rest.split_at(room.min(rest.len()));
        edge.append(now.iter().copied().filter(|entry| Entry::of_stored(entry).is_some()));
        rest = later;
        while signed.front().is_some_and(|next| next.0 <= edge.size()) {
            let Some((size, root)) = signed.pop_front() else { break };
            if size == edge.size() && edge.root()[..] != root[..] {
                let detail = format!(
                    "the first {size} entries are not those whose root was signed: one of them, or its place, was changed"
                );
                found.find([at(size, "fork", detail)]);
            }
        }
    }
    Ok(())
}
