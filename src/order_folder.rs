//! The folder of ordered extracts: each file a ZIP with one document, written as a stream.
//!
//! A file has its name only when it is whole and on disk; what a process left unfinished is removed
//! later. Folder and files are for us alone.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const WHOLE: &str = "zip";
const UNFINISHED: &str = "part";
/// In which the system counts what a file takes, on every Linux.
const BLOCK_BYTES: u64 = 512;

/// The folder.
#[derive(Debug, Clone)]
pub struct OrderFolder {
    path: PathBuf,
}

/// A file that is being made. Dropped before it is whole, it is removed.
#[derive(Debug)]
pub struct FileBeingMade {
    zip: Option<Box<ZipWriter<BufWriter<File>>>>,
    unfinished: PathBuf,
    whole: PathBuf,
}

impl OrderFolder {
    /// The folder at a path; it is made when it is first needed.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// What of it an installation has: others may use the same folder.
    pub fn of_installation(&self, installation: Uuid) -> Self {
        Self { path: self.path.join(installation.to_string()) }
    }

    /// Begins one of an order's files; `made_by` tells apart two processes that both believe to be the
    /// one that makes it.
    ///
    /// # Errors
    /// The system's.
    pub fn begin(&self, order: Uuid, ordinal: i32, made_by: Uuid) -> io::Result<FileBeingMade> {
        let folder = self.of_order(order);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let unfinished = folder.join(format!("{ordinal}.{made_by}.{UNFINISHED}"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        let mut zip = ZipWriter::new(BufWriter::new(file));
        // ZIP64 from the start: how long a document becomes is not known before it ends.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(true);
        zip.start_file(format!("{order}-{ordinal}.xml"), options)?;
        let whole = folder.join(name(ordinal));
        Ok(FileBeingMade { zip: Some(Box::new(zip)), unfinished, whole })
    }

    /// Opens a file to be read.
    ///
    /// # Errors
    /// The system's; also that it is not there.
    pub fn open(&self, order: Uuid, ordinal: i32) -> io::Result<File> {
        File::open(self.of_order(order).join(name(ordinal)))
    }

    /// The orders that have a folder.
    ///
    /// # Errors
    /// The system's.
    pub fn orders(&self) -> io::Result<Vec<Uuid>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut orders = Vec::new();
        for entry in entries {
            // What else lies there is not ours.
            orders.extend(entry?.file_name().to_str().and_then(|name| Uuid::parse_str(name).ok()));
        }
        Ok(orders)
    }

    /// Removes what an order has there but for these files; with none of them the folder too.
    ///
    /// # Errors
    /// The system's.
    pub fn keep_only(&self, order: Uuid, ordinals: &[i32]) -> io::Result<()> {
        let folder = self.of_order(order);
        if ordinals.is_empty() {
            return gone(fs::remove_dir_all(&folder));
        }
        let kept: HashSet<OsString> =
            ordinals.iter().map(|ordinal| name(*ordinal).into()).collect();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if !kept.contains(&entry.file_name()) {
                gone(fs::remove_file(entry.path()))?;
            }
        }
        Ok(())
    }

    /// Removes one of an order's files, and with the last of them the order's folder.
    ///
    /// # Errors
    /// The system's.
    pub fn remove(&self, order: Uuid, ordinal: i32) -> io::Result<()> {
        let folder = self.of_order(order);
        gone(fs::remove_file(folder.join(name(ordinal))))?;
        // As long as it has files it stays.
        _ = fs::remove_dir(folder);
        Ok(())
    }

    /// Removes what was left unfinished of an order.
    ///
    /// # Errors
    /// The system's.
    pub fn tidy(&self, order: Uuid) -> io::Result<()> {
        let entries = match fs::read_dir(self.of_order(order)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                gone(fs::remove_file(path))?;
            }
        }
        Ok(())
    }

    fn of_order(&self, order: Uuid) -> PathBuf {
        self.path.join(order.to_string())
    }
}

impl FileBeingMade {
    /// Writes more of the document.
    ///
    /// # Errors
    /// The system's: the file cannot be made.
    pub fn write(&mut self, text: &str) -> io::Result<()> {
        match &mut self.zip {
            Some(zip) => zip.write_all(text.as_bytes()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The document has ended: the file is whole, on disk, and has its name. Returns how long it is, and
    /// what it takes of the disk.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(mut self) -> io::Result<(u64, u64)> {
        let Some(zip) = self.zip.take() else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let file = zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let metadata = file.metadata()?;
        let sizes = (metadata.len(), metadata.blocks() * BLOCK_BYTES);
        fs::rename(&self.unfinished, &self.whole)?;
        let folder = self.whole.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(sizes)
    }
}

impl Drop for FileBeingMade {
    fn drop(&mut self) {
        // Gone already where it is whole; what stays is removed later.
        _ = fs::remove_file(&self.unfinished);
    }
}

/// What is gone already needs no removing.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn name(ordinal: i32) -> String {
    format!("{ordinal}.{WHOLE}")
}
