//! `kill -9` under load: whatever was acknowledged is stored, and nothing is stored by half.

use super::harness::Database;
use super::logs::store_log;
use super::program::{Folder, Program};
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use tokio::task::JoinSet;

const ROUNDS: usize = 5;
const CALLERS: usize = 8;
/// Calls that are answered before the kill.
const ANSWERED: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_is_half_stored() {
    let (database, folder) = (Database::new().await, Folder::new("kill"));
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let program = Program::on(&database, &folder).await;
        let (answered, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (client, answered) = (program.caller.clone(), answered.clone());
            callers.spawn(async move {
                for call in 0.. {
                    let ids: Vec<String> =
                        (0..3).map(|n| format!("{round}-{caller}-{call}-{n}")).collect();
                    let records: Vec<(&str, &str)> =
                        ids.iter().map(|i| (i.as_str(), "Läsa")).collect();
                    let Ok(reply) = client.try_post(store_log(&records)).await else { return };
                    assert_eq!(reply.code(), "OK", "{}", reply.body);
                    _ = answered.send(ids);
                }
            });
        }
        drop(answered);
        for _ in 0..ANSWERED {
            acknowledged.extend(heard.recv().await.expect("callers go on until the kill"));
        }
        program.signal(Signal::SIGKILL);
        while let Some(ids) = heard.recv().await {
            acknowledged.extend(ids);
        }
        while let Some(ended) = callers.join_next().await {
            ended.unwrap();
        }
        program.ended().await;
    }
    let pool = database.pool().await;
    let stored: Vec<String> =
        sqlx::query_scalar("select log_id from log_entries").fetch_all(&pool).await.unwrap();
    let stored: BTreeSet<String> = stored.into_iter().collect();
    let lost: Vec<&String> = acknowledged.difference(&stored).collect();
    assert!(acknowledged.len() >= ROUNDS * ANSWERED * 3);
    assert!(lost.is_empty(), "lost: {lost:?}");
    for id in &stored {
        let call = id.rsplit_once('-').unwrap().0;
        for n in 0..3 {
            assert!(stored.contains(&format!("{call}-{n}")), "half a call: {call}");
        }
    }
}
