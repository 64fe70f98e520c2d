//! What PostgreSQL does by itself: COPY, and pgbench.

use super::server::Server;
use sqlx::PgConnection;
use std::time::Instant;
use tokio::process::Command;

/// The log's tables with the columns that the server fills.
const LOG_TABLES: [&str; 3] = ["log_ids_1", "log_entries", "log_further_resources"];

/// Rows/s of COPY, one session, of the log records that are stored now, into the same tables
/// emptied; they are empty afterwards.
pub async fn copy_log_again(server: &Server) -> f64 {
    let mut connection = server.pool.acquire().await.unwrap();
    let mut dumps = Vec::new();
    for table in LOG_TABLES {
        dumps.push((table, copied_out(&mut connection, table, i64::MIN).await));
    }
    let records: i64 = sqlx::query_scalar("select count(*) from log_entries")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    let empty = "truncate log_ids_1, log_entries, log_further_resources";
    sqlx::query(empty).execute(&mut *connection).await.unwrap();
    sqlx::query("checkpoint").execute(&mut *connection).await.unwrap();
    let begun = Instant::now();
    for (table, bytes) in dumps {
        copy_in(&mut connection, table, &bytes).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    sqlx::query(empty).execute(&mut *connection).await.unwrap();
    records as f64 / seconds
}

/// Rows/s of COPY, one session, of the log records behind `mark` into tables beside the log's, which
/// have the same columns and indexes and the same million rows.
pub async fn copy_log_beside(server: &Server, mark: i64) -> f64 {
    let mut connection = server.pool.acquire().await.unwrap();
    let mut dumps = Vec::new();
    for table in LOG_TABLES {
        dumps.push((format!("beside_{table}"), copied_out(&mut connection, table, mark).await));
    }
    let sql = "select count(*) from log_entries where entry_number > $1";
    let records: i64 =
        sqlx::query_scalar(sql).bind(mark).fetch_one(&mut *connection).await.unwrap();
    sqlx::query("checkpoint").execute(&mut *connection).await.unwrap();
    let begun = Instant::now();
    for (table, bytes) in dumps {
        copy_in(&mut connection, &table, &bytes).await;
    }
    records as f64 / begun.elapsed().as_secs_f64()
}

/// The highest number of a record.
pub async fn last_entry(server: &Server) -> i64 {
    let sql = "select coalesce(max(entry_number), 0) from log_entries";
    sqlx::query_scalar(sql).fetch_one(&server.pool).await.unwrap()
}

/// Fills the log's tables, and tables beside them with the same.
pub async fn fill_log(server: &Server, script: &str) {
    let mut connection = server.pool.acquire().await.unwrap();
    for sql in
        ["set statement_timeout = 0", "truncate log_ids_1, log_entries, log_further_resources"]
    {
        sqlx::query(sql).execute(&mut *connection).await.unwrap();
    }
    sqlx::raw_sql(script).execute(&mut *connection).await.unwrap();
    for table in LOG_TABLES {
        let sql = format!(
            "drop table if exists beside_{table}; create table beside_{table} (like {table} including all);
             insert into beside_{table} select * from {table}"
        );
        sqlx::raw_sql(&sql).execute(&mut *connection).await.unwrap();
    }
    sqlx::query("vacuum analyze").execute(&mut *connection).await.unwrap();
    sqlx::query("checkpoint").execute(&mut *connection).await.unwrap();
}

async fn copied_out(connection: &mut PgConnection, table: &str, mark: i64) -> Vec<u8> {
    let sql = format!(
        "copy (select * from {table} where entry_number > {mark}) to stdout (format binary)"
    );
    let mut stream = connection.copy_out_raw(&sql).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = futures_util::StreamExt::next(&mut stream).await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    bytes
}

async fn copy_in(connection: &mut PgConnection, table: &str, bytes: &[u8]) {
    let sql = format!("copy {table} from stdin (format binary)");
    let mut sink = connection.copy_in_raw(&sql).await.unwrap();
    for chunk in bytes.chunks(1 << 20) {
        sink.send(chunk).await.unwrap();
    }
    sink.finish().await.unwrap();
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
