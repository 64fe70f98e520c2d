//! `sigill log verify`, `findings` and `acknowledge`.

use super::say::say;
use crate::app::{seal, seal_of_running, store_of_running};
use crate::clock::Clock;
use crate::commands::error::CommandError;
use crate::commands::settings::Settings;
use crate::procedures::seal::verifying::{Extent, Verification, Verifier};
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use tokio::time::Instant;

/// Findings that are listed.
const LISTED: i64 = 1_000;
/// How often progress is told.
const TOLD_MILLISECONDS: u64 = 500;
const SESSIONS_MAX: usize = 4;

/// Verify that everything in the log is what was sealed.
#[derive(Debug, clap::Args)]
pub struct VerifyCommand {
    #[command(flatten)]
    settings: Settings,
    /// Look at every record; otherwise at the newest, and one of a hundred of the others.
    #[arg(long)]
    full: bool,
    /// Only say what is found: reports go on as before.
    #[arg(long)]
    dry_run: bool,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

/// List what has been found and not acknowledged.
#[derive(Debug, clap::Args)]
pub struct FindingsCommand {
    #[command(flatten)]
    settings: Settings,
    /// Say it as JSON.
    #[arg(long)]
    json: bool,
}

/// Acknowledge a finding: reports of its time are told again.
#[derive(Debug, clap::Args)]
pub struct AcknowledgeCommand {
    #[command(flatten)]
    settings: Settings,
    /// The finding's number.
    number: i64,
    /// Who has looked into it, and why it may stand; it is sealed, and without personal data.
    #[arg(long)]
    reason: String,
}

impl VerifyCommand {
    /// Verifies; `false`: something is not what was sealed.
    ///
    /// # Errors
    /// The store's, or the system's.
    pub async fn run(self) -> Result<bool, CommandError> {
        let config = self.settings.load()?;
        let store = store_of_running(&config).await?;
        let (begun, now) = (Instant::now(), Clock::System.now());
        let extent = match self.full {
            true => Extent::Full,
            false => Extent::Sample(seal::chance),
        };
        let workers = available_parallelism().map_or(1, usize::from).min(SESSIONS_MAX);
        let settings = seal::settings(&config);
        let verifier = Verifier { store: store.clone(), settings, extent, workers, now };
        let shows = std::io::stderr().is_terminal();
        let told = AtomicU64::new(0);
        let progress = move |step: &'static str, done: u64, of: u64| {
            let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            if shows && milliseconds >= told.load(Ordering::Relaxed) + TOLD_MILLISECONDS {
                told.store(milliseconds, Ordering::Relaxed);
                _ = write!(std::io::stderr(), "\r{step}: {done} of {of}   ");
            }
        };
        let found = verifier.run(Arc::new(progress)).await?;
        if !self.dry_run {
            for finding in &found.findings {
                store.add_finding(finding, now).await?;
            }
        }
        store.close().await;
        if shows {
            eprintln!();
        }
        match self.json {
            true => say(as_json(&found, self.full)),
            false => print(&found, self.full, begun.elapsed().as_secs_f64()),
        }
        Ok(found.found == 0)
    }
}

fn print(found: &Verification, full: bool, seconds: f64) {
    let Verification { size, origin, checkpoints, records, notices, removed, .. } = found;
    say(format!(
        "{origin}: {size} entries, {checkpoints} signed checkpoints; looked at {records} records, {notices} notices and \
         {removed} removed ones in {seconds:.1} s"
    ));
    for finding in &found.findings {
        say(format!("FOUND {}: {}", finding.kind, finding.detail));
    }
    if found.found > found.findings.len() {
        say(format!("and {} more", found.found - found.findings.len()));
    }
    match (found.found, full) {
        (0, true) => say("HOLDS: everything is what was sealed"),
        (0, false) => say("HOLDS as far as it was looked at: --full looks at all"),
        (count, _) => say(format!("DOES NOT HOLD: {count} findings")),
    }
}

fn as_json(found: &Verification, full: bool) -> serde_json::Value {
    let findings = found.findings.iter().map(|finding| {
        let leaves = finding.leaves.map(|(first, last)| json!([first, last]));
        json!({ "kind": finding.kind, "leaves": leaves, "record": finding.entry_number, "detail": finding.detail })
    });
    let findings: Vec<serde_json::Value> = findings.collect();
    json!({
        "holds": found.found == 0, "full": full, "origin": found.origin, "entries": found.size,
        "checkpoints": found.checkpoints, "records": found.records, "notices": found.notices,
        "removed": found.removed, "found": found.found, "findings": findings,
    })
}

impl FindingsCommand {
    /// Lists them; `false`: there are some.
    ///
    /// # Errors
    /// The store's.
    pub async fn run(self) -> Result<bool, CommandError> {
        let store = store_of_running(&self.settings.load()?).await?;
        let found = store.open_findings(LISTED).await?;
        store.close().await;
        for finding in &found {
            match self.json {
                true => say(json!({
                    "number": finding.finding_number, "kind": finding.kind, "found_at": finding.found_at.to_rfc3339(),
                    "detail": finding.detail,
                })),
                false => say(format!(
                    "{} {} since {}: {}",
                    finding.finding_number,
                    finding.kind,
                    finding.found_at.format("%Y-%m-%dT%H:%M:%SZ"),
                    finding.detail
                )),
            }
        }
        Ok(found.is_empty())
    }
}

impl AcknowledgeCommand {
    /// Acknowledges; `false`: there is no such finding.
    ///
    /// # Errors
    /// The store's, or that the keys are not here.
    pub async fn run(self) -> Result<bool, CommandError> {
        if self.reason.trim().is_empty() {
            return Err(CommandError::Request("the reason is blank"));
        }
        let seal = seal_of_running(&self.settings.load()?).await?;
        let done = seal.store.acknowledge(self.number, &self.reason, Clock::System.now()).await?;
        seal.store.close().await;
        match done {
            true => say(format!("finding {} is acknowledged", self.number)),
            false => eprintln!("no finding {} waits to be acknowledged", self.number),
        }
        Ok(done)
    }
}
