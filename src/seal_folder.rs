//! What of the seal lies outside the database: the keys, and the anchors, which are the last checkpoint that this server
//! has checked.
//!
//! A file is there whole or not at all, whatever ends the process.

use sigill_seal::keys::{LogKeys, NoKeys};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Longer key files are none.
const KEYS_BYTES_MAX: u64 = 64 * 1024;
/// A copy of an anchor is kept so often, and so many of them.
const COPY_PERIOD: Duration = Duration::from_hours(1);
const COPIES_MAX: usize = 1_000;

/// Where keys and anchors are.
#[derive(Debug, Clone)]
pub struct SealFolder {
    keys: PathBuf,
    anchors: PathBuf,
}

/// Which of the key files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFile {
    /// The keys in use.
    Current,
    /// Those of before the last rotation.
    Previous,
    /// Those of a rotation that is under way.
    Next,
}

/// Why keys cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The system.
    #[error("{0}: {1}")]
    Unusable(PathBuf, io::Error),
    /// Others than its owner may read or change it.
    #[error(
        "{0}: others than its owner may read or change it; chmod 600 it, and rotate the keys if others have"
    )]
    Open(PathBuf),
    /// It is no key file.
    #[error("{0}: {1}")]
    NoKeys(PathBuf, NoKeys),
}

impl SealFolder {
    /// A file of keys, and a folder of anchors.
    pub fn at(keys: PathBuf, anchors: PathBuf) -> Self {
        Self { keys, anchors }
    }

    /// Where a key file is.
    pub fn path(&self, which: KeyFile) -> PathBuf {
        let suffix = match which {
            KeyFile::Current => return self.keys.clone(),
            KeyFile::Previous => ".previous",
            KeyFile::Next => ".next",
        };
        let mut name = self.keys.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    /// The keys in a file, if it is there.
    ///
    /// # Errors
    /// That it cannot be used.
    pub fn keys(&self, which: KeyFile) -> Result<Option<LogKeys>, KeyFileError> {
        let path = self.path(which);
        let unusable = |error| KeyFileError::Unusable(path.clone(), error);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // What is no file may be read from for ever.
            Ok(found) if !found.is_file() => return Err(unusable(io::Error::other("not a file"))),
            _ => {}
        }
        let file = File::open(&path).map_err(unusable)?;
        if file.metadata().map_err(unusable)?.mode() & 0o077 != 0 {
            return Err(KeyFileError::Open(path));
        }
        let mut text = String::new();
        file.take(KEYS_BYTES_MAX).read_to_string(&mut text).map_err(unusable)?;
        LogKeys::of_text(&text).map(Some).map_err(|no| KeyFileError::NoKeys(path, no))
    }

    /// Which file has the keys in use now: another one, or one that was changed, is told from it.
    pub fn version(&self) -> Option<(u64, SystemTime)> {
        let found = fs::metadata(&self.keys).ok()?;
        Some((found.ino(), found.modified().ok()?))
    }

    /// Keeps keys in a file; `false`: there is one already, which stays.
    ///
    /// # Errors
    /// That they cannot be kept.
    pub fn create_keys(&self, which: KeyFile, keys: &LogKeys) -> Result<bool, KeyFileError> {
        let path = self.path(which);
        keep_new(&path, &keys.to_text()).map_err(|error| KeyFileError::Unusable(path, error))
    }

    /// The keys of the rotation under way are those in use from now on.
    ///
    /// # Errors
    /// That they cannot be kept.
    pub fn take_next_keys(&self) -> Result<(), KeyFileError> {
        let (current, previous, next) =
            (self.path(KeyFile::Current), self.path(KeyFile::Previous), self.path(KeyFile::Next));
        let taken = || {
            if current.exists() {
                let copy = with_suffix(&previous, &format!(".new-{}", std::process::id()));
                write_durably(&copy, &fs::read(&current)?)?;
                fs::rename(&copy, &previous)?;
            }
            fs::rename(&next, &current)?;
            sync_folder(folder_of(&current))
        };
        taken().map_err(|error| KeyFileError::Unusable(self.keys.clone(), error))
    }

    /// Forgets the keys of a rotation that came to nothing.
    ///
    /// # Errors
    /// That they are there still.
    pub fn drop_next_keys(&self) -> Result<(), KeyFileError> {
        let next = self.path(KeyFile::Next);
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(KeyFileError::Unusable(next, error))
            }
            _ => Ok(()),
        }
    }

    /// The last checkpoint that was checked here.
    ///
    /// # Errors
    /// The system's.
    pub fn anchor(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(self.anchors.join("checkpoint")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Moves the anchor, and keeps a copy of it now and then.
    ///
    /// # Errors
    /// The system's; the anchor is where it was, or moved.
    pub fn move_anchor(&self, note: &str, size: u64) -> io::Result<()> {
        make_folder(&self.anchors)?;
        let anchor = self.anchors.join("checkpoint");
        // Another server that has the same folder may be further.
        let kept = self.anchor()?.and_then(|kept| kept.lines().nth(1)?.parse::<u64>().ok());
        if kept.is_some_and(|kept| kept > size) {
            return Ok(());
        }
        let new = with_suffix(&anchor, &format!(".new-{}", std::process::id()));
        write_durably(&new, note.as_bytes())?;
        fs::rename(&new, &anchor)?;
        sync_folder(&self.anchors)?;
        self.copy_now_and_then(note, size)
    }

    fn copy_now_and_then(&self, note: &str, size: u64) -> io::Result<()> {
        let mut copies: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.anchors)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("checkpoint-") {
                copies.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        copies.sort();
        let is_recent = copies
            .last()
            .is_some_and(|(at, _)| at.elapsed().is_ok_and(|elapsed| elapsed < COPY_PERIOD));
        if is_recent {
            return Ok(());
        }
        let surplus = (copies.len() + 1).saturating_sub(COPIES_MAX);
        for (_, path) in copies.drain(..surplus) {
            fs::remove_file(path)?;
        }
        let copy = self.anchors.join(format!("checkpoint-{size}"));
        // One of the same size says the same, or is evidence.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy) {
            Ok(mut file) => file.write_all(note.as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Begins anew with anchors: the log goes on under another name. The last one stays beside.
    ///
    /// # Errors
    /// The system's.
    pub fn retire_anchor(&self, size: u64) -> io::Result<()> {
        let anchor = self.anchors.join("checkpoint");
        match fs::rename(&anchor, self.anchors.join(format!("retired-{size}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The text of a file that only its owner can read, which is made with a text of its own where it is not there.
///
/// # Errors
/// That it cannot be used, or others can read it.
pub fn kept_secret(path: &Path, new: &str) -> Result<String, KeyFileError> {
    let unusable = |error| KeyFileError::Unusable(path.to_owned(), error);
    if !path.exists() {
        keep_new(path, new).map_err(unusable)?;
    }
    if fs::metadata(path).map_err(unusable)?.mode() & 0o077 != 0 {
        return Err(KeyFileError::Open(path.to_owned()));
    }
    fs::read_to_string(path).map_err(unusable)
}

fn keep_new(path: &Path, text: &str) -> io::Result<bool> {
    let folder = folder_of(path);
    make_folder(folder)?;
    let new = with_suffix(path, &format!(".new-{}", std::process::id()));
    write_durably(&new, text.as_bytes())?;
    // What is linked is whole, and nothing is overwritten.
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new)?;
    sync_folder(folder)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A file that only its owner can read, on disk when this returns.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // One that a process of the same number left is of no use.
    _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn folder(name: &str) -> (SealFolder, PathBuf) {
        let path = std::env::temp_dir().join(format!("sigill-seal-{name}-{}", std::process::id()));
        _ = fs::remove_dir_all(&path);
        (SealFolder::at(path.join("log-keys"), path.join("anchors")), path)
    }

    fn keys(byte: u8) -> LogKeys {
        LogKeys::of_random("log.example/1", &[byte; 96]).unwrap()
    }

    #[test]
    fn keys_are_kept_once_and_only_for_their_owner() {
        let (seal, path) = folder("keys");
        assert!(seal.keys(KeyFile::Current).unwrap().is_none());
        assert!(seal.create_keys(KeyFile::Current, &keys(1)).unwrap());
        assert!(!seal.create_keys(KeyFile::Current, &keys(2)).unwrap());
        let found = seal.keys(KeyFile::Current).unwrap().unwrap();
        assert_eq!(found.to_text(), keys(1).to_text());
        let file = seal.path(KeyFile::Current);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(seal.keys(KeyFile::Current), Err(KeyFileError::Open(_))));
        }
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn the_next_keys_take_the_place_of_the_current_ones() {
        let (seal, path) = folder("next");
        seal.create_keys(KeyFile::Current, &keys(1)).unwrap();
        seal.create_keys(KeyFile::Next, &keys(2)).unwrap();
        seal.take_next_keys().unwrap();
        let text = |which| seal.keys(which).unwrap().map(|keys| keys.to_text());
        assert_eq!(text(KeyFile::Current), Some(keys(2).to_text()));
        assert_eq!(text(KeyFile::Previous), Some(keys(1).to_text()));
        assert_eq!(text(KeyFile::Next), None);
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn an_anchor_is_where_it_was_moved_last_and_copies_are_few() {
        let (seal, path) = folder("anchor");
        assert_eq!(seal.anchor().unwrap(), None);
        for size in 1..5 {
            seal.move_anchor(&format!("note {size}"), size).unwrap();
        }
        assert_eq!(seal.anchor().unwrap().as_deref(), Some("note 4"));
        assert_eq!(fs::read_dir(path.join("anchors")).unwrap().count(), 2, "one copy an hour");
        seal.retire_anchor(4).unwrap();
        assert_eq!(seal.anchor().unwrap(), None);
        fs::remove_dir_all(path).unwrap();
    }
}
