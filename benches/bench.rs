//! `make bench`: what the server does as a share of what the database or the tokenizer does
//! by itself, measured in one run on one machine, and what it costs of the processors.
//!
//! The server is the real program; the database is a throwaway PostgreSQL that flushes to
//! disk, with the settings of the private one. Data are like a region's: two million patients and some
//! hundred care providers of very different size, tables that hold a million rows already, activities
//! shortly before their storing. Each figure is the median of three rounds in which ours and the
//! baseline take turns. Ratios are the figures to quote: the machine is the same for both sides.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a bench measures time")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod against;
mod baseline;
mod check_blocks;
mod client;
mod consents;
mod data;
mod get_blocks;
mod growth;
mod load;
mod pages;
mod parsing;
mod ping;
mod review;
mod seal;
mod server;
mod store_log;
mod tls;

use load::Done;
use server::Server;

/// Rounds of which a figure is the median.
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() {
    // `cargo test --benches` and the like only want to know that it builds.
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    println!(
        "{:<46} {:>10} {:>10} {:>6} {:>5}  {:>17} {:>12}",
        "", "sigill", "baseline", "ratio", "goal", "CPU us server+PG", "p50/p99 ms"
    );
    // `make bench LOAD=10000000` measures the log as it grows to so many records, and nothing else.
    if let Some(records) = std::env::var("LOAD").ok().filter(|load| !load.is_empty()) {
        let records = records.parse().expect("LOAD is a number of records");
        growth::filled(&server::migrated().await, records).await;
        let server = Server::start().await;
        growth::run(&server, records).await;
        server.memory("with the filters of the ids");
        return server.stop().await;
    }
    // `make bench AGAINST=path` measures the log in pairs with another build of the server, as one from before a change.
    if let Some(other) = std::env::var("AGAINST").ok().filter(|path| !path.is_empty()) {
        return against::run(&other).await;
    }
    // `make bench ONLY=check` and the like measure one part.
    let only = std::env::var("ONLY").unwrap_or_default();
    let wanted = |part: &str| only.is_empty() || only == part;
    // It fills a database of its own, so that it is measured alone.
    if only == "pages" {
        return pages::run().await;
    }
    if only == "review" {
        return review::run().await;
    }
    if wanted("parsing") {
        parsing::run();
    }
    let server = Server::start().await;
    server.memory("at start");
    if wanted("ping") {
        ping::run(&server).await;
    }
    if wanted("large") {
        store_log::large_calls(&server).await;
        server.memory("after StoreLog, 500 records a call");
    }
    if wanted("small") {
        store_log::small_calls(&server).await;
        server.memory("after StoreLog, 10 records a call");
    }
    if wanted("tls") {
        tls::run().await;
        tls::grants();
    }
    if wanted("seal") {
        seal::sequenced(&server).await;
    }
    if wanted("check") {
        check_blocks::run(&server).await;
        server.memory("after CheckBlocks");
        get_blocks::run(&server).await;
    }
    if wanted("consents") {
        consents::run(&server).await;
    }
    load::open_connections(&server, 64).await;
    server.stop().await;
}

/// The rounds of a figure: ours, and the baseline's rate.
#[derive(Default)]
pub struct Rounds {
    ours: Vec<f64>,
    baseline: Vec<f64>,
    server_cpu: Vec<f64>,
    database_cpu: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Rounds {
    /// Adds a round; `each` is how many rows or records of a call are counted.
    pub fn add(&mut self, done: &Done, each: usize, baseline: f64) {
        self.ours.push(done.per_second() * each as f64);
        self.baseline.push(baseline);
        self.server_cpu.push(done.server_cpu_us / done.calls as f64);
        self.database_cpu.push(done.database_cpu_us / done.calls as f64);
        self.p50.push(done.percentile(50));
        self.p99.push(done.percentile(99));
    }

    /// Prints the medians; no baseline is 0.
    pub fn print(self, name: &str, goal: Option<f64>) {
        let ratios = self.ours.iter().zip(&self.baseline).map(|(ours, base)| ours / base).collect();
        let goal = goal.map_or("-".into(), |goal| format!("{goal:.2}"));
        let (ours, baseline) = (median(self.ours), median(self.baseline));
        let (baseline, ratio) = match baseline > 0.0 {
            true => (format!("{baseline:.0}"), format!("{:.2}", median(ratios))),
            false => ("-".into(), "-".into()),
        };
        let (server, database) = (median(self.server_cpu), median(self.database_cpu));
        let times = format!("{:.1}/{:.1}", median(self.p50), median(self.p99));
        println!(
            "{name:<46} {ours:>10.0} {baseline:>10} {ratio:>6} {goal:>5}  {:>17} {times:>12}",
            format!("{server:.0} + {database:.0}")
        );
    }
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
