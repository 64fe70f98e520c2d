//! The real program: start, signals, private database, refusals to start.

use super::harness::{Caller, Database, request, without};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// The program under test, killed when dropped.
pub struct Program {
    child: Child,
    /// Log lines, read all the time: a full pipe would hold the program up.
    log: mpsc::UnboundedReceiver<String>,
    /// Those before it served.
    pub start: Vec<String>,
    pub caller: Caller,
}

/// A temporary folder, removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sigill-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Writes a settings file; returns its path.
pub fn settings(database: &Database, folder: &Folder, more: &str) -> String {
    let file = folder.path().join("sigill.toml");
    // Programs on one database share its keys; what each has seen is its own.
    let keys = std::env::temp_dir().join(format!("{}-log-keys", database.name));
    let anchors = folder.path().join("log-anchor");
    let seal = format!(
        "[log]\nkey_file = \"{}\"\nanchor_folder = \"{}\"\n",
        keys.display(),
        anchors.display()
    );
    let more = match more.contains("[log]\n") {
        true => more.replacen("[log]\n", &seal, 1),
        false => format!("{more}\n{seal}"),
    };
    let profile = match more.contains("[trust]\n") {
        true => "",
        false => "[trust]\nprofile = \"bench\"\n",
    };
    let text = format!("[database]\nurl = \"{}\"\n{profile}{more}", database.url());
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigill"));
    command.args(arguments).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

impl Program {
    /// Starts and waits until it serves.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::telling(arguments, "info,sqlx=warn").await
    }

    /// The same, whose log tells what a filter lets pass.
    pub async fn telling(arguments: &[&str], filter: &str) -> Self {
        let mut all = vec!["serve", "--http", "127.0.0.1:0"];
        all.extend(arguments);
        let mut child = command(&all).env("SIGILL_LOG", filter).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (heard, mut log) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                _ = heard.send(line);
            }
        });
        let mut start = Vec::new();
        loop {
            let line = log.recv().await.expect("ended before it served");
            if let Some((_, rest)) = line.split_once("\"address\":\"http://") {
                let caller = Caller::new(format!("http://{}", rest.split('"').next().unwrap()));
                return Self { child, log, start, caller };
            }
            start.push(line);
        }
    }

    /// Starts on a test's database.
    pub async fn on(database: &Database, folder: &Folder) -> Self {
        Self::start(&["--config", &settings(database, folder, "")]).await
    }

    /// Starts on a test's database with more settings.
    pub async fn with(database: &Database, folder: &Folder, more: &str) -> Self {
        Self::start(&["--config", &settings(database, folder, more)]).await
    }

    /// The most that it has had in memory, in MB.
    pub fn peak_memory_mb(&self) -> f64 {
        let status = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }

    /// Waits for the end; returns the rest of the log.
    pub async fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let mut lines = Vec::new();
        while let Some(line) = self.log.recv().await {
            lines.push(line);
        }
        (self.child.wait().await.unwrap(), lines)
    }
}

#[tokio::test]
async fn without_configuration_it_runs_a_private_database_and_finds_it_again() {
    let folder = Folder::new("private");
    let data = folder.path().join("var");
    let data = data.to_str().unwrap();
    let program = Program::start(&["--data", data]).await;
    // The real clock: a consent from now on, for ever.
    let register = request("consent/register_extended_consent/valid");
    let register = without(&register, &["startDate", "endDate"]);
    assert_eq!(program.caller.post(register).await.code(), "OK");
    // A test bench, said loudly: whoever calls from here may act for patients.
    assert!(program.start.iter().any(|line| line.contains("TEST BENCH")), "{:?}", program.start);
    let all = request("consent/get_all_extended_consents_for_patient/valid");
    assert_eq!(program.caller.post(all).await.code(), "OK");
    // A second server must not touch the folder.
    let second = command(&["serve", "--data", data]).output().await.unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another sigill uses"));
    // Killed, it leaves PostgreSQL running; the next one takes that over and stops it.
    program.signal(Signal::SIGKILL);
    program.ended().await;
    let program = Program::start(&["--data", data]).await;
    let check = request("consent/check_consent/valid");
    assert_eq!(program.caller.post(check).await.text("hasConsent"), Some("true"));
    program.signal(Signal::SIGTERM);
    let (status, _) = program.ended().await;
    assert!(status.success());
    let left = folder.path().join("var/postgres/postmaster.pid");
    assert!(!left.exists(), "PostgreSQL is stopped");
}

#[tokio::test]
async fn sigterm_lets_the_request_under_way_finish() {
    let (database, folder) = (Database::new().await, Folder::new("drain"));
    let program = Program::on(&database, &folder).await;
    let address = program.caller.base().trim_start_matches("http://").to_owned();
    let mut held = tokio::net::TcpStream::connect(&address).await.unwrap();
    let ping = request("monitoring/ping_for_configuration/valid");
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        ping.len()
    );
    held.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = [0; 25];
    held.read_exact(&mut buffer).await.unwrap();
    program.signal(Signal::SIGTERM);
    // New connections are refused once it drains; the request that has begun is answered.
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    held.write_all(ping.as_bytes()).await.unwrap();
    let mut answer = String::new();
    held.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (status, _) = program.ended().await;
    assert!(status.success());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (database, folder) = (Database::new().await, Folder::new("second"));
    let mut program = Program::on(&database, &folder).await;
    let address = program.caller.base().trim_start_matches("http://").to_owned();
    let mut held = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    held.write_all(head).await.unwrap();
    let mut buffer = [0; 25];
    held.read_exact(&mut buffer).await.unwrap();
    program.signal(Signal::SIGTERM);
    while !program.log.recv().await.expect("draining").contains("draining") {}
    program.signal(Signal::SIGTERM);
    let (status, log) = program.ended().await;
    assert!(status.success());
    assert!(log.iter().any(|line| line.contains("second signal")), "{log:?}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (database, folder) = (Database::new().await, Folder::new("newer"));
    let pool = database.pool().await;
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (99999999999999, 'from the future', true, '', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let file = settings(&database, &folder, "");
    let output = command(&["serve", "--config", &file]).output().await.unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("99999999999999"), "{said}");
}

#[tokio::test]
async fn two_servers_that_start_at_once_migrate_an_empty_database_once() {
    let (database, folder) = (Database::empty().await, Folder::new("both"));
    let other = Folder::new("both-other");
    let (a, b) = tokio::join!(Program::on(&database, &folder), Program::on(&database, &other));
    let register = request("blocking/register_extended_block/valid");
    assert_eq!(a.caller.post(register.clone()).await.code(), "OK");
    assert_eq!(b.caller.post(register).await.code(), "OK", "an identical repetition");
    assert_eq!(database.count("select count(*) from blocks").await, 1);
}

#[tokio::test]
async fn the_log_line_tells_the_call_and_nothing_of_the_patient() {
    let (database, folder) = (Database::new().await, Folder::new("line"));
    let program = Program::on(&database, &folder).await;
    program.caller.post(request("log/store_log/valid")).await;
    program.caller.post(request("blocking/check_blocks/valid")).await;
    program.caller.post("no message").await;
    program.signal(Signal::SIGTERM);
    let (_, log) = program.ended().await;
    let lines: Vec<&String> =
        log.iter().filter(|l| l.contains("\"message\":\"request\"")).collect();
    assert_eq!(lines.len(), 3, "{log:?}");
    for field in [
        "\"interaction\":\"StoreLog\"",
        "\"caller\":\"SE2321000016-TEST\"",
        "\"logical_address\":\"SE2321000016-VG01\"",
        "\"result\":\"OK\"",
        "\"rows\":1",
        "\"duration_ms\":",
        "\"correlation_id\":",
    ] {
        assert!(lines[0].contains(field), "{field}: {}", lines[0]);
    }
    assert!(lines[2].contains("\"result\":\"Client\""), "{}", lines[2]);
    assert!(lines[2].contains("\"log_id\":\""), "{}", lines[2]);
    for line in &log {
        assert!(!line.contains("1212121212") && !line.contains("Tolvan"), "{line}");
    }
}
