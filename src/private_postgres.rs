//! A private `PostgreSQL` under the data folder, for an installation that names no database.
//!
//! It listens on a Unix socket only, is found again after a crash, and is stopped at the
//! end. As root its programs run as an unprivileged user, because `PostgreSQL` refuses root;
//! when that user cannot reach the data folder the files are kept in `/var/lib/sigill`, and
//! a symbolic link in the data folder leads there.

use nix::unistd::{Gid, Uid, User, chown, geteuid};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use tokio::process::Command;

/// The database's superuser, who can only come through the socket's folder.
const DATABASE_USER: &str = "sigill";
/// Users to run as when we are root, the first that exists.
const UNPRIVILEGED_USERS: [&str; 2] = ["postgres", "nobody"];
/// Where files are kept that the unprivileged user could not reach in the data folder.
const REACHABLE_DIR: &str = "/var/lib/sigill";
/// A socket's path is at most 107 bytes, of which its name takes 15.
const SOCKET_DIR_BYTES_MAX: usize = 90;

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
    /// Held as long as the server runs, so that nobody else uses the folder.
    _lock: File,
}

impl PrivatePostgres {
    /// Starts the `PostgreSQL` of a data folder, or takes over the one that a crash left running.
    ///
    /// # Errors
    /// That there is no `PostgreSQL`, that the folder is in use, or what failed.
    pub async fn start(data: &Path) -> Result<Self> {
        let programs = programs().await.ok_or(PrivatePostgresError::NotInstalled)?;
        fs::create_dir_all(data).map_err(at(data))?;
        let data = fs::canonicalize(data).map_err(at(data))?;
        let lock = lock(&data)?;
        let user = if geteuid().is_root() { Some(unprivileged()?) } else { None };
        let cluster = cluster_path(&data, user)?;
        let socket_dir = socket_dir(&cluster);
        let server = Self { programs, cluster, socket_dir, user, _lock: lock };
        if !server.cluster.join("PG_VERSION").exists() {
            server.initialize().await?;
        }
        if !server.run("pg_ctl", &["status"]).await?.status.success() {
            server.launch().await?;
        }
        Ok(server)
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

    /// Stops the server; what has been committed is kept.
    ///
    /// # Errors
    /// That it could not be stopped.
    pub async fn stop(self) -> Result<()> {
        self.checked("pg_ctl", &["stop", "--mode=fast", "--wait"]).await
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
        // Terse and without statements: the server's own log must not hold what rows hold.
        let settings = format!(
            "-k '{}' -c listen_addresses='' -c log_error_verbosity=terse \
             -c log_min_error_statement=panic -c max_wal_size=4GB",
            self.socket_dir.display()
        );
        let log = format!("--log={}", self.cluster.join("server.log").display());
        let options = format!("--options={settings}");
        self.checked("pg_ctl", &["start", "--wait", "--silent", &log, &options]).await
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
        command.stdin(std::process::Stdio::null());
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
            output_text = format!("see {}", self.cluster.join("server.log").display());
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

/// The folder with `initdb` and `pg_ctl`: on PATH, by `pg_config`, or Debian's newest.
async fn programs() -> Option<PathBuf> {
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

fn lock(data: &Path) -> Result<File> {
    let path = data.join("lock");
    let file = File::create(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(PrivatePostgresError::InUse(data.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

fn unprivileged() -> Result<(Uid, Gid)> {
    let mut users = UNPRIVILEGED_USERS.iter().filter_map(|name| User::from_name(name).ok()?);
    users.next().map(|user| (user.uid, user.gid)).ok_or(PrivatePostgresError::NoUser)
}

/// Where the cluster is or will be.
fn cluster_path(data: &Path, user: Option<(Uid, Gid)>) -> Result<PathBuf> {
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
    let elsewhere = Path::new(REACHABLE_DIR).join(name);
    fs::create_dir_all(REACHABLE_DIR).map_err(at(Path::new(REACHABLE_DIR)))?;
    if fs::symlink_metadata(&place).is_ok() {
        fs::remove_file(&place).map_err(at(&place))?;
    }
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
fn socket_dir(cluster: &Path) -> PathBuf {
    if cluster.as_os_str().len() <= SOCKET_DIR_BYTES_MAX {
        return cluster.to_owned();
    }
    let digest = Sha256::digest(cluster.as_os_str().as_encoded_bytes());
    let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    std::env::temp_dir().join(format!("sigill-{name}"))
}
