//! `make bench`: what the server does as a share of what the database or the tokenizer does
//! by itself, measured in one run on one machine.
//!
//! The server is the real program; the database is a throwaway PostgreSQL that flushes to
//! disk. Ratios are the figures to quote: the machine is the same for both sides.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a bench measures time")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod baseline;
mod check_blocks;
mod consents;
mod get_blocks;
mod load;
mod parsing;
mod server;
mod store_log;

#[tokio::main]
async fn main() {
    // `cargo test --benches` and the like only want to know that it builds.
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    println!("{:<46} {:>12} {:>12} {:>7} {:>6}", "", "sigill", "baseline", "ratio", "goal");
    // `make bench ONLY=check` and the like measure one part.
    let only = std::env::var("ONLY").unwrap_or_default();
    let wanted = |part: &str| only.is_empty() || only == part;
    if wanted("parsing") {
        parsing::run();
    }
    let server = server::Server::start().await;
    server.memory("at start");
    if wanted("large") {
        store_log::large_calls(&server).await;
        server.memory("after StoreLog, 500 records a call");
    }
    if wanted("small") {
        store_log::small_calls(&server).await;
        server.memory("after StoreLog, 10 records a call");
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

/// One figure, its baseline, their ratio and the goal for it, if there is one.
pub fn figure(name: &str, ours: f64, baseline: f64, goal: Option<f64>) {
    let ratio = ours / baseline;
    let goal = goal.map_or("-".into(), |goal| format!("{goal:.1}"));
    println!("{name:<46} {ours:>12.1} {baseline:>12.1} {ratio:>7.2} {goal:>6}");
}
