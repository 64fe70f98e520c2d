//! Ids of log records, packed: sorted pages, and filters that tell of most ids that they are not there.

use crate::domain::log::record::IdHash;
use std::ops::RangeInclusive;
use uuid::Uuid;
use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter, FilterRef};

/// Bytes of a hash in a page: as many as two of a hundred billion ids will not share.
const HASH_BYTES: usize = 12;
/// Bytes of a running number in a page.
const NUMBER_BYTES: usize = 6;
const ID_BYTES: usize = HASH_BYTES + NUMBER_BYTES;
/// Ids in a page, on average: the database keeps it within its row.
const PAGE_IDS: u64 = 80;
/// Pages of a part, as a power of two.
const PART_PAGES_BITS: u32 = 10;
const PAGE_BITS_MAX: u32 = 30;

/// An id as a page has it, and its record's running number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PackedId {
    pub hash: [u8; HASH_BYTES],
    pub number: i64,
}

impl PackedId {
    pub fn new(hash: IdHash, number: i64) -> Self {
        Self { hash: short(hash), number }
    }

    /// By which it is in a page, a part and a filter.
    pub fn key(&self) -> u64 {
        let mut hash = [0; 16];
        hash[..HASH_BYTES].copy_from_slice(&self.hash);
        IdHash(hash).key()
    }
}

fn short(hash: IdHash) -> [u8; HASH_BYTES] {
    let mut bytes = [0; HASH_BYTES];
    bytes.copy_from_slice(&hash.0[..HASH_BYTES]);
    bytes
}

/// How a run is divided: into pages by the first bits of the hash, and into parts by fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Division {
    pub page_bits: u32,
    pub part_bits: u32,
}

impl Division {
    /// For so many ids.
    pub fn of(ids: u64) -> Self {
        let page_bits = (ids / PAGE_IDS).checked_ilog2().map_or(0, |bits| bits + 1);
        let page_bits = page_bits.min(PAGE_BITS_MAX);
        Self { page_bits, part_bits: page_bits.saturating_sub(PART_PAGES_BITS) }
    }

    pub fn parts(self) -> u64 {
        1 << self.part_bits
    }

    pub fn page_of(self, key: u64) -> i32 {
        i32::try_from(leading(key, self.page_bits)).unwrap_or(i32::MAX)
    }

    pub fn part_of(self, key: u64) -> usize {
        usize::try_from(leading(key, self.part_bits)).unwrap_or(usize::MAX)
    }

    /// The pages that may have some keys.
    pub fn pages(self, keys: &RangeInclusive<u64>) -> RangeInclusive<i32> {
        self.page_of(*keys.start())..=self.page_of(*keys.end())
    }

    /// The keys of a part.
    pub fn keys(self, part: u64) -> RangeInclusive<u64> {
        let width = u64::MAX.checked_shr(self.part_bits).unwrap_or(0);
        let first = part.checked_shl(64 - self.part_bits).unwrap_or(0);
        first..=first | width
    }
}

/// The first bits of a key.
fn leading(key: u64, bits: u32) -> u64 {
    key.checked_shr(64 - bits).unwrap_or(0)
}

/// The hashes with some keys, as the database has them.
pub(super) fn hashes_of(keys: &RangeInclusive<u64>) -> (Uuid, Uuid) {
    (Uuid::from_u64_pair(*keys.start(), 0), Uuid::from_u64_pair(*keys.end(), u64::MAX))
}

/// The bytes of a page.
pub(super) fn pack(sorted: &[PackedId]) -> Vec<u8> {
    let mut page = Vec::with_capacity(sorted.len() * ID_BYTES);
    for id in sorted {
        page.extend_from_slice(&id.hash);
        page.extend_from_slice(&id.number.to_be_bytes()[8 - NUMBER_BYTES..]);
    }
    page
}

/// The ids of a page; `None`: these are no page's bytes.
pub(super) fn unpack(page: &[u8]) -> Option<Vec<PackedId>> {
    let (ids, rest) = page.as_chunks::<ID_BYTES>();
    rest.is_empty().then(|| ids.iter().map(unpacked).collect())
}

fn unpacked(id: &[u8; ID_BYTES]) -> PackedId {
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(&id[..HASH_BYTES]);
    let number = id[HASH_BYTES..].iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
    PackedId { hash, number }
}

/// The running number under an id in a page.
pub(super) fn find(page: &[u8], hash: IdHash) -> Option<i64> {
    let (ids, _) = page.as_chunks::<ID_BYTES>();
    let wanted = short(hash);
    let found = ids.binary_search_by(|id| id[..HASH_BYTES].cmp(&wanted)).ok()?;
    Some(unpacked(&ids[found]).number)
}

/// Bytes of a filter's numbers: a seed of 8, then three of 4.
const NUMBERS_BYTES: usize = BinaryFuse8::DESCRIPTOR_LEN;

/// Tells of most ids that are not in a part that they are not there, and of all that are that they may be.
/// One without bytes is of a part without ids.
#[derive(Debug)]
pub(super) struct PartFilter(Box<[u8]>);

impl PartFilter {
    /// A filter of the ids of a part; `None`: there is none, which does not happen with distinct hashes.
    pub fn of(sorted: &[PackedId]) -> Option<Self> {
        let mut keys: Vec<u64> = sorted.iter().map(PackedId::key).collect();
        keys.dedup();
        if keys.is_empty() {
            return Some(Self(Box::default()));
        }
        let filter = BinaryFuse8::try_from(&keys).ok()?;
        let mut bytes = vec![0; NUMBERS_BYTES];
        filter.dma_copy_descriptor_to(&mut bytes);
        bytes.extend_from_slice(filter.dma_fingerprints());
        Some(Self(bytes.into()))
    }

    pub fn may_have(&self, hash: IdHash) -> bool {
        let parts = self.0.split_at_checked(NUMBERS_BYTES);
        parts.is_some_and(|(numbers, fingerprints)| {
            BinaryFuse8Ref::from_dma(numbers, fingerprints).contains(&hash.key())
        })
    }

    /// As it is kept.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As it was kept; `None`: these are no filter's bytes.
    pub fn kept(bytes: Vec<u8>) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self(Box::default()));
        }
        let (numbers, fingerprints) = bytes.split_at_checked(NUMBERS_BYTES)?;
        let mut numbers = numbers[8..].as_chunks::<4>().0.iter().map(|n| u32::from_le_bytes(*n));
        let (length, mask, count) = (numbers.next()?, numbers.next()?, numbers.next()?);
        // What is looked up must lie within the fingerprints.
        let reach = u64::from(count) + 2 * u64::from(length);
        let whole =
            length.is_power_of_two() && mask == length - 1 && reach == fingerprints.len() as u64;
        whole.then(|| Self(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn id(number: i64) -> (IdHash, PackedId) {
        let mut hash = [0; 16];
        hash.copy_from_slice(&Sha256::digest(number.to_be_bytes())[..16]);
        (IdHash(hash), PackedId::new(IdHash(hash), number))
    }

    fn sorted(numbers: std::ops::Range<i64>) -> Vec<PackedId> {
        let mut ids: Vec<PackedId> = numbers.map(|number| id(number).1).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn a_page_gives_back_what_it_has_and_nothing_else() {
        let page = pack(&sorted(1..101));
        for number in 1..101 {
            assert_eq!(find(&page, id(number).0), Some(number));
        }
        assert_eq!(find(&page, id(101).0), None);
        assert_eq!(find(&[], id(1).0), None);
        assert_eq!(unpack(&page), Some(sorted(1..101)));
        assert_eq!(unpack(&page[1..]), None);
        let largest = PackedId { number: (1 << 48) - 1, ..sorted(1..2)[0] };
        assert_eq!(unpack(&pack(&[largest])), Some(vec![largest]));
    }

    #[test]
    fn a_filter_has_all_its_ids_and_few_others_also_after_it_was_kept() {
        for count in [0, 1, 2, 3, 100, 20_000] {
            let made = PartFilter::of(&sorted(0..count)).unwrap();
            let filter = PartFilter::kept(made.bytes().to_vec()).unwrap();
            assert!((0..count).all(|number| filter.may_have(id(number).0)), "{count}");
            let others = (100_000..120_000).filter(|number| filter.may_have(id(*number).0));
            assert!(others.count() < 200, "{count}");
        }
    }

    #[test]
    fn bytes_that_are_no_filter_are_told() {
        let bytes = PartFilter::of(&sorted(0..100)).unwrap().bytes().to_vec();
        assert!(PartFilter::kept(bytes.clone()).is_some());
        for cut in [1, 8, 19, bytes.len() - 1] {
            assert!(PartFilter::kept(bytes[..cut].to_vec()).is_none(), "{cut}");
        }
        for place in 8..20 {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert!(PartFilter::kept(changed).is_none(), "{place}");
        }
    }

    #[test]
    fn pages_and_parts_divide_all_keys() {
        for ids in [0, 1, 79, 80, 4_000, 1_000_000, 300_000_000, u64::MAX] {
            let division = Division::of(ids);
            let mut next = Some(0);
            for part in 0..division.parts() {
                let keys = division.keys(part);
                assert_eq!(Some(*keys.start()), next, "{ids}");
                assert_eq!(division.part_of(*keys.start()) as u64, part);
                assert_eq!(division.part_of(*keys.end()) as u64, part);
                next = keys.end().checked_add(1);
            }
            assert_eq!(next, None, "{ids}");
            assert_eq!(division.page_of(u64::MAX), (1 << division.page_bits) - 1);
        }
        let division = Division::of(4_000_000);
        assert!((40..=PAGE_IDS).contains(&(4_000_000 >> division.page_bits)));
    }
}
