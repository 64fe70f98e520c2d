//! What the seal of the log costs: leaves a second, verification, archives, and how far checkpoints are behind.

use super::data::Chance;
use super::server::Server;
use super::{ROUNDS, load, median, store_log};
use sqlx::Row;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

const SECONDS: u64 = 5;

/// Waits until everything that the database was filled with has its leaf, and tells how fast that went.
pub async fn adopted(server: &Server) {
    let size = async || {
        sqlx::query_scalar::<_, i64>("select size from log_tree")
            .fetch_one(&server.pool)
            .await
            .unwrap()
    };
    let (before, begun, cpu) = (size().await, Instant::now(), server.cpu_us());
    let left = "select (select count(*) from log_adoption where next_number <= last_number)
        + (select count(*) from log_pending)";
    while sqlx::query_scalar::<_, i64>(left).fetch_one(&server.pool).await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (leaves, seconds) = (size().await - before, begun.elapsed().as_secs_f64());
    println!(
        "sealed {leaves} records of before, {:.0} leaves/s, {:.1} us of the server a record, rows read again and all",
        leaves as f64 / seconds,
        (server.cpu_us() - cpu) / leaves as f64
    );
    let row = sqlx::query(
        "select (select sum(pg_total_relation_size(oid)) from pg_class where relname in ('log_tiles', 'log_runs'))::float8 as seal,
            (select size from log_tree)::float8 as size",
    )
    .fetch_one(&server.pool)
    .await
    .unwrap();
    let (seal, size): (f64, f64) = (row.get("seal"), row.get("size"));
    println!("tiles and runs, bytes a record {:>10.1}", seal / size);
}

/// How fast leaves are given when nothing is stored, over how fast was stored what waits for them; and what of the server
/// a leaf costs.
pub async fn sequenced(server: &Server) {
    let (mut leaves_a_second, mut ratios, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut held = server.pool.begin().await.unwrap();
        sqlx::query("select 1 from log_tree for update").execute(&mut *held).await.unwrap();
        let done = load::run(server, 4, SECONDS, ">OK<", move |connection, call| {
            let mut chance = Chance::new(connection + 4 * round, call);
            store_log::realistic(&format!("q{round}-{connection}-{call}"), 500, &mut chance)
        })
        .await;
        let size = "select size from log_tree";
        let before: i64 = sqlx::query_scalar(size).fetch_one(&server.pool).await.unwrap();
        held.commit().await.unwrap();
        let (begun, cpu_before) = (Instant::now(), server.cpu_us());
        let (mut first, waiting) = (None, "select count(*) from log_pending");
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&server.pool).await.unwrap() > 0 {
            let now: i64 = sqlx::query_scalar(size).fetch_one(&server.pool).await.unwrap();
            // It is looked once a second whether there is something to do: from the first leaves on.
            if now > before && first.is_none() {
                first = Some((Instant::now(), now));
            }
            assert!(begun.elapsed() < Duration::from_mins(5), "nothing is sealed");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let (first, of_first) = first.expect("more than one round's work");
        let after: i64 = sqlx::query_scalar(size).fetch_one(&server.pool).await.unwrap();
        let rate = (after - of_first) as f64 / first.elapsed().as_secs_f64();
        leaves_a_second.push(rate);
        ratios.push(rate / (done.per_second() * 500.0));
        cpu.push((server.cpu_us() - cpu_before) / (after - before) as f64);
    }
    println!(
        "{:<46} {:>10.0} {:>10} {:>6.1} {:>5}  {:>17.2}",
        "leaves/s alone, over records stored/s",
        median(leaves_a_second),
        "",
        median(ratios),
        "10",
        median(cpu)
    );
}

/// Verifies everything, in a process of its own.
pub async fn verified(server: &Server, at: &str) {
    let (seconds, peak, said) = timed(server, &["log", "verify", "--full"]).await;
    println!("verify --full, {at}: {seconds:.1} s, peak {peak:.0} MB (goal ≤ 60 s)\n{said}");
}

/// Exports everything, and verifies the archive offline.
pub async fn exported(server: &Server, at: &str) {
    let folder = server.config.with_extension("archive");
    let path = folder.to_str().unwrap();
    let (seconds, peak, _) = timed(server, &["log", "export", path]).await;
    println!("export, {at}: {seconds:.1} s, peak {peak:.0} MB");
    let (seconds, peak, said) = timed(server, &["log", "verify-archive", path]).await;
    let records: f64 = sqlx::query_scalar("select size::float8 from log_tree")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    println!(
        "verify-archive, {at}: {:.0} records/s (goal ≥ 500 000), peak {peak:.0} MB\n{said}",
        records / seconds
    );
    std::fs::remove_dir_all(folder).unwrap();
}

/// A command of the program: its seconds, its peak memory in MB, what it says.
async fn timed(server: &Server, arguments: &[&str]) -> (f64, f64, String) {
    let begun = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigill"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    if arguments[1] != "verify-archive" {
        command.arg("--config").arg(&server.config);
    }
    let child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id().unwrap());
    let (ended, mut peak) = (child.wait_with_output(), 0.0_f64);
    let mut ended = std::pin::pin!(ended);
    loop {
        tokio::select! {
            output = &mut ended => {
                let output = output.unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
                return (begun.elapsed().as_secs_f64(), peak, String::from_utf8(output.stdout).unwrap());
            }
            () = tokio::time::sleep(Duration::from_millis(50)) => {
                let status = std::fs::read_to_string(&status).unwrap_or_default();
                let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let value = value.and_then(|value| value.split_whitespace().next()?.parse::<f64>().ok());
                peak = peak.max(value.unwrap_or_default() / 1024.0);
            }
        }
    }
}

/// How far the newest signed checkpoint is behind what is stored, each tenth of a second while something is done; p99 in
/// seconds: what the oldest record without a leaf and the oldest size without a signature have waited, together.
pub async fn with_lag<T>(server: &Server, work: impl Future<Output = T>) -> (T, f64) {
    let sql = "select coalesce(extract(epoch from clock_timestamp() - (select min(stored_at) from log_pending)), 0)::float8
        + coalesce(extract(epoch from clock_timestamp() - (select min(integrated_at) from log_checkpoints where note is null
            and size > (select max(size) from log_checkpoints where note is not null))), 0)::float8";
    let mut seconds: Vec<f64> = Vec::new();
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => {
                seconds.sort_by(f64::total_cmp);
                return (done, seconds.get(seconds.len() * 99 / 100).copied().unwrap_or_default());
            }
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                seconds.push(sqlx::query_scalar(sql).fetch_one(&server.pool).await.unwrap());
            }
        }
    }
}
