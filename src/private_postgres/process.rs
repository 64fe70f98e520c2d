//! The process of a cluster: found by what the cluster notes of it, and believed only when it is a
//! PostgreSQL of the cluster's folder. A number alone may be anybody's.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where PostgreSQL notes its process: number, folder, start, port, socket's folder, address,
/// memory, stage.
const NOTE: &str = "postmaster.pid";
/// The same beside its socket.
const SOCKET_NOTE: &str = ".s.PGSQL.5432.lock";

/// The first process of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Postmaster {
    id: Pid,
    stage: Stage,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It does not answer yet.
    Starting,
    /// It answers.
    Ready,
}

/// How it is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything is written first.
    Fast,
    /// At once; its files are put right at the next start.
    Immediate,
}

impl Postmaster {
    /// The one that runs in a cluster's folder.
    pub fn find(cluster: &Path) -> Option<Self> {
        let note = fs::read_to_string(cluster.join(NOTE)).ok()?;
        let mut lines = note.lines();
        let id = Pid::from_raw(lines.next()?.trim().parse().ok().filter(|id| *id > 0)?);
        let stage = match lines.nth(6).map(str::trim) {
            Some("ready" | "standby") => Stage::Ready,
            _ => Stage::Starting,
        };
        let found = Self { id, stage };
        found.runs(cluster).then_some(found)
    }

    /// How far it had come when it was found.
    pub fn stage(self) -> Stage {
        self.stage
    }

    /// Whether it still runs, for this folder.
    pub fn runs(self, cluster: &Path) -> bool {
        is_of(&PathBuf::from(format!("/proc/{}", self.id)), cluster)
    }

    /// Asks it to end.
    pub fn end(self, ending: Ending) {
        let signal = match ending {
            Ending::Fast => Signal::SIGINT,
            Ending::Immediate => Signal::SIGQUIT,
        };
        // One that has ended meanwhile needs no asking.
        _ = kill(self.id, signal);
    }
}

/// Whether a process is a PostgreSQL of a cluster.
fn is_of(process: &Path, cluster: &Path) -> bool {
    // What it was started with everybody may read; where it runs, only its own user and root.
    let Ok(command) = fs::read(process.join("cmdline")) else { return false };
    let mut words = command.split(|byte| *byte == 0).map(|word| Path::new(OsStr::from_bytes(word)));
    let program = words.next().and_then(Path::file_name).unwrap_or_default();
    program.to_string_lossy().contains("postgres")
        && (words.any(|word| word == cluster) || runs_in(process, cluster) == Some(true))
}

/// Whether there is any process of a cluster, noted or not.
pub(super) fn any_is_of(cluster: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.into_iter().any(|process| is_of(&process.path(), cluster))
}

/// Whether a process runs in a folder; `None` when that cannot be seen.
fn runs_in(process: &Path, folder: &Path) -> Option<bool> {
    match fs::read_link(process.join("cwd")) {
        Ok(found) => Some(found == folder),
        // Gone, or a process that is only waiting for its end to be noticed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// Removes a cluster's notes of a process that is somebody else's by now, in its folder and beside its
/// socket. A note of one that is gone
/// stays: PostgreSQL finds by it what that may have left in memory. It stays too where it cannot be
/// seen whether anything still runs there.
pub(super) fn remove_stale_notes(cluster: &Path, socket_dir: &Path) -> io::Result<()> {
    for path in [cluster.join(NOTE), socket_dir.join(SOCKET_NOTE)] {
        let Ok(note) = fs::read_to_string(&path) else { continue };
        let id = note.lines().next().and_then(|line| line.trim().parse::<i32>().ok()).unwrap_or(0);
        let is_somebodys = id > 0 && Path::new(&format!("/proc/{id}")).exists();
        if is_somebodys && !any_may_run_in(cluster)? {
            tracing::warn!("PostgreSQL's note of its process names somebody else's; removed");
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Whether any process may run in the folder: one that serves a connection outlives the first for a
/// moment.
fn any_may_run_in(cluster: &Path) -> io::Result<bool> {
    let processes = fs::read_dir("/proc")?.flatten().map(|process| process.path());
    let mut postgres = processes.filter(|process| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        command.windows(8).any(|part| part == b"postgres")
    });
    Ok(postgres.any(|process| runs_in(&process, cluster) != Some(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_elses_process_is_not_ours_and_its_note_goes() {
        let folder = std::env::temp_dir().join(format!("sigill-note-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let note = folder.join(NOTE);
        fs::write(&note, format!("{}\n{}\n", std::process::id(), folder.display())).unwrap();
        assert_eq!(Postmaster::find(&folder), None, "this test is no PostgreSQL");
        let socket_note = folder.join(SOCKET_NOTE);
        fs::copy(&note, &socket_note).unwrap();
        remove_stale_notes(&folder, &folder).unwrap();
        assert!(!note.exists() && !socket_note.exists());
        // Of a process that is gone PostgreSQL itself wants to know.
        fs::write(&note, format!("{}\n", i32::MAX)).unwrap();
        remove_stale_notes(&folder, &folder).unwrap();
        assert!(note.exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
