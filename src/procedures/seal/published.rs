//! The log as it is published (C2SP `tlog-tiles`): checkpoint, tiles, and entry bundles; commitments and nothing else.

use crate::store::database::Store;
use crate::store::error::StoreError;
use sigill_seal::entry::{Entry, STORED_BYTES};
use sigill_seal::names::VerifyingName;
use sigill_seal::note::SignedCheckpoint;
use sigill_seal::tree::{StoredEntry, TILE, tile_hashes};

/// Checkpoints among which one with enough witnesses is looked for.
const LOOKED_AT: i64 = 100;
/// A tree of 2^62 entries has no higher tile.
const LEVELS: u8 = 8;

/// How the log is published.
#[derive(Debug, Clone)]
pub struct Publishing {
    /// Its witnesses.
    pub witnesses: Vec<VerifyingName>,
    /// So many of them must have signed a checkpoint.
    pub required: usize,
}

/// A tile, or a bundle of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileAddress {
    /// Of which level; `None` is the entries themselves.
    pub level: Option<u8>,
    /// Which of its level.
    pub index: u64,
    /// How many of its 256 are wanted.
    pub width: usize,
}

impl TileAddress {
    /// What stands behind `tile/`: `<level>/<index>` or `entries/<index>`, perhaps with `.p/<width>`.
    pub fn of_path(path: &str) -> Option<Self> {
        let (level, rest) = path.split_once('/')?;
        let level = match level {
            "entries" => None,
            level => Some(number(level)?.try_into().ok().filter(|level| *level < LEVELS)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, TILE),
            Some((index, width)) => {
                let width = usize::try_from(number(width)?).ok()?;
                (index, Some(width).filter(|width| (1..TILE).contains(width))?)
            }
        };
        Some(Self { level, index: index_of(index)?, width })
    }
}

/// A number without zeros before it.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 3;
    (digits && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok())?
}

/// An index in groups of three digits, with an x before all but the last.
fn index_of(text: &str) -> Option<u64> {
    let groups: Vec<&str> = text.split('/').collect();
    let (last, others) = groups.split_last()?;
    let digits = |group: &str| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
    let value = |group: &str| digits(group).then(|| group.parse::<u64>().ok())?;
    let mut index = 0_u64;
    for group in others {
        index = index.checked_mul(1000)?.checked_add(value(group.strip_prefix('x')?)?)?;
    }
    // Nothing has two addresses.
    let is_short = others.is_empty() || others[0] != "x000";
    is_short.then(|| index.checked_mul(1000)?.checked_add(value(last)?))?
}

/// The newest checkpoint that enough witnesses have signed.
///
/// # Errors
/// The store's.
pub async fn checkpoint(
    store: &Store,
    publishing: &Publishing,
) -> Result<Option<SignedCheckpoint>, StoreError> {
    let notes = store.newest_notes(LOOKED_AT, publishing.required > 0).await?;
    let read = notes.iter().filter_map(|note| SignedCheckpoint::of_text(note).ok());
    let mut enough = read.filter(|checkpoint| {
        let signed = publishing.witnesses.iter().filter(|name| checkpoint.is_witnessed_by(name));
        signed.count() >= publishing.required
    });
    Ok(enough.next())
}

/// The bytes of a tile or bundle; `None`: it is not in the published tree.
///
/// # Errors
/// The store's.
pub async fn tile(
    store: &Store,
    publishing: &Publishing,
    address: TileAddress,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(checkpoint) = checkpoint(store, publishing).await? else { return Ok(None) };
    let level = address.level.unwrap_or_default();
    let nodes = checkpoint.checkpoint().size >> (8 * u32::from(level));
    let behind = (address.index << 8).checked_add(address.width as u64);
    if address.index > u64::MAX >> 8 || behind.is_none_or(|behind| behind > nodes) {
        return Ok(None);
    }
    let Some(bytes) = store.tile_bytes(level, address.index).await? else { return Ok(None) };
    let bytes = match address.level {
        None => bundle(bytes.as_chunks::<STORED_BYTES>().0, address.width),
        Some(level) => {
            let hashes = tile_hashes(level, &bytes).unwrap_or_default();
            hashes.iter().take(address.width).flatten().copied().collect()
        }
    };
    Ok(Some(bytes))
}

/// Entries, each with its length before it.
fn bundle(entries: &[StoredEntry], width: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(width * (2 + 1 + STORED_BYTES));
    for entry in entries.iter().take(width).filter_map(Entry::of_stored) {
        let published = entry.published();
        bytes.extend_from_slice(&u16::try_from(published.len()).unwrap_or_default().to_be_bytes());
        bytes.extend_from_slice(&published);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_clients_write_them() {
        let of = TileAddress::of_path;
        let address = |level, index, width| Some(TileAddress { level, index, width });
        assert_eq!(of("0/000"), address(Some(0), 0, 256));
        assert_eq!(of("1/x001/x234/067"), address(Some(1), 1_234_067, 256));
        assert_eq!(of("entries/x001/000.p/7"), address(None, 1_000, 7));
        for none in [
            "0/0",
            "0/x000/001",
            "00/000",
            "8/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/07",
            "0/001/002",
            "x/000",
            "0",
            "0/x001",
            "entries/",
            "0/+01",
            "0/x18446744073709551/615/000",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
