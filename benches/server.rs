//! The real program on a throwaway database.

use super::client::Called;
use sigill::fairness::shares::Percentages;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio::process::{Child, Command};

/// The database, with its tables, before any server has opened the log.
pub async fn migrated() -> PgPool {
    let url = std::env::var("SIGILL_TEST_DATABASE").expect("run this with `make bench`");
    let options = PgConnectOptions::from_str(&url).unwrap();
    let store =
        sigill::store::database::Store::open(options.clone(), 8, Percentages::default()).await;
    store.unwrap().close().await;
    PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap()
}

/// The server under measurement.
pub struct Server {
    child: Child,
    pub called: Called,
    pub pool: PgPool,
    pub options: PgConnectOptions,
    /// Its data folder, and its settings.
    folder: PathBuf,
    pub config: PathBuf,
}

impl Server {
    pub async fn start() -> Self {
        let url = std::env::var("SIGILL_TEST_DATABASE").expect("run this with `make bench`");
        let settings = format!(
            "[trust]\nprofile = \"bench\"\n[log]\nread_check = \"{}\"\nwriters = {}\n",
            // `make bench CHECK=entry`: less deep.
            std::env::var("CHECK").ok().filter(|wish| !wish.is_empty()).unwrap_or("tree".into()),
            // `make bench WRITERS=4` and the like: more of what is stored at one time.
            std::env::var("WRITERS").ok().filter(|wish| !wish.is_empty()).unwrap_or("2".into()),
        );
        Self::of(env!("CARGO_BIN_EXE_sigill"), "bench", &url, &settings).await
    }

    /// A program on a database, with more settings.
    pub async fn of(program: &str, name: &str, url: &str, settings: &str) -> Self {
        Self::with(program, name, (url, settings), &[]).await.0
    }

    /// A demonstration on a database, and the address of its pages.
    pub async fn demonstration(url: &str) -> (Self, String) {
        let settings = "[trust]\nprofile = \"bench\"\n";
        let arguments = ["--demo", "--admin", "127.0.0.1:0"];
        let program = env!("CARGO_BIN_EXE_sigill");
        let (server, said) = Self::with(program, "pages", (url, settings), &arguments).await;
        let (_, rest) = said.split_once("\"pages_address\":\"http://").expect("it has pages");
        let address = rest.split('"').next().unwrap_or_default().to_owned();
        (server, address)
    }

    /// The same with more arguments, and what it has said.
    async fn with(
        program: &str,
        name: &str,
        (url, settings): (&str, &str),
        arguments: &[&str],
    ) -> (Self, String) {
        let options = PgConnectOptions::from_str(url).unwrap();
        let config =
            std::env::temp_dir().join(format!("sigill-{name}-{}.toml", std::process::id()));
        let folder = config.with_extension("data");
        let text = format!(
            "[database]\nurl = \"{url}\"\n[data]\ndir = \"{}\"\n{settings}",
            folder.display(),
        );
        std::fs::write(&config, text).unwrap();
        // The log goes to a file, as it does in operation.
        let log = config.with_extension("log");
        let mut child = Command::new(program)
            .args(["serve", "--http", "127.0.0.1:0", "--config"])
            .arg(&config)
            .args(arguments)
            .stderr(std::fs::File::create(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (address, said) = loop {
            let said = std::fs::read_to_string(&log).unwrap();
            if let Some((_, rest)) = said.split_once("\"address\":\"http://")
                && let Some((address, _)) = rest.split_once('"')
                && (arguments.is_empty() || said.contains("\"pages_address\":\"http://"))
            {
                break (address.to_owned(), said);
            }
            assert!(child.try_wait().unwrap().is_none(), "the server ended: {said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        std::fs::remove_file(log).unwrap();
        let pool =
            PgPoolOptions::new().max_connections(4).connect_with(options.clone()).await.unwrap();
        let called = Called { address, tls: None };
        (Self { child, called, pool, options, folder, config }, said)
    }

    /// What the server has used of the processors, in microseconds.
    pub fn cpu_us(&self) -> f64 {
        ticks_us(&format!("/proc/{}/stat", self.child.id().unwrap()), false)
    }

    /// What the database has used, all its processes together, those that have ended too.
    pub fn database_cpu_us(&self) -> f64 {
        let cluster = self.options.get_socket().unwrap().join("data");
        let note = std::fs::read_to_string(cluster.join("postmaster.pid")).unwrap();
        let first = note.lines().next().unwrap();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let own = processes
            .filter(|p| std::fs::read_link(p.path().join("cwd")).is_ok_and(|cwd| cwd == cluster));
        own.map(|process| {
            let with_ended = process.file_name().to_str() == Some(first);
            ticks_us(process.path().join("stat").to_str().unwrap(), with_ended)
        })
        .sum()
    }

    /// Prints the resident memory.
    pub fn memory(&self, when: &str) {
        let name = format!("resident memory, MB, {when}");
        println!("{name:<46} {:>10.1} {:>10} {:>6} {:>5}", self.status("VmRSS:"), "", "", "≤120");
    }

    /// The resident memory, in MB.
    pub fn resident(&self) -> f64 {
        self.status("VmRSS:")
    }

    pub fn forget_peak_memory(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id().unwrap()), "5").unwrap();
    }

    /// In MB.
    pub fn peak_memory(&self) -> f64 {
        self.status("VmHWM:")
    }

    /// A value of the system's accounting of memory, in MB.
    fn status(&self, name: &str) -> f64 {
        let status = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let value = status.lines().find_map(|l| l.strip_prefix(name)).unwrap();
        value.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
    }

    pub async fn stop(mut self) {
        self.child.kill().await.unwrap();
        // An older program has made none.
        _ = std::fs::remove_dir_all(self.folder);
        std::fs::remove_file(self.config).unwrap();
    }
}

/// The system's own accounting of a process: user and system time, and that of its children that
/// have ended.
fn ticks_us(stat: &str, with_ended: bool) -> f64 {
    // A hundredth of a second, on every Linux.
    const TICK_US: f64 = 10_000.0;
    let Ok(text) = std::fs::read_to_string(stat) else { return 0.0 };
    let after_name = text.rsplit_once(") ").unwrap().1;
    let fields: Vec<f64> =
        after_name.split(' ').skip(11).take(4).map(|f| f.parse().unwrap()).collect();
    fields[..if with_ended { 4 } else { 2 }].iter().sum::<f64>() * TICK_US
}
