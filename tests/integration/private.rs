//! The private PostgreSQL: started again, taken over, and never somebody else's.

use super::harness::request;
use super::program::{Folder, Program, command};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// The note of a data folder's PostgreSQL, and the number in it.
fn note(data: &Path) -> (PathBuf, i32) {
    let path = std::fs::canonicalize(data.join("postgres")).unwrap().join("postmaster.pid");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    // While it is being started again there is none.
    let id = text.lines().next().and_then(|line| line.parse().ok()).unwrap_or(0);
    (path, id)
}

async fn until_ready(program: &Program, within: Duration) {
    let ready = async { while program.caller.get("/ready").await.status != 200 {} };
    tokio::time::timeout(within, ready).await.expect("ready again");
}

#[tokio::test]
async fn killed_it_is_started_again_and_has_lost_nothing() {
    let folder = Folder::new("restart");
    let data = folder.path().join("var");
    let program = Program::start(&["--data", data.to_str().unwrap()]).await;
    let block = request("blocking/register_extended_block/valid");
    assert_eq!(program.caller.post(block).await.code(), "OK");
    for _ in 0..2 {
        let (_, id) = note(&data);
        kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
        let another = async {
            while [0, id].contains(&note(&data).1) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), another).await.expect("another process");
        let live = program.caller.get("/live").await.status;
        assert_eq!(live, 200, "it was away for a moment only");
        until_ready(&program, Duration::from_secs(20)).await;
        let check = request("blocking/check_blocks/inner_block_stops_another_unit");
        assert_eq!(program.caller.post(check).await.text("status"), Some("BLOCKED"));
    }
    program.signal(Signal::SIGTERM);
    let (status, log) = program.ended().await;
    assert!(status.success());
    assert!(
        log.iter().any(|line| line.contains("PostgreSQL has ended; starting it again")),
        "{log:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_started_again_ends_the_server_with_the_cause() {
    let folder = Folder::new("gave-up");
    let data = folder.path().join("var");
    let file = folder.path().join("sigill.toml");
    std::fs::write(
        &file,
        format!("[trust]\nprofile = \"bench\"\n[data]\ndir = {data:?}\nrestart_seconds = 1\n"),
    )
    .unwrap();
    let program = Program::start(&["--config", file.to_str().unwrap()]).await;
    let (path, id) = note(&data);
    let version = path.with_file_name("PG_VERSION");
    std::fs::write(&version, "8.0\n").unwrap();
    kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
    let (status, log) = program.ended().await;
    assert!(!status.success());
    let said = log.join("\n");
    assert!(
        said.contains("could not be started again in 1 s") && said.contains("incompatible"),
        "{said}"
    );
}

#[tokio::test]
async fn a_note_that_names_somebody_elses_process_harms_nobody() {
    let folder = Folder::new("foreign");
    let data = folder.path().join("var");
    let arguments = ["--data", data.to_str().unwrap()];
    let program = Program::start(&arguments).await;
    let (path, _) = note(&data);
    let left = std::fs::read_to_string(&path).unwrap();
    program.signal(Signal::SIGTERM);
    assert!(program.ended().await.0.success());
    // After a crash of the machine the number in the note may be anybody's.
    let mut somebody = Command::new("sleep").arg("1000").kill_on_drop(true).spawn().unwrap();
    let rest = left.split_once('\n').unwrap().1;
    std::fs::write(&path, format!("{}\n{rest}", somebody.id().unwrap())).unwrap();
    let program = Program::start(&arguments).await;
    assert_eq!(program.caller.get("/ready").await.status, 200);
    program.signal(Signal::SIGTERM);
    assert!(program.ended().await.0.success());
    assert!(somebody.try_wait().unwrap().is_none(), "it lives");
}

#[tokio::test]
async fn a_signal_while_it_starts_ends_it_within_a_second() {
    let folder = Folder::new("start-stop");
    let data = folder.path().join("var");
    let mut child = command(&["serve", "--http", "127.0.0.1:0", "--data", data.to_str().unwrap()])
        .spawn()
        .unwrap();
    // It is at the making of its files.
    while !data.join("lock").exists() {
        tokio::task::yield_now().await;
    }
    kill(Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()), Signal::SIGTERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
    assert!(ended.expect("it ends").unwrap().success());
    // And begins anew.
    let program = Program::start(&["--data", data.to_str().unwrap()]).await;
    assert_eq!(program.caller.get("/ready").await.status, 200);
    program.signal(Signal::SIGTERM);
    assert!(program.ended().await.0.success());
}

#[tokio::test]
async fn little_space_is_told_and_stops_large_answers_first() {
    let folder = Folder::new("space");
    let data = folder.path().join("var");
    let file = folder.path().join("sigill.toml");
    let write = |low: &str, least: &str| {
        let text = format!(
            "[trust]\nprofile = \"bench\"\n[data]\ndir = {data:?}\nfree_bytes_low = {low}\nfree_bytes_least = {least}\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    // More than any disk has.
    let much = (1_u64 << 60).to_string();
    let all = request("blocking/get_blocks/without_filters_all_blocks_are_reported");
    let store = request("log/store_log/valid");
    for (low, least, stored) in [(&*much, "0", 200), (&*much, &*much, 500)] {
        write(low, least);
        let program = Program::start(&["--config", file.to_str().unwrap()]).await;
        while program.caller.get("/ready").await.body != "disk low\n" {}
        assert_eq!(program.caller.get("/ready/answer").await.status, 200);
        assert_eq!(program.caller.post(all.clone()).await.status, 500, "large answers stop");
        for question in [
            "blocking/check_blocks/valid",
            "blocking/get_blocks/valid",
            "consent/check_consent/valid",
        ] {
            assert_eq!(program.caller.post(request(question)).await.status, 200, "{question}");
        }
        let reply = program.caller.post(store.clone()).await;
        assert_eq!(reply.status, stored, "{}", reply.body);
        program.signal(Signal::SIGTERM);
        assert!(program.ended().await.0.success());
    }
}

#[tokio::test]
async fn one_frozen_connection_does_not_make_it_unready() {
    let folder = Folder::new("frozen");
    let data = folder.path().join("var");
    let program = Program::start(&["--data", data.to_str().unwrap()]).await;
    until_ready(&program, Duration::from_secs(20)).await;
    let cluster = std::fs::canonicalize(data.join("postgres")).unwrap();
    let options = sqlx::postgres::PgConnectOptions::new_without_pgpass();
    let options = options.socket(cluster).username("sigill").database("postgres");
    let mut connection = sqlx::Connection::connect_with(&options).await.unwrap();
    let sql = "select pid from pg_stat_activity where query like '/* answering%'";
    let asked: Vec<i32> = sqlx::query_scalar::<_, i32>(sql)
        .fetch_all::<&mut sqlx::PgConnection>(&mut connection)
        .await
        .unwrap();
    assert_eq!(asked.len(), 1);
    let backend = Pid::from_raw(asked[0]);
    kill(backend, Signal::SIGSTOP).unwrap();
    let ready = program.caller.get("/ready").await.status;
    kill(backend, Signal::SIGCONT).unwrap();
    assert_eq!(ready, 200);
    program.signal(Signal::SIGTERM);
    assert!(program.ended().await.0.success());
}
