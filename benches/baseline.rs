//! What PostgreSQL does by itself: COPY, and pgbench.

use super::server::Server;
use std::time::Instant;
use tokio::process::Command;

/// The log's tables with the columns that the server fills.
const LOG_TABLES: [&str; 3] = ["log_ids", "log_entries", "log_resources"];

/// Rows/s of COPY, one session, of the log records that are stored now, into the same tables
/// emptied.
pub async fn copy_log(server: &Server) -> f64 {
    let mut connection = server.pool.acquire().await.unwrap();
    let mut dumps = Vec::new();
    for table in LOG_TABLES {
        let sql = format!("copy (select * from {table}) to stdout (format binary)");
        let mut stream = connection.copy_out_raw(&sql).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(chunk) = futures_util::StreamExt::next(&mut stream).await {
            bytes.extend_from_slice(&chunk.unwrap());
        }
        dumps.push((table, bytes));
    }
    let records: i64 = sqlx::query_scalar("select count(*) from log_entries")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    sqlx::query("truncate log_ids, log_entries, log_resources")
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::query("checkpoint").execute(&mut *connection).await.unwrap();
    let begun = Instant::now();
    for (table, bytes) in dumps {
        let mut sink = connection
            .copy_in_raw(&format!("copy {table} from stdin (format binary)"))
            .await
            .unwrap();
        for chunk in bytes.chunks(1 << 20) {
            sink.send(chunk).await.unwrap();
        }
        sink.finish().await.unwrap();
    }
    records as f64 / begun.elapsed().as_secs_f64()
}

/// Transactions/s of a pgbench script with prepared statements.
pub async fn pgbench(server: &Server, script: &str, connections: usize, seconds: u64) -> f64 {
    let path = std::env::temp_dir().join(format!("sigill-bench-{}.sql", std::process::id()));
    std::fs::write(&path, script).unwrap();
    let host = server.options.get_socket().unwrap().display().to_string();
    let output =
        Command::new(format!("{}/pgbench", std::env::var("SIGILL_TEST_PROGRAMS").unwrap()))
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--username=sigill"])
            .arg(format!("--client={connections}"))
            .arg(format!("--time={seconds}"))
            .arg(format!("--host={host}"))
            .arg(format!("--file={}", path.display()))
            .arg("postgres")
            .output()
            .await
            .unwrap();
    std::fs::remove_file(path).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let after = said.split("tps = ").nth(1).expect("pgbench tells its rate");
    after.split_whitespace().next().unwrap().parse().unwrap()
}
