//! Killed at any instant: every record that was acknowledged gets exactly one leaf.
//!
//! `make drill-seal N=200` kills so many times; the suite a few times.

use super::harness::{Database, NOON, Wishes};
use super::logs::store_log;
use super::program::{Folder, Program, command, settings};
use super::reports::{FIRST, Record, stored};
use super::sealed::{Sealed, at};
use nix::sys::signal::Signal;
use sigill::procedures::seal::following::follow;
use sigill::procedures::seal::sequencing::round;
use sigill::procedures::seal::signing::sign;
use std::collections::BTreeSet;
use std::pin::pin;
use std::task::Poll;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How often a server is killed when nothing else is said.
const KILLS: u64 = 6;
/// Servers on one database, each of which stores and seals.
const SERVERS: u64 = 2;
const CALLERS: usize = 3;

fn kills() -> u64 {
    std::env::var("SIGILL_SEAL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS)
}

/// Calls a server as long as it answers; tells which ids were acknowledged.
fn callers(
    program: &Program,
    name: &str,
    acknowledged: &mpsc::UnboundedSender<String>,
) -> JoinSet<()> {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (client, name, told) = (program.caller.clone(), name.to_owned(), acknowledged.clone());
        callers.spawn(async move {
            for call in 0.. {
                let ids: Vec<String> =
                    (0..=call % 40).map(|n| format!("{name}-{caller}-{call}-{n}")).collect();
                let records: Vec<(&str, &str)> =
                    ids.iter().map(|id| (id.as_str(), "Läsa")).collect();
                let Ok(reply) = client.try_post(store_log(&records)).await else { return };
                if reply.status.as_u16() == 200 {
                    assert_eq!(reply.code(), "OK", "{}", reply.body);
                    for id in ids {
                        _ = told.send(id);
                    }
                }
            }
        });
    }
    callers
}

/// A server that is killed again and again: after so many records were acknowledged, or once the tree has grown.
async fn killed(
    database: Database,
    (server, file): (u64, String),
    kills: u64,
    acknowledged: mpsc::UnboundedSender<String>,
) -> u64 {
    for kill in 0..kills {
        let size = "select size from log_tree";
        let program = Program::start(&["--config", &file]).await;
        let before = database.count(size).await;
        let (told, mut heard) = mpsc::unbounded_channel();
        let mut calling = callers(&program, &format!("{server}-{kill}"), &told);
        drop(told);
        let wanted = (kill * 7919 + server * 104_729) % 400;
        let mut passed = 0;
        while let Some(id) = heard.recv().await {
            _ = acknowledged.send(id);
            passed += 1;
            let has_grown =
                kill % 3 == 0 && passed % 50 == 0 && database.count(size).await > before;
            if has_grown || kill % 3 > 0 && passed > wanted {
                break;
            }
        }
        program.signal(Signal::SIGKILL);
        program.ended().await;
        while let Some(id) = heard.recv().await {
            _ = acknowledged.send(id);
        }
        while let Some(ended) = calling.join_next().await {
            ended.unwrap();
        }
    }
    kills
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_left_unsealed_whatever_dies_when() {
    let database = Database::new().await;
    let folders: Vec<Folder> =
        (0..SERVERS).map(|n| Folder::new(&format!("seal-kill-{n}"))).collect();
    let (told, mut acknowledged) = mpsc::unbounded_channel();
    let mut killing = JoinSet::new();
    let each = kills().div_ceil(SERVERS);
    for (server, folder) in (0..).zip(&folders) {
        let file = settings(&database, folder, "");
        killing.spawn(killed(database.clone(), (server, file), each, told.clone()));
    }
    drop(told);
    let mut count = 0;
    while let Some(done) = killing.join_next().await {
        count += done.unwrap();
    }
    assert_eq!(count, each * SERVERS);
    let mut ids = BTreeSet::new();
    while let Ok(id) = acknowledged.try_recv() {
        assert!(ids.insert(id), "acknowledged twice");
    }
    // One server seals what is left.
    let file = settings(&database, &folders[0], "");
    let last = Program::start(&["--config", &file]).await;
    while database.count("select count(*) from log_pending").await > 0
        || database.count("select count(*) from log_checkpoints where note is null").await > 0
    {
        // A suite that does not end says that something is left unsealed.
        tokio::task::yield_now().await;
    }
    let pool = database.pool().await;
    let stored: Vec<String> =
        sqlx::query_scalar("select log_id from log_entries").fetch_all(&pool).await.unwrap();
    let unique: BTreeSet<String> = stored.iter().cloned().collect();
    assert_eq!(unique.len(), stored.len(), "stored twice");
    let lost: Vec<&String> = ids.difference(&unique).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let leaves = database.count("select size from log_tree").await;
    let records = i64::try_from(stored.len()).unwrap();
    assert_eq!(leaves, records + 1, "every record and the opening have one leaf");
    assert_eq!(
        database.count("select coalesce(sum(count), 0)::bigint from log_runs").await,
        leaves
    );
    let said = command(&["log", "verify", "--full", "--config", &file]).output().await.unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success() && text.contains("HOLDS"), "{text}");
    assert_eq!(database.count("select count(*) from log_findings").await, 0);
    println!(
        "{count} kills: {} acknowledged, {records} stored, {leaves} leaves, 0 lost, 0 doubled",
        ids.len()
    );
    drop(last);
}

/// Polls some work so often, and drops it; `true` if it was done before.
async fn cut_off<T>(work: impl Future<Output = T>, polls: usize) -> bool {
    let mut work = pin!(work);
    let mut left = polls;
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn sealing_can_be_cut_off_at_every_step() {
    let sealed = Sealed::start_with("cut-off", Wishes::default()).await;
    let ids: Vec<String> = (0..60).map(|n| format!("cut-{n}")).collect();
    let (mut cut, mut done) = (0, 0);
    for (polls, id) in ids.iter().enumerate() {
        let record = Record { id, ..FIRST };
        assert_eq!(sealed.service.post(stored(&[record])).await.code(), "OK");
        let now = at(NOON);
        for is_done in [
            cut_off(round(&sealed.seal, now), polls).await,
            cut_off(sign(&sealed.seal, now), polls).await,
            cut_off(follow(&sealed.seal, now), polls).await,
        ] {
            done += usize::from(is_done);
            cut += usize::from(!is_done);
        }
    }
    assert!(cut >= 5 && done >= 20, "{cut} cut off, {done} done");
    sealed.seal_at(NOON).await;
    let found = sealed.verify().await;
    assert_eq!(found.findings, []);
    assert_eq!((found.records, found.size), (60, 61));
}
