//! Archives: a folder with all entries of a log, what of them is kept, and the checkpoints; checked without a database.
//!
//! | File | |
//! | --- | --- |
//! | `checkpoint` | the newest |
//! | `checkpoints/<size>` | older ones |
//! | `keys` | with which they are verified, one a line |
//! | `entries` | 34 bytes each, from leaf 0 |
//! | `records`, `notices` | what entries commit to: leaf (64 bits), length (32 bits), bytes; in any order, not all need be there |
//! | `removals` | which leaves a removal took: leaf of its notice, length, leaf set |

use crate::entry::{Entry, Kind, STORED_BYTES};
use crate::leaf_set;
use crate::names::{SignatureType, VerifyingName};
use crate::note::{NoCheckpoint, SignedCheckpoint};
use crate::record::{NoRecord, SealedRecord, read_notice};
use crate::tree::Edge;
use crate::{Hash, sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes of an entry in `entries`.
pub const ENTRY_BYTES: usize = 1 + STORED_BYTES;
const VERSION: u8 = 1;
/// Entries read at once.
const LOT: usize = 8_192;
/// A longer frame is none: a record has a thousand resources at the most.
const FRAME_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Seconds: nobody keeps records for shorter. Leap days are the log's own to count.
const FIVE_YEARS: u64 = 5 * 365 * 24 * 3600;
/// Which line of a removal's notice has the hash over its leaf set.
pub const LEAVES_LINE: &str = "leaves ";

/// What an archive that holds was found to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// The log's name.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// When the newest checkpoint was signed, in seconds since 1970, as far as the clock's key is known.
    pub seconds: Option<u64>,
    /// Checkpoints that hold.
    pub checkpoints: u64,
    /// Records that are there and are what they were.
    pub records: u64,
    /// The same for notices.
    pub notices: u64,
    /// Records that were removed, as notices say.
    pub removed: u64,
}

/// The first thing that is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// A file cannot be read.
    #[error("{0}: {1}")]
    Unreadable(PathBuf, io::Error),
    /// A line of `keys` is none, or the key that is asked for is not among them.
    #[error("keys: {0}")]
    Keys(&'static str),
    /// A file is no checkpoint.
    #[error("{0}: {1}")]
    NoCheckpoint(PathBuf, NoCheckpoint),
    /// The log has not signed it.
    #[error("{0}: not signed by the log: somebody else made this checkpoint, or changed it")]
    Unsigned(PathBuf),
    /// The entries are fewer or more than signed.
    #[error("entries: {found} are there, {signed} are signed")]
    Size {
        /// There.
        found: u64,
        /// In the checkpoint.
        signed: u64,
    },
    /// Bytes are no entry.
    #[error("leaf {0}: no entry of version 1")]
    NoEntry(u64),
    /// The tree over the entries has another root than was signed.
    #[error(
        "the first {0} entries are not those that were signed: one of them, or its place, was changed"
    )]
    Root(u64),
    /// A frame is cut, or of no leaf.
    #[error("{file}: what begins at byte {at} is of no leaf of the log")]
    Frame {
        /// The file.
        file: &'static str,
        /// Where.
        at: u64,
    },
    /// What is there is not what the entry commits to.
    #[error("leaf {0}: what {1} says is not what was logged")]
    Changed(u64, &'static str),
    /// It is not written as records are.
    #[error("leaf {0}: {1}")]
    NoRecord(u64, NoRecord),
    /// A leaf set is not the one of its notice.
    #[error("leaf {0}: the leaves that are said to be removed are not those that were sealed")]
    Removal(u64),
    /// A removal took what no checkpoint shows to have been old enough.
    #[error(
        "leaf {0}: it removed what no checkpoint shows to have been there five years before it was signed"
    )]
    Unlawful(u64),
    /// A frame comes twice.
    #[error("leaf {0}: what it says is there twice")]
    Twice(u64),
    /// A checkpoint is not of the size that its file's name says.
    #[error("{0}: not of the size that its name says")]
    Misnamed(PathBuf),
    /// A record that was removed is there.
    #[error("leaf {0}: removed, and there all the same")]
    Back(u64),
}

/// Checks an archive: by the key that is given, or by those that lie in it.
///
/// # Errors
/// The first finding.
pub fn verify(
    folder: &Path,
    key: Option<&VerifyingName>,
    progress: &mut dyn FnMut(u64),
) -> Result<Verified, Finding> {
    let names = keys(folder, key)?;
    let Checkpoints { newest, signed, times } = checkpoints(folder, &names)?;
    let last = newest.checkpoint();
    let entries = open(folder, "entries")?;
    check_tree(&entries, &signed, last.size, progress)?;
    let mut verified = Verified {
        origin: last.origin.clone(),
        size: last.size,
        seconds: times.get(&last.size).copied(),
        checkpoints: signed.len() as u64,
        ..Verified::default()
    };
    let mut sealed_sets: HashMap<u64, Hash> = HashMap::new();
    let mut seen = vec![0_u64; usize::try_from(last.size / 64 + 1).unwrap_or_default()];
    frames(folder, "notices", &mut |leaf, bytes| {
        let entry = entry_at(&entries, leaf, last.size)?;
        let text = read_notice(bytes).ok_or(Finding::Changed(leaf, "its notice"))?;
        if entry != Entry::over(entry.kind, bytes) || entry.kind == Kind::Record {
            return Err(Finding::Changed(leaf, "its notice"));
        }
        see(&mut seen, leaf)?;
        if entry.kind == Kind::Removal {
            let line = text.lines().find_map(|line| line.strip_prefix(LEAVES_LINE));
            let hash = line.and_then(unhex).ok_or(Finding::Removal(leaf))?;
            sealed_sets.insert(leaf, hash);
        }
        verified.notices += 1;
        Ok(())
    })?;
    let mut removed = Vec::new();
    frames(folder, "removals", &mut |leaf, bytes| {
        if sealed_sets.get(&leaf) != Some(&sha256(&[bytes])) {
            return Err(Finding::Removal(leaf));
        }
        let set = leaf_set::read(bytes).ok_or(Finding::Removal(leaf))?;
        // Nothing is removed that came after its removal was sealed.
        if set.last().is_some_and(|range| range.end > leaf) {
            return Err(Finding::Removal(leaf));
        }
        let end = set.last().map_or(0, |range| range.end);
        if !is_lawful(&times, leaf, end) {
            return Err(Finding::Unlawful(leaf));
        }
        verified.removed += set.iter().map(|range| range.end - range.start).sum::<u64>();
        removed.extend(set);
        Ok(())
    })?;
    removed.sort_unstable_by_key(|range| range.start);
    frames(folder, "records", &mut |leaf, bytes| {
        let entry = entry_at(&entries, leaf, last.size)?;
        if entry != Entry::over(Kind::Record, bytes) {
            return Err(Finding::Changed(leaf, "its record"));
        }
        see(&mut seen, leaf)?;
        SealedRecord::read(bytes).map_err(|no| Finding::NoRecord(leaf, no))?;
        let before = removed.partition_point(|range| range.start <= leaf);
        if before > 0 && removed[..before].iter().any(|range| range.contains(&leaf)) {
            return Err(Finding::Back(leaf));
        }
        verified.records += 1;
        if verified.records.is_multiple_of(LOT as u64) {
            progress(last.size + verified.records);
        }
        Ok(())
    })?;
    Ok(verified)
}

/// Notes that what a leaf says is there: once.
fn see(seen: &mut [u64], leaf: u64) -> Result<(), Finding> {
    let (word, bit) = (usize::try_from(leaf / 64).unwrap_or_default(), 1 << (leaf % 64));
    match seen.get_mut(word) {
        Some(word) if *word & bit == 0 => {
            *word |= bit;
            Ok(())
        }
        _ => Err(Finding::Twice(leaf)),
    }
}

/// The checkpoints of an archive, all of them signed by the log.
struct Checkpoints {
    newest: SignedCheckpoint,
    /// Roots by size.
    signed: BTreeMap<u64, Hash>,
    /// When they were signed, by size, as far as the clock's key is known.
    times: BTreeMap<u64, u64>,
}

fn checkpoints(folder: &Path, names: &[VerifyingName]) -> Result<Checkpoints, Finding> {
    let newest = checkpoint(&folder.join("checkpoint"), names)?;
    let (mut signed, mut times) = (BTreeMap::new(), BTreeMap::new());
    let named = |path: &PathBuf| {
        let found = checkpoint(path, names)?;
        let name = path.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok());
        let fits = name == Some(found.checkpoint().size);
        fits.then_some(found).ok_or_else(|| Finding::Misnamed(path.clone()))
    };
    let older: Result<Vec<SignedCheckpoint>, Finding> = older(folder)?.iter().map(named).collect();
    for note in older?.iter().chain([&newest]) {
        let checkpoint = note.checkpoint();
        signed.insert(checkpoint.size, checkpoint.root);
        let time = names.iter().filter_map(|name| note.time_by(name)).min();
        times.extend(time.map(|time| (checkpoint.size, time)));
    }
    Ok(Checkpoints { newest, signed, times })
}

/// Whether leaves up to `end` were signed five years before a removal's notice was, by the log's clock. Where its key is not
/// known nothing is said.
fn is_lawful(times: &BTreeMap<u64, u64>, notice: u64, end: u64) -> bool {
    let sealed = times.range(notice + 1..).next();
    let there = times.range(end..).next();
    match (sealed, there) {
        (Some((_, sealed)), Some((_, there))) => there + FIVE_YEARS <= *sealed,
        _ => times.is_empty(),
    }
}

/// The names in `keys`; the one that is asked for must be among them, and is the only log's that counts then.
fn keys(folder: &Path, key: Option<&VerifyingName>) -> Result<Vec<VerifyingName>, Finding> {
    let text = read(&folder.join("keys"))?;
    let names: Option<Vec<VerifyingName>> = text.lines().map(VerifyingName::of_vkey).collect();
    let mut names = names.ok_or(Finding::Keys("a line is no key"))?;
    if let Some(key) = key {
        if !names.contains(key) {
            return Err(Finding::Keys("the key that was given is not among them: another log"));
        }
        names.retain(|name| name.signature_type() != SignatureType::Note || name == key);
    }
    Ok(names)
}

fn checkpoint(path: &Path, names: &[VerifyingName]) -> Result<SignedCheckpoint, Finding> {
    let read = SignedCheckpoint::of_text(&read(path)?);
    let found = read.map_err(|no| Finding::NoCheckpoint(path.to_owned(), no))?;
    let is_signed = names
        .iter()
        .any(|name| found.checkpoint().origin == name.name() && found.is_signed_by(name));
    let is_signed = is_signed && !names.iter().any(|name| found.is_forged_by(name));
    is_signed.then_some(found).ok_or_else(|| Finding::Unsigned(path.to_owned()))
}

/// The files of older checkpoints.
fn older(folder: &Path) -> Result<Vec<PathBuf>, Finding> {
    let path = folder.join("checkpoints");
    let entries = match fs::read_dir(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| Finding::Unreadable(path.clone(), error))?,
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(|error| Finding::Unreadable(path, error))?;
    paths.sort();
    Ok(paths)
}

/// Makes the tree of all entries, and compares its root at every size that was signed.
fn check_tree(
    entries: &File,
    signed: &BTreeMap<u64, Hash>,
    size: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Finding> {
    let unreadable = |error| Finding::Unreadable("entries".into(), error);
    let length = entries.metadata().map_err(unreadable)?.len();
    if length != size.saturating_mul(ENTRY_BYTES as u64) {
        return Err(Finding::Size { found: length / ENTRY_BYTES as u64, signed: size });
    }
    let mut edge = Edge::default();
    let mut reader = BufReader::with_capacity(LOT * ENTRY_BYTES, entries);
    for (signed_size, root) in signed {
        while edge.size() < *signed_size {
            let count = (*signed_size - edge.size()).min(LOT as u64);
            let mut lot = vec![0; usize::try_from(count).unwrap_or(LOT) * ENTRY_BYTES];
            reader.read_exact(&mut lot).map_err(unreadable)?;
            let first = edge.size();
            let (published, _) = lot.as_chunks::<ENTRY_BYTES>();
            let stored = (first..).zip(published).map(|(leaf, bytes)| stored(leaf, bytes));
            let stored: Vec<[u8; STORED_BYTES]> = stored.collect::<Result<_, _>>()?;
            edge.append(stored);
            progress(edge.size());
        }
        if edge.root() != *root {
            return Err(Finding::Root(*signed_size));
        }
    }
    Ok(())
}

fn stored(leaf: u64, published: &[u8; ENTRY_BYTES]) -> Result<[u8; STORED_BYTES], Finding> {
    let (version, rest) = published.split_first().ok_or(Finding::NoEntry(leaf))?;
    let stored: [u8; STORED_BYTES] = rest.try_into().map_err(|_| Finding::NoEntry(leaf))?;
    let is_known = *version == VERSION && Entry::of_stored(&stored).is_some();
    is_known.then_some(stored).ok_or(Finding::NoEntry(leaf))
}

fn entry_at(entries: &File, leaf: u64, size: u64) -> Result<Entry, Finding> {
    if leaf >= size {
        return Err(Finding::NoEntry(leaf));
    }
    let mut published = [0; ENTRY_BYTES];
    let read = entries.read_exact_at(&mut published, leaf * ENTRY_BYTES as u64);
    read.map_err(|error| Finding::Unreadable("entries".into(), error))?;
    Entry::of_stored(&stored(leaf, &published)?).ok_or(Finding::NoEntry(leaf))
}

/// What is done with a frame: its leaf, and its bytes.
type Each<'e> = dyn FnMut(u64, &[u8]) -> Result<(), Finding> + 'e;

/// Hands over each frame of a file; one that is not there has none.
fn frames(folder: &Path, name: &'static str, each: &mut Each<'_>) -> Result<(), Finding> {
    let path = folder.join(name);
    if !path.exists() {
        return Ok(());
    }
    let file = open(folder, name)?;
    let length = file.metadata().map_err(|error| Finding::Unreadable(path.clone(), error))?.len();
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let (mut at, mut bytes) = (0, Vec::new());
    while at < length {
        let frame = |_| Finding::Frame { file: name, at };
        let mut head = [0; 12];
        reader.read_exact(&mut head).map_err(frame)?;
        let leaf = head[..8].iter().fold(0, |leaf, byte| leaf << 8 | u64::from(*byte));
        let count = head[8..].iter().fold(0, |count, byte| count << 8 | u32::from(*byte));
        if count > FRAME_BYTES_MAX {
            return Err(Finding::Frame { file: name, at });
        }
        bytes.resize(usize::try_from(count).unwrap_or_default(), 0);
        reader.read_exact(&mut bytes).map_err(frame)?;
        each(leaf, &bytes)?;
        at += 12 + u64::from(count);
    }
    Ok(())
}

/// A frame.
pub fn frame(leaf: u64, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&leaf.to_be_bytes()[..], &length.to_be_bytes(), bytes].concat()
}

/// A hash as 64 digits.
fn unhex(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(hash)
}

fn read(path: &Path) -> Result<String, Finding> {
    fs::read_to_string(path).map_err(|error| Finding::Unreadable(path.to_owned(), error))
}

fn open(folder: &Path, name: &str) -> Result<File, Finding> {
    let path = folder.join(name);
    let is_file = fs::metadata(&path).map(|found| found.is_file());
    let opened = is_file.and_then(|is_file| match is_file {
        true => File::open(&path),
        false => Err(io::Error::other("not a file")),
    });
    opened.map_err(|error| Finding::Unreadable(path, error))
}
