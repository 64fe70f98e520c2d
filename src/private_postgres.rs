//! A private `PostgreSQL` under the data folder, for an installation that names no database.
//!
//! It listens on a Unix socket only, is found again after a crash, is started again when it ends by
//! itself, and is stopped at the end; nothing is done to a process that is not of this folder. As root its programs run as an unprivileged user, because `PostgreSQL` refuses root;
//! when that user cannot reach the data folder the files are kept in `/var/lib/sigill`, and
//! a symbolic link in the data folder leads there.

mod folder;
mod process;
mod settings;

use folder::{cluster_path, lock, programs, socket_dir, unprivileged};
use nix::unistd::{Gid, Uid, chown, geteuid};
use process::{Ending, Postmaster, Stage};
pub use settings::Sizes;
use sqlx::postgres::PgConnectOptions;
use std::fs::{self, File, Permissions};
use std::io;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

/// The database's superuser, who can only come through the socket's folder.
const DATABASE_USER: &str = "sigill";
/// How long an ordinary end may take, and one in a hurry.
const END_TIMEOUT: Duration = Duration::from_mins(1);
const HURRIED_END_TIMEOUT: Duration = Duration::from_millis(800);
/// How long it may take to note itself.
const NOTE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked whether it has come or gone.
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked whether it still runs.
const WATCH_PAUSE: Duration = Duration::from_millis(200);
/// Pauses between attempts to start it again: they double.
const RESTART_PAUSE_FIRST: Duration = Duration::from_millis(200);
const RESTART_PAUSE_LONGEST: Duration = Duration::from_secs(5);
/// Lines of its log that are looked at for why it did not start.
const LOG_BYTES_MAX: u64 = 16 * 1024;

/// Why there is no private `PostgreSQL`.
#[derive(Debug, thiserror::Error)]
pub enum PrivatePostgresError {
    /// No `PostgreSQL` on this machine.
    #[error(
        "no PostgreSQL found on PATH, by pg_config or in /usr/lib/postgresql: install it \
         (Debian: apt-get install postgresql) or name a database in database.url"
    )]
    NotInstalled,
    /// A command for a running server, and none runs.
    #[error("no server runs on {0}: start it, or name its database in the settings")]
    NotRunning(PathBuf),
    /// Another server uses the data folder.
    #[error("another sigill uses {0}: choose another folder with --data")]
    InUse(PathBuf),
    /// Root, and nobody to run `PostgreSQL` as.
    #[error(
        "as root PostgreSQL must run as another user, and there is neither postgres nor nobody"
    )]
    NoUser,
    /// A file or folder.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// It did not come up.
    #[error("PostgreSQL did not start: {0}")]
    NotStarted(String),
    /// It did not end.
    #[error("PostgreSQL does not end")]
    NotEnded,
    /// It ended by itself, and could not be started again.
    #[error("PostgreSQL has ended and could not be started again in {0} s; last: {1}")]
    GaveUp(u64, String),
    /// A program of `PostgreSQL`'s failed.
    #[error("{program} failed ({status}): {output}")]
    Failed {
        /// Which program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it said last.
        output: String,
    },
}

type Result<T> = std::result::Result<T, PrivatePostgresError>;

/// A running private `PostgreSQL`.
#[derive(Debug)]
pub struct PrivatePostgres {
    programs: PathBuf,
    cluster: PathBuf,
    socket_dir: PathBuf,
    user: Option<(Uid, Gid)>,
    sizes: Sizes,
    /// It has been told to start, and has not noted itself.
    launching: AtomicBool,
    /// Held as long as the server runs, so that nobody else uses the folder.
    _lock: File,
}

impl PrivatePostgres {
    /// Finds the programs and the folder, and makes the cluster where there is none. Nothing runs yet.
    ///
    /// # Errors
    /// That there is no `PostgreSQL`, that the folder is in use, or what failed.
    pub async fn prepare(data: &Path, connections: u32) -> Result<Self> {
        let programs = programs().await.ok_or(PrivatePostgresError::NotInstalled)?;
        fs::create_dir_all(data).map_err(at(data))?;
        let data = fs::canonicalize(data).map_err(at(data))?;
        let lock = lock(&data)?;
        let user = if geteuid().is_root() { Some(unprivileged()?) } else { None };
        let cluster = cluster_path(&data, user)?;
        let socket_dir = socket_dir(&cluster);
        let sizes = Sizes::of_machine(connections, cluster.parent().unwrap_or(&data));
        let launching = AtomicBool::new(false);
        let server = Self { programs, cluster, socket_dir, user, sizes, launching, _lock: lock };
        if !server.cluster.join("PG_VERSION").exists() {
            server.initialize().await?;
        }
        Ok(server)
    }

    /// Starts it, or takes over the one that a crash of ours left running; done when it answers.
    ///
    /// # Errors
    /// Why it did not come up.
    pub async fn start(&self) -> Result<()> {
        if Postmaster::find(&self.cluster).is_none() {
            self.launch().await?;
        }
        loop {
            let Some(postmaster) = Postmaster::find(&self.cluster) else {
                return Err(PrivatePostgresError::NotStarted(self.last_said()));
            };
            match postmaster.stage() {
                Stage::Ready => return Ok(()),
                // After a crash it first puts its files right, which takes what it takes.
                Stage::Starting => sleep(LOOK_PAUSE).await,
            }
        }
    }

    /// Watches it for ever, and starts it again when it has ended, for whatever reason; `down` is told
    /// when that happens and when it is over.
    ///
    /// # Errors
    /// That it could not be started again for `give_up`.
    pub async fn watch(&self, give_up: Duration, down: impl Fn(bool)) -> Result<()> {
        loop {
            sleep(WATCH_PAUSE).await;
            if Postmaster::find(&self.cluster).is_some() {
                continue;
            }
            down(true);
            tracing::error!("PostgreSQL has ended; starting it again");
            self.start_again(give_up).await?;
            tracing::warn!("PostgreSQL runs again");
            down(false);
        }
    }

    async fn start_again(&self, give_up: Duration) -> Result<()> {
        let (since, mut pause) = (Instant::now(), RESTART_PAUSE_FIRST);
        loop {
            let left = give_up.saturating_sub(since.elapsed());
            let error = match timeout(left, self.start()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it does not come up".into(),
            };
            if since.elapsed() >= give_up {
                return Err(PrivatePostgresError::GaveUp(give_up.as_secs(), error));
            }
            tracing::error!(error, "PostgreSQL could not be started again yet");
            sleep(pause).await;
            pause = (pause * 2).min(RESTART_PAUSE_LONGEST);
        }
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.cluster
    }

    /// How to connect.
    pub fn options(&self) -> PgConnectOptions {
        options(&self.socket_dir)
    }

    /// How to connect to the `PostgreSQL` of a data folder that a server uses.
    ///
    /// # Errors
    /// That there is none.
    pub fn of_running(data: &Path) -> Result<PgConnectOptions> {
        let place = data.join("postgres");
        let cluster = fs::canonicalize(&place).map_err(at(&place))?;
        let id = cluster.join("postmaster.pid");
        fs::metadata(&id).map_err(|_| PrivatePostgresError::NotRunning(data.to_owned()))?;
        Ok(options(&socket_dir(&cluster)))
    }

    /// Stops it; what has been committed is kept.
    ///
    /// # Errors
    /// That it did not end.
    pub async fn stop(&self) -> Result<()> {
        self.end(Ending::Fast, END_TIMEOUT).await
    }

    /// Stops it within a second; what has been committed is kept, and read again at the next start.
    ///
    /// # Errors
    /// That it did not end.
    pub async fn stop_at_once(&self) -> Result<()> {
        self.end(Ending::Immediate, HURRIED_END_TIMEOUT).await
    }

    async fn end(&self, ending: Ending, within: Duration) -> Result<()> {
        if self.launching.load(Ordering::Relaxed) {
            self.noted(HURRIED_END_TIMEOUT / 2).await;
        }
        let Some(postmaster) = Postmaster::find(&self.cluster) else { return Ok(()) };
        postmaster.end(ending);
        let since = Instant::now();
        while postmaster.runs(&self.cluster) {
            if since.elapsed() >= within {
                return Err(PrivatePostgresError::NotEnded);
            }
            sleep(LOOK_PAUSE).await;
        }
        Ok(())
    }

    /// Makes the cluster beside its place and moves it there, so that half a cluster is never
    /// taken for a whole one.
    async fn initialize(&self) -> Result<()> {
        let unfinished = self.cluster.with_extension("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(at(&unfinished))?;
        }
        self.private_dir(&unfinished)?;
        let target = format!("--pgdata={}", unfinished.display());
        let user = format!("--username={DATABASE_USER}");
        let fixed = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions"];
        let arguments: Vec<&str> = [target.as_str(), &user].into_iter().chain(fixed).collect();
        self.checked("initdb", &arguments).await?;
        fs::rename(&unfinished, &self.cluster).map_err(at(&self.cluster))
    }

    async fn launch(&self) -> Result<()> {
        if self.socket_dir != self.cluster {
            self.private_dir(&self.socket_dir)?;
        }
        // Its number may have gone to somebody else's process, for whose sake it would not start.
        process::remove_stale_notes(&self.cluster, &self.socket_dir).map_err(at(&self.cluster))?;
        let log = format!("--log={}", self.cluster.join("server.log").display());
        let compression = self.wal_compression().await;
        let options = self.sizes.options(&self.socket_dir, compression);
        let options = format!("--options={options}");
        // Named, so that everybody sees whose it is.
        let cluster = format!("--pgdata={}", self.cluster.display());
        let start = ["start", "--no-wait", "--silent", &cluster, &log, &options];
        self.launching.store(true, Ordering::Relaxed);
        let launched = self.checked("pg_ctl", &start).await;
        if launched.is_ok() {
            self.noted(NOTE_TIMEOUT).await;
        }
        self.launching.store(false, Ordering::Relaxed);
        launched
    }

    /// How it compresses the pages that it logs whole: by LZ4, which is less work, if it was built with that.
    async fn wal_compression(&self) -> &'static str {
        let cluster = format!("-D{}", self.cluster.display());
        let asked = ["-C", "wal_compression", "-c", "wal_compression=lz4", &cluster];
        match self.checked("postgres", &asked).await {
            Ok(()) => "lz4",
            // Releases before 15, and builds without it.
            Err(_) => "on",
        }
    }

    /// Waits until it has noted itself, which it does before it reads its files, or has ended without.
    async fn noted(&self, within: Duration) {
        let since = Instant::now();
        while Postmaster::find(&self.cluster).is_none() && since.elapsed() < within {
            sleep(LOOK_PAUSE).await;
            if !process::any_is_of(&self.cluster) {
                return;
            }
        }
    }

    /// Why it did not start, as its log says last.
    fn last_said(&self) -> String {
        let path = self.cluster.join("server.log");
        let mut text = Vec::new();
        let read = File::open(&path).and_then(|mut file| {
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES_MAX)))?;
            file.read_to_end(&mut text)
        });
        let text = String::from_utf8_lossy(&text);
        let causes = text.lines().rev().filter(|l| l.contains("FATAL") || l.contains("PANIC"));
        match (read, causes.take(1).next()) {
            (Ok(_), Some(cause)) => cause.to_owned(),
            _ => format!("see {}", path.display()),
        }
    }

    fn private_dir(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).map_err(at(dir))?;
        fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(at(dir))?;
        if let Some((uid, gid)) = self.user {
            chown(dir, Some(uid), Some(gid)).map_err(|e| at(dir)(e.into()))?;
        }
        Ok(())
    }

    async fn run(&self, program: &'static str, arguments: &[&str]) -> Result<Output> {
        let path = self.programs.join(program);
        let mut command = Command::new(&path);
        command.args(arguments).env("PGDATA", &self.cluster).env("LC_ALL", "C").current_dir("/");
        if let Some((uid, gid)) = self.user {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        // The server keeps what it inherits: a pipe would never end.
        command.stdin(std::process::Stdio::null()).kill_on_drop(true);
        if arguments.first() == Some(&"start") {
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        }
        command.output().await.map_err(at(&path))
    }

    async fn checked(&self, program: &'static str, arguments: &[&str]) -> Result<()> {
        let output = self.run(program, arguments).await?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        let mut output_text = last.into_iter().rev().collect::<Vec<_>>().join("; ");
        if output_text.is_empty() {
            output_text = self.last_said();
        }
        Err(PrivatePostgresError::Failed { program, status: output.status, output: output_text })
    }
}

fn options(socket_dir: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .username(DATABASE_USER)
        .database("postgres")
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> PrivatePostgresError + use<> {
    let path = path.to_owned();
    move |error| PrivatePostgresError::File(path, error)
}
