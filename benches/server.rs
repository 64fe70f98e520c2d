//! The real program on a throwaway database.

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::str::FromStr;
use std::time::Duration;
use tokio::process::{Child, Command};

/// The server under measurement.
pub struct Server {
    child: Child,
    pub address: String,
    pub pool: PgPool,
    pub options: PgConnectOptions,
}

impl Server {
    pub async fn start() -> Self {
        let url = std::env::var("SIGILL_TEST_DATABASE").expect("run this with `make bench`");
        let options = PgConnectOptions::from_str(&url).unwrap();
        let config = std::env::temp_dir().join(format!("sigill-bench-{}.toml", std::process::id()));
        std::fs::write(&config, format!("[database]\nurl = \"{url}\"\n")).unwrap();
        // The log goes to a file, as it does in operation.
        let log = config.with_extension("log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_sigill"))
            .args(["serve", "--http", "127.0.0.1:0", "--config"])
            .arg(&config)
            .stderr(std::fs::File::create(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let address = loop {
            let said = std::fs::read_to_string(&log).unwrap();
            if let Some((_, rest)) = said.split_once("\"address\":\"http://")
                && let Some((address, _)) = rest.split_once('"')
            {
                break address.to_owned();
            }
            assert!(child.try_wait().unwrap().is_none(), "the server ended: {said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        std::fs::remove_file(log).unwrap();
        std::fs::remove_file(config).unwrap();
        let pool =
            PgPoolOptions::new().max_connections(4).connect_with(options.clone()).await.unwrap();
        Self { child, address, pool, options }
    }

    /// Prints the resident memory.
    pub fn memory(&self, when: &str) {
        let status = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let kilobytes: f64 = status
            .lines()
            .find_map(|l| l.strip_prefix("VmRSS:"))
            .and_then(|v| v.split_whitespace().next())
            .unwrap()
            .parse()
            .unwrap();
        let name = format!("resident memory, MB, {when}");
        println!("{name:<46} {:>12.1} {:>12} {:>7} {:>6}", kilobytes / 1024.0, "", "", "≤ 120");
    }

    pub async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }
}
