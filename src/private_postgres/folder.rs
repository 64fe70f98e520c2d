//! Where everything of the private `PostgreSQL` is: its programs, its cluster, its socket, and whom
//! it runs as.

use super::{PrivatePostgresError, Result, at};
use nix::unistd::{Gid, Uid, User};
use sha2::{Digest, Sha256};
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Users to run as when we are root, the first that exists.
const UNPRIVILEGED_USERS: [&str; 2] = ["postgres", "nobody"];
/// Where files are kept that the unprivileged user could not reach in the data folder.
const REACHABLE_DIR: &str = "/var/lib/sigill";
/// A socket's path is at most 107 bytes, of which its name takes 15.
const SOCKET_DIR_BYTES_MAX: usize = 90;

/// The folder with `initdb` and `pg_ctl`: on PATH, by `pg_config`, or Debian's newest.
pub(super) async fn programs() -> Option<PathBuf> {
    let complete =
        |dir: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|p| dir.join(p).is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(dir) = std::env::split_paths(&path).find(|dir| complete(dir)) {
        return Some(dir);
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output().await {
        let dir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if complete(&dir) {
            return Some(dir);
        }
    }
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let mut dirs: Vec<(u32, PathBuf)> = versions
        .filter_map(|v| Some((v.file_name().to_str()?.parse().ok()?, v.path().join("bin"))))
        .filter(|(_, dir)| complete(dir))
        .collect();
    dirs.sort();
    dirs.pop().map(|(_, dir)| dir)
}

pub(super) fn lock(data: &Path) -> Result<File> {
    let path = data.join("lock");
    let file = File::create(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(PrivatePostgresError::InUse(data.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

pub(super) fn unprivileged() -> Result<(Uid, Gid)> {
    let mut users = UNPRIVILEGED_USERS.iter().filter_map(|name| User::from_name(name).ok()?);
    users.next().map(|user| (user.uid, user.gid)).ok_or(PrivatePostgresError::NoUser)
}

/// Where the cluster is or will be.
pub(super) fn cluster_path(data: &Path, user: Option<(Uid, Gid)>) -> Result<PathBuf> {
    let place = data.join("postgres");
    if let Ok(existing) = fs::canonicalize(&place) {
        return Ok(existing);
    }
    let Some((uid, gid)) = user else { return Ok(place) };
    if reachable(data, uid, gid)? {
        // The unprivileged user makes nothing here itself but must reach its own folder.
        return Ok(place);
    }
    let digest = Sha256::digest(data.as_os_str().as_encoded_bytes());
    let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    fs::create_dir_all(REACHABLE_DIR).map_err(at(Path::new(REACHABLE_DIR)))?;
    if fs::symlink_metadata(&place).is_ok() {
        fs::remove_file(&place).map_err(at(&place))?;
    }
    let elsewhere =
        fs::canonicalize(REACHABLE_DIR).map_err(at(Path::new(REACHABLE_DIR)))?.join(name);
    symlink(&elsewhere, &place).map_err(at(&place))?;
    Ok(elsewhere)
}

/// Whether the user may pass through every folder on the way.
fn reachable(dir: &Path, uid: Uid, gid: Gid) -> Result<bool> {
    for ancestor in dir.ancestors() {
        let found = fs::metadata(ancestor).map_err(at(ancestor))?;
        let bit = match (found.uid() == uid.as_raw(), found.gid() == gid.as_raw()) {
            (true, _) => 0o100,
            (false, true) => 0o010,
            (false, false) => 0o001,
        };
        if found.mode() & bit == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The cluster's own folder, or one with a short path where that is too long for a socket.
pub(super) fn socket_dir(cluster: &Path) -> PathBuf {
    if cluster.as_os_str().len() <= SOCKET_DIR_BYTES_MAX {
        return cluster.to_owned();
    }
    let digest = Sha256::digest(cluster.as_os_str().as_encoded_bytes());
    let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    std::env::temp_dir().join(format!("sigill-{name}"))
}
