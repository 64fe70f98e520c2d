//! The process of a cluster: found by what the cluster notes of it, and believed only when it is a
//! PostgreSQL that runs in the cluster's folder. A number alone may be anybody's.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where PostgreSQL notes its process: number, folder, start, port, socket's folder, address,
/// memory, stage.
const NOTE: &str = "postmaster.pid";

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

    /// Whether it still runs, in this folder.
    pub fn runs(self, cluster: &Path) -> bool {
        let process = PathBuf::from(format!("/proc/{}", self.id));
        let is_postgres = fs::read_link(process.join("exe")).is_ok_and(|program| {
            let name = program.file_name().map(|name| name.to_string_lossy().into_owned());
            // One whose program has been upgraded meanwhile has a name with a remark.
            name.is_some_and(|name| name.split(' ').next() == Some("postgres"))
        });
        is_postgres && runs_in(&process, cluster)
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

fn runs_in(process: &Path, cluster: &Path) -> bool {
    fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == cluster)
}

/// Removes a cluster's note of a process that is somebody else's by now. A note of one that is gone
/// stays: PostgreSQL finds by it what that may have left in memory.
pub(super) fn remove_stale_note(cluster: &Path) -> io::Result<()> {
    let path = cluster.join(NOTE);
    let Ok(note) = fs::read_to_string(&path) else { return Ok(()) };
    let id = note.lines().next().and_then(|line| line.trim().parse::<i32>().ok()).unwrap_or(0);
    let is_somebodys = id > 0 && Path::new(&format!("/proc/{id}")).exists();
    if !is_somebodys || any_runs_in(cluster)? {
        return Ok(());
    }
    tracing::warn!("PostgreSQL's note of its process names somebody else's; removed");
    fs::remove_file(path)
}

/// Whether any process runs in the folder: one that serves a connection outlives the first for a
/// moment.
fn any_runs_in(cluster: &Path) -> io::Result<bool> {
    let processes = fs::read_dir("/proc")?.flatten();
    Ok(processes.into_iter().any(|process| runs_in(&process.path(), cluster)))
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
        remove_stale_note(&folder).unwrap();
        assert!(!note.exists());
        // Of a process that is gone PostgreSQL itself wants to know.
        fs::write(&note, format!("{}\n", i32::MAX)).unwrap();
        remove_stale_note(&folder).unwrap();
        assert!(note.exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
