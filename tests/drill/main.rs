//! `make drill`: attacks on the real program, and what a good caller sees of them.
//!
//! Every attack has a server of its own, with its private PostgreSQL and its log. A good caller calls
//! before, during and after it; what it was promised is counted in the database at the end. A bound
//! that is broken fails the drill; one of time counts when its median of three runs breaks it. `ONLY=` picks attacks by part of their name. Run by `cargo test`
//! it is short: few seconds an attack, and no bound on times but those for recovery.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a drill fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a drill measures time")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod attacks;
mod client;
mod good;
mod messages;
mod program;
mod report;
mod stream;

use attacks::Attack;
use good::Good;
use program::Program;
use report::Row;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::sleep;

/// How long things last.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Whether times of calls are bounded.
    pub full: bool,
    /// The good caller alone.
    pub before: Duration,
    /// With the attack.
    pub during: Duration,
}

/// Runs of an attack, of which more than half must be within the bounds of time.
const RUNS: usize = 3;

fn main() -> ExitCode {
    let full = std::env::var_os("SIGILL_DRILL_FULL").is_some();
    let seconds = |short, long| Duration::from_secs(if full { long } else { short });
    let times = Times { full, before: seconds(1, 4), during: seconds(2, 8) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match runtime.block_on(run(times)) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

async fn run(times: Times) -> bool {
    let only = std::env::var("ONLY").unwrap_or_default();
    let wanted: Vec<Attack> = attacks::ALL
        .into_iter()
        .filter(|attack| attack.name.contains(&only) && (times.full || !attack.only_in_full))
        .collect();
    assert!(!wanted.is_empty(), "no attack is called {only}");
    report::head();
    let mut whole = true;
    for attack in wanted {
        let mut slow: BTreeMap<&str, usize> = BTreeMap::new();
        for run in 1..=RUNS {
            let row = drill(&attack, times).await;
            row.print();
            whole &= row.broken.is_empty();
            for (bound, _) in &row.broken_times {
                *slow.entry(bound).or_default() += 1;
            }
            let left = RUNS - run;
            // What the rest cannot change.
            if slow.values().all(|slow| 2 * slow > RUNS || 2 * (slow + left) < RUNS) {
                break;
            }
        }
        whole &= slow.values().all(|slow| 2 * slow < RUNS);
    }
    whole
}

/// One attack, from an idle server to what is in the database.
async fn drill(attack: &Attack, times: Times) -> Row {
    let mut program = Program::start(attack.name, attack.ground).await;
    program.seed(attack.seed).await;
    let mut good = Good::start(&program.address);
    sleep(times.before).await;
    let before = good.lap();
    program.forget_peak_memory();
    let base = program.peak_memory();
    let did = (attack.run)(&mut program, times).await;
    let mut during = good.lap();
    let recovered = good.recovers().await;
    if did.must_recover {
        // What it saw while the part was dead is its own.
        during.refused = 0;
    }
    let peak = program.peak_memory();
    good.end().await;
    let acknowledged = good.acknowledged();
    let (lost, half) = program.lost(&acknowledged).await;
    program.stop().await;
    Row::judge(attack.name, times, &did, (before, during), recovered, (base, peak), (lost, half))
}
