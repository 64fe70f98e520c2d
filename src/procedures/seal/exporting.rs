//! Exporting: an archive of the log that outsiders can verify without us.

use super::identity::{KINDS, SealIdentity};
use super::log_seal::SealError;
use super::verification::Progress;
use crate::store::database::Store;
use crate::store::log::seal::tiles::TreeView;
use crate::store::log::seal::walk::Stretch;
use sigill_seal::archive::frame;
use sigill_seal::entry::{Entry, Kind, STORED_BYTES};
use sigill_seal::note::SignedCheckpoint;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Records of a stretch.
const STRETCH: i64 = 4_096;
/// Tiles read at once.
const TILES: u64 = 64;
const CHECKPOINTS: i64 = 1_000;
const HOUR: u64 = 3600;

/// What has been exported.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Entries.
    pub entries: u64,
    /// Records with their content.
    pub records: u64,
    /// Notices.
    pub notices: u64,
}

/// A file of the archive.
struct ArchiveFile(BufWriter<File>);

impl ArchiveFile {
    fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self(BufWriter::with_capacity(1 << 20, file)))
    }

    fn end(self) -> io::Result<()> {
        self.0.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

/// Writes an archive into a new folder, up to the newest signed checkpoint. That is written last: a folder without it is no
/// archive. With `content` the records are in it; only their commitments otherwise.
///
/// # Errors
/// The store's, or the system's; also that the folder is there, or nothing is signed yet.
pub async fn export(
    store: &Store,
    folder: PathBuf,
    content: bool,
    progress: &Progress,
) -> Result<Exported, SealError> {
    let note = store.newest_checkpoint().await?.ok_or(SealError::NotSigned)?;
    let newest = SignedCheckpoint::of_text(&note).map_err(|_| SealError::NotSigned)?;
    let size = newest.checkpoint().size;
    let identities = SealIdentity::all(&store.notices(&KINDS).await?);
    let made = DirBuilder::new().mode(0o700).create(&folder);
    made.map_err(|error| io::Error::other(format!("{}: {error}", folder.display())))?;
    let mut keys = ArchiveFile::create(&folder.join("keys"))?;
    for name in identities.iter().flat_map(|identity| &identity.names) {
        writeln!(keys.0, "{}", name.to_vkey())?;
    }
    keys.end()?;
    let mut exported = Exported { entries: size, ..Exported::default() };
    entries(store, &folder, size, progress).await?;
    frames(store, (&folder, content), size, &mut exported, progress).await?;
    removals(store, &folder, size).await?;
    checkpoints(store, &folder, size).await?;
    let mut last = ArchiveFile::create(&folder.join("checkpoint"))?;
    last.0.write_all(note.as_bytes())?;
    last.end()?;
    File::open(&folder)?.sync_all()?;
    Ok(exported)
}

async fn entries(
    store: &Store,
    folder: &Path,
    size: u64,
    progress: &Progress,
) -> Result<(), SealError> {
    let view: TreeView = store.tree_view().await?;
    let mut file = ArchiveFile::create(&folder.join("entries"))?;
    let mut left = size;
    let mut write = |entries: &[[u8; STORED_BYTES]]| {
        for entry in entries {
            if left == 0 {
                return Ok(());
            }
            left -= 1;
            let published =
                Entry::of_stored(entry).map(|entry| entry.published()).unwrap_or_default();
            file.0.write_all(&published)?;
        }
        Ok::<_, io::Error>(())
    };
    let full = view.full_tiles(0);
    let mut first = 0;
    while first < full && first << 8 < size {
        for tile in store.tiles_from(0, first, TILES).await? {
            write(tile.hashes.as_chunks::<STORED_BYTES>().0)?;
        }
        first += TILES;
        progress("entries", (first << 8).min(size), size);
    }
    write(view.edge.entries())?;
    Ok(file.end()?)
}

async fn frames(
    store: &Store,
    (folder, content): (&Path, bool),
    size: u64,
    exported: &mut Exported,
    progress: &Progress,
) -> Result<(), SealError> {
    let mut notices = ArchiveFile::create(&folder.join("notices"))?;
    let mut records = content.then(|| ArchiveFile::create(&folder.join("records"))).transpose()?;
    let mut at = Some(i64::MIN);
    while let Some(from) = at {
        let stretch = store.stretch_from(from, STRETCH).await?;
        for (leaf, kind, preimage) in store.preimages(stretch, content).await? {
            if leaf >= size {
                continue;
            }
            match (kind, &mut records) {
                (Kind::Record, Some(records)) => {
                    records.0.write_all(&frame(leaf, &preimage))?;
                    exported.records += 1;
                }
                (Kind::Record, None) => {}
                _ => {
                    notices.0.write_all(&frame(leaf, &preimage))?;
                    exported.notices += 1;
                }
            }
        }
        progress("records", exported.records, size);
        at = (stretch.to < i64::MAX).then_some(stretch.to);
    }
    if let Some(records) = records {
        records.end()?;
    }
    Ok(notices.end()?)
}

async fn removals(store: &Store, folder: &Path, size: u64) -> Result<(), SealError> {
    let mut file = ArchiveFile::create(&folder.join("removals"))?;
    for removal in store.removals().await? {
        let stretch = Stretch { from: removal.entry_number, to: removal.entry_number + 1 };
        if let Some((leaf, _)) = store.inclusion_of(stretch.from, size).await? {
            file.0.write_all(&frame(leaf, &removal.leaves))?;
        }
    }
    Ok(file.end()?)
}

/// One an hour, with the operator's own signatures of them.
async fn checkpoints(store: &Store, folder: &Path, size: u64) -> Result<(), SealError> {
    let older = folder.join("checkpoints");
    DirBuilder::new().mode(0o700).create(&older)?;
    DirBuilder::new().mode(0o700).create(folder.join("cms"))?;
    let (mut above, mut hour) = (0, None);
    loop {
        let rows = store.signed_checkpoints(above, CHECKPOINTS).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        above = last.size;
        for row in rows {
            let its = u64::try_from(row.integrated_at.timestamp()).unwrap_or_default() / HOUR;
            let row_size = u64::try_from(row.size).unwrap_or_default();
            let Some(note) = row.note.filter(|_| hour != Some(its) && row_size < size) else {
                continue;
            };
            hour = Some(its);
            let mut file = ArchiveFile::create(&older.join(row.size.to_string()))?;
            file.0.write_all(note.as_bytes())?;
            file.end()?;
            if let Some(signature) = row.cms {
                let mut file =
                    ArchiveFile::create(&folder.join("cms").join(format!("{}.p7s", row.size)))?;
                file.0.write_all(&signature)?;
                file.end()?;
            }
        }
    }
}
