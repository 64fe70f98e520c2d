//! Proofs over the tree: that an entry is in it, and that one tree goes on where another ended.

use crate::Hash;
use crate::tree::subtree_root;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use tlog_tiles::{
    HashReader, check_record, check_tree, prove_record, prove_tree, split_stored_hash_index,
};

/// Hashes in a proof, at the most: as many as a tree of 2^63 entries is high.
const HASHES_MAX: usize = 63;

/// A tile: its level, and which of that.
pub type TilePlace = (u8, u64);

/// Tiles that a proof is made of; what is missing is noted.
#[derive(Debug, Default)]
pub struct Tiles {
    hashes: BTreeMap<TilePlace, Vec<Hash>>,
    missing: RefCell<BTreeSet<TilePlace>>,
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoProof {
    /// These tiles are needed for it; what is asked again with them succeeds.
    #[error("tiles are missing")]
    Missing(Vec<TilePlace>),
    /// There is none: the sizes are no sizes of these trees.
    #[error("there is no such proof")]
    None,
}

impl Tiles {
    /// Adds a tile, full or not: the hashes of its entries, or of the tiles below.
    pub fn add(&mut self, place: TilePlace, hashes: Vec<Hash>) {
        self.hashes.insert(place, hashes);
    }

    /// That the entry `leaf` is in the tree of `size`.
    ///
    /// # Errors
    /// Which tiles are missing.
    pub fn inclusion(&self, size: u64, leaf: u64) -> Result<Vec<Hash>, NoProof> {
        if leaf >= size {
            return Err(NoProof::None);
        }
        self.made(prove_record(size, leaf, &self))
    }

    /// Which tiles are missing to show that the entry `leaf` is in the tree of `size`.
    pub fn missing_for(&self, size: u64, leaf: u64) -> Option<Vec<TilePlace>> {
        match self.inclusion(size, leaf) {
            Err(NoProof::Missing(places)) => Some(places),
            Ok(_) | Err(NoProof::None) => None,
        }
    }

    /// That the tree of `size` goes on where that of `before` ended.
    ///
    /// # Errors
    /// Which tiles are missing.
    pub fn consistency(&self, size: u64, before: u64) -> Result<Vec<Hash>, NoProof> {
        if before == 0 || before > size {
            return Err(NoProof::None);
        }
        self.made(prove_tree(size, before, &self))
    }

    fn made(
        &self,
        made: Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error>,
    ) -> Result<Vec<Hash>, NoProof> {
        let missing = std::mem::take(&mut *self.missing.borrow_mut());
        match made {
            Ok(hashes) => Ok(hashes.into_iter().map(|hash| hash.0).collect()),
            Err(_) if !missing.is_empty() => Err(NoProof::Missing(missing.into_iter().collect())),
            Err(_) => Err(NoProof::None),
        }
    }

    /// The hash of a node: so many levels above the entries, and which of that level.
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let within = level % 8;
        let (first, width) = (index << within, 1_usize << within);
        let place = (level / 8, first >> 8);
        let offset = usize::try_from(first & 255).ok()?;
        let hashes = self.hashes.get(&place).and_then(|hashes| hashes.get(offset..offset + width));
        if hashes.is_none() {
            self.missing.borrow_mut().insert(place);
        }
        Some(subtree_root(hashes?.to_vec()))
    }
}

impl HashReader for &Tiles {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let nodes = indexes.iter().map(|index| {
            let (level, index) = split_stored_hash_index(*index);
            self.node(level, index).map(tlog_tiles::Hash)
        });
        // All are looked for, so that all that are missing are known.
        let nodes: Vec<Option<tlog_tiles::Hash>> = nodes.collect();
        let found: Option<Vec<tlog_tiles::Hash>> = nodes.into_iter().collect();
        found.ok_or(tlog_tiles::Error::InvalidTile)
    }
}

/// Whether a proof shows that the leaf with this hash is in the tree of this size and root.
pub fn is_included(proof: &[Hash], (size, root): (u64, Hash), (leaf, hash): (u64, Hash)) -> bool {
    let root = tlog_tiles::Hash(root);
    leaf < size
        && proof.len() <= HASHES_MAX
        && check_record(&theirs(proof), size, root, leaf, tlog_tiles::Hash(hash)).is_ok()
}

/// Whether a proof shows that the tree of this size and root goes on where an earlier one ended.
pub fn is_consistent(proof: &[Hash], (size, root): (u64, Hash), before: (u64, Hash)) -> bool {
    if before.0 == size {
        return before.1 == root;
    }
    let (root, earlier) = (tlog_tiles::Hash(root), tlog_tiles::Hash(before.1));
    before.0 > 0
        && before.0 < size
        && proof.len() <= HASHES_MAX
        && check_tree(&theirs(proof), size, root, before.0, earlier).is_ok()
}

fn theirs(proof: &[Hash]) -> Vec<tlog_tiles::Hash> {
    proof.iter().map(|hash| tlog_tiles::Hash(*hash)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, Kind};
    use crate::tree::{Edge, tile_hashes};

    fn entry(number: u64) -> Entry {
        Entry::over(Kind::Record, &number.to_be_bytes())
    }

    fn root(size: u64) -> Hash {
        let mut edge = Edge::default();
        edge.append((0..size).map(|number| entry(number).stored()));
        edge.root()
    }

    /// The tiles of the tree of so many entries.
    fn tree(size: u64) -> Tiles {
        let (mut edge, mut tiles) = (Edge::default(), Tiles::default());
        for number in 0..size {
            let entry = entry(number);
            for full in edge.append([entry.stored()]) {
                tiles.add((full.level, full.index), tile_hashes(full.level, &full.bytes).unwrap());
            }
        }
        tiles.add((0, size >> 8), edge.entries().iter().map(crate::entry::leaf_hash).collect());
        for level in 1..4 {
            tiles.add((level, size >> (8 * (u32::from(level) + 1))), edge.hashes(level).to_vec());
        }
        tiles
    }

    #[test]
    fn proofs_hold_and_any_change_of_them_fails() {
        for size in [1, 2, 3, 7, 255, 256, 257, 600, 65_537] {
            let (tiles, whole) = (tree(size), (size, root(size)));
            for leaf in [0, 1, size / 2, size.saturating_sub(2), size - 1] {
                if leaf >= size {
                    continue;
                }
                let proof = tiles.inclusion(size, leaf).unwrap();
                let hash = entry(leaf).leaf_hash();
                assert!(is_included(&proof, whole, (leaf, hash)), "{leaf} of {size}");
                assert!(!is_included(&proof, whole, (leaf, [0; 32])));
                for other in changes(&proof) {
                    assert!(!is_included(&other, whole, (leaf, hash)), "{leaf} of {size}");
                }
            }
            for before in [1, 2, size / 2, size / 3, size - 1] {
                if before == 0 || before >= size {
                    continue;
                }
                let proof = tiles.consistency(size, before).unwrap();
                let earlier = (before, root(before));
                assert!(is_consistent(&proof, whole, earlier), "{before} of {size}");
                assert!(!is_consistent(&proof, whole, (before, [0; 32])));
                for other in changes(&proof) {
                    assert!(!is_consistent(&other, whole, earlier), "{before} of {size}");
                }
            }
            assert_eq!(tiles.inclusion(size, size), Err(NoProof::None));
            assert_eq!(tiles.consistency(size, size + 1), Err(NoProof::None));
        }
    }

    /// A proof with a bit changed, a hash left out, one added.
    fn changes(proof: &[Hash]) -> Vec<Vec<Hash>> {
        let mut changes = vec![[proof, &[[1; 32]]].concat()];
        for at in 0..proof.len() {
            let (mut bit, mut without) = (proof.to_vec(), proof.to_vec());
            bit[at][31] ^= 1;
            without.remove(at);
            changes.extend([bit, without]);
        }
        changes
    }

    #[test]
    fn what_is_missing_is_told_and_with_it_the_proof_is_made() {
        let all = tree(70_000);
        let mut some = Tiles::default();
        let proof = loop {
            match some.inclusion(70_000, 12_345) {
                Ok(proof) => break proof,
                Err(NoProof::Missing(places)) => {
                    for place in places {
                        some.add(place, all.hashes[&place].clone());
                    }
                }
                Err(NoProof::None) => panic!("there is a proof"),
            }
        };
        let leaf = (12_345, entry(12_345).leaf_hash());
        assert!(is_included(&proof, (70_000, root(70_000)), leaf));
        assert!(some.hashes.len() < 8, "few tiles are read");
    }
}
