//! The tree over the entries (RFC 6962, 9162), in tiles of 256.
//!
//! Full tiles are kept for ever and never change. What is not full yet, the right edge, is one value: the size of the tree
//! is what its levels count, as digits of base 256.

use crate::entry::{STORED_BYTES, leaf_hash};
use crate::{Hash, sha256};

/// Entries or hashes in a full tile.
pub const TILE: usize = 256;
/// More levels than a tree of 2^63 entries has.
const LEVELS_MAX: usize = 8;

/// An entry as it is stored.
pub type StoredEntry = [u8; STORED_BYTES];

/// The root of the tree without entries.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// The hash of a node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// A tile that has become full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullTile {
    /// 0: of entries; above: of the roots of tiles below.
    pub level: u8,
    /// Which of its level, from 0.
    pub index: u64,
    /// 256 stored entries, or 256 hashes.
    pub bytes: Vec<u8>,
}

/// What is in no full tile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    entries: Vec<StoredEntry>,
    /// Roots of full tiles, of level 0 and above.
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// Entries of the tree.
    pub fn size(&self) -> u64 {
        let above = self.levels.iter().rev().fold(0, |sum, level| (sum + level.len() as u64) << 8);
        above + self.entries.len() as u64
    }

    /// Adds entries; returns the tiles that have become full, in order.
    pub fn append(&mut self, entries: impl IntoIterator<Item = StoredEntry>) -> Vec<FullTile> {
        let mut full = Vec::new();
        for entry in entries {
            self.entries.push(entry);
            if self.entries.len() == TILE {
                self.fill(&mut full);
            }
        }
        full
    }

    /// The tile of entries is full, and with it perhaps some above.
    fn fill(&mut self, full: &mut Vec<FullTile>) {
        let size = self.size();
        let entries = std::mem::take(&mut self.entries);
        let mut root = subtree_root(entries.iter().map(leaf_hash).collect());
        full.push(FullTile { level: 0, index: (size >> 8) - 1, bytes: entries.concat() });
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            self.levels[level].push(root);
            if self.levels[level].len() < TILE {
                return;
            }
            let hashes = std::mem::take(&mut self.levels[level]);
            let above = u8::try_from(level + 1).unwrap_or(u8::MAX);
            let index = (size >> (8 * (u32::from(above) + 1))) - 1;
            full.push(FullTile { level: above, index, bytes: hashes.concat() });
            root = subtree_root(hashes);
        }
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        // From the left: whole subtrees of the highest level first, the last entries last.
        let leaves = self.entries.iter().map(leaf_hash).collect();
        let levels = self.levels.iter().rev().cloned().chain(std::iter::once(leaves));
        let peaks: Vec<Hash> = levels.flat_map(|hashes: Vec<Hash>| peaks(&hashes)).collect();
        peaks
            .into_iter()
            .rev()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(empty_root)
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
        let mut bytes = vec![count(1 + self.levels.len()), count(self.entries.len())];
        bytes.extend(self.entries.concat());
        for level in &self.levels {
            bytes.push(count(level.len()));
            bytes.extend(level.concat());
        }
        bytes
    }

    /// Of what was stored; `None`: it is no edge.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (levels, rest) = bytes.split_first()?;
        let (entries, mut rest) = counted::<STORED_BYTES>(rest)?;
        let mut edge = Self { entries, levels: Vec::new() };
        for _ in 1..*levels {
            let level;
            (level, rest) = counted(rest)?;
            edge.levels.push(level);
        }
        (rest.is_empty() && *levels > 0 && edge.levels.len() < LEVELS_MAX).then_some(edge)
    }

    /// The entries that are in no full tile.
    pub fn entries(&self) -> &[StoredEntry] {
        &self.entries
    }

    /// The hashes of a level above the entries that are in no full tile of it.
    pub fn hashes(&self, level: u8) -> &[Hash] {
        let index = usize::from(level).checked_sub(1);
        index.and_then(|index| self.levels.get(index)).map_or(&[], Vec::as_slice)
    }
}

/// A count, so many values of N bytes, and the rest.
fn counted<const N: usize>(bytes: &[u8]) -> Option<(Vec<[u8; N]>, &[u8])> {
    let (count, rest) = bytes.split_first()?;
    let (values, rest) = rest.split_at_checked(usize::from(*count) * N)?;
    Some((values.as_chunks::<N>().0.to_vec(), rest))
}

/// The roots of the whole binary subtrees that some nodes of one level make, from the left.
fn peaks(nodes: &[Hash]) -> Vec<Hash> {
    let mut rest = nodes;
    let mut peaks = Vec::new();
    while let Some(bits) = rest.len().checked_ilog2() {
        let (whole, others) = rest.split_at(1 << bits);
        peaks.push(subtree_root(whole.to_vec()));
        rest = others;
    }
    peaks
}

/// The root over a power of two of nodes.
pub fn subtree_root(mut nodes: Vec<Hash>) -> Hash {
    while nodes.len() > 1 {
        nodes = nodes.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    nodes.pop().unwrap_or_else(empty_root)
}

/// The root of a full tile of this level; `None`: these are no full tile's bytes.
pub fn tile_root(level: u8, bytes: &[u8]) -> Option<Hash> {
    tile_hashes(level, bytes).filter(|hashes| hashes.len() == TILE).map(subtree_root)
}

/// The hashes of a tile of this level, full or not.
pub fn tile_hashes(level: u8, bytes: &[u8]) -> Option<Vec<Hash>> {
    if level > 0 {
        let (hashes, rest) = bytes.as_chunks::<32>();
        return rest.is_empty().then(|| hashes.to_vec());
    }
    let (entries, rest) = bytes.as_chunks::<STORED_BYTES>();
    rest.is_empty().then(|| entries.iter().map(leaf_hash).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, Kind};
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    fn entry(number: u64) -> StoredEntry {
        Entry::over(Kind::Record, &number.to_be_bytes()).stored()
    }

    #[test]
    fn sizes_and_roots_are_those_of_another_implementation() {
        let (mut edge, mut other) =
            (Edge::default(), MemoryBackedTree::<sha2_11::Sha256, Vec<u8>>::new());
        assert_eq!(edge.root(), empty_root());
        for size in 1..=2_000_u64 {
            edge.append([entry(size)]);
            other.push([&[1][..], &entry(size)].concat());
            assert_eq!(edge.size(), size);
            if size < 600 || size % 97 == 0 {
                assert_eq!(edge.root()[..], other.root().as_bytes()[..], "{size}");
            }
            assert_eq!(Edge::of_bytes(&edge.to_bytes()).as_ref(), Some(&edge), "{size}");
        }
    }

    #[test]
    fn in_lots_or_one_by_one_the_tree_is_the_same() {
        let (mut one, mut lots) = (Edge::default(), Edge::default());
        let (mut of_one, mut of_lots) = (Vec::new(), Vec::new());
        for lot in 0..70_u64 {
            let entries: Vec<StoredEntry> = (lot * 1_000..(lot + 1) * 1_000).map(entry).collect();
            for entry in &entries {
                of_one.extend(one.append([*entry]));
            }
            of_lots.extend(lots.append(entries));
        }
        assert_eq!((one.root(), of_one), (lots.root(), of_lots.clone()));
        assert_eq!(lots.size(), 70_000);
        let level = |wanted: u8| of_lots.iter().filter(move |tile| tile.level == wanted);
        assert_eq!((level(0).count(), level(1).count(), level(2).count()), (273, 1, 0));
        assert!(level(0).zip(0..).all(|(tile, index)| tile.index == index));
        // The upper tile has the roots of the lower ones, in order.
        let upper = tile_hashes(1, &level(1).next().unwrap().bytes).unwrap();
        for (tile, root) in level(0).zip(upper) {
            assert_eq!(tile_root(0, &tile.bytes), Some(root));
        }
    }

    #[test]
    fn what_is_no_edge_is_told() {
        let mut edge = Edge::default();
        edge.append((0..700).map(entry));
        let bytes = edge.to_bytes();
        for cut in 0..bytes.len() {
            assert_eq!(Edge::of_bytes(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(Edge::of_bytes(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(Edge::of_bytes(&[0, 0]), None);
    }
}
