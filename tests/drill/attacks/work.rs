//! Calls that make much work of little, or hold what others need.

use super::Did;
use crate::Times;
use crate::client::{Client, connect_from, head};
use crate::good::now;
use crate::messages;
use crate::program::Program;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::sleep;

const MEGABYTE: f64 = 1_000_000.0;

/// Sends a message again and again over some connections until the time is up; returns how many
/// answers held the text.
pub async fn storm(
    program: &Program,
    times: Times,
    connections: usize,
    holds: &'static str,
    message: impl Fn(usize, usize) -> String + Clone + Send + 'static,
) -> usize {
    let until = Instant::now() + times.during;
    let mut running = JoinSet::new();
    for connection in 0..connections {
        let (server, message) = (program.server(), message.clone());
        running.spawn(async move {
            let mut client = Client::new(server, 20);
            let (mut done, mut call) = (0, 0);
            while Instant::now() < until {
                let answer = client.post(&message(connection, call)).await;
                done += usize::from(answer.is_some_and(|answer| answer.contains(holds)));
                call += 1;
            }
            done
        });
    }
    running.join_all().await.into_iter().sum()
}

/// Bodies full of rows without content.
pub async fn empty_rows(program: &mut Program, times: Times) -> Did {
    let message = messages::empty_rows(15_000_000);
    let bodies = 4.0 * message.len() as f64 / MEGABYTE;
    let refused = storm(program, times, 4, "VALIDATIONERROR", move |_, _| message.clone()).await;
    // It goes back to the system: what stays is no more than a third of the peak.
    let peak = program.peak_memory();
    let since = Instant::now();
    while program.memory_now() > peak / 3.0 + 60.0 && since.elapsed() < Duration::from_secs(15) {
        sleep(Duration::from_millis(100)).await;
    }
    let left = program.memory_now();
    let mut did = Did {
        text: format!(
            "15 MB of empty rows in 4 calls at a time, {refused} refused; {left:.0} MB left after {:.1} s",
            since.elapsed().as_secs_f64()
        ),
        memory_max: Some(8.0 * bodies),
        ..Did::default()
    };
    if refused == 0 {
        did.broken.push("none was refused".into());
    }
    if left > peak / 3.0 + 60.0 {
        did.broken.push("memory does not go back".into());
    }
    did
}

/// As many rows as there may be, about a patient with many blocks.
pub async fn many_rows(program: &mut Program, times: Times) -> Did {
    let message = messages::check_blocks(7, 20_000);
    let bodies = 4.0 * message.len() as f64 / MEGABYTE;
    let done = storm(program, times, 4, "resultCode>OK<", move |_, _| message.clone()).await;
    let text =
        format!("20 000 rows about a patient with 2000 blocks, 4 at a time, {done} answered");
    Did { text, memory_max: Some(8.0 * bodies), ..Did::default() }
}

/// As many log records as a call may have, of whole lists of patients.
pub async fn large_log_calls(program: &mut Program, times: Times) -> Did {
    let message = |connection: usize, call: usize| {
        let id = |n| format!("large-{connection}-{call}-{n}");
        messages::store_log_of_many(&(0..500).map(|n| (id(n), now())).collect::<Vec<_>>(), 20)
    };
    let bodies = 4.0 * message(0, 0).len() as f64 / MEGABYTE;
    let done = storm(program, times, 4, "resultCode>OK<", message).await;
    let text =
        format!("500 log records with 20 patients each in a call, 4 at a time, {done} stored");
    Did { text, memory_max: Some(8.0 * bodies), ..Did::default() }
}

/// Everything is asked for and read a byte at a time, while a good reader reads all of it.
pub async fn slow_readers(program: &mut Program, times: Times) -> Did {
    let until = Instant::now() + times.during;
    let message = messages::get_all_blocks();
    let call = head(message.len()) + &message;
    let (server, mut slow) = (program.server(), Vec::new());
    for last in (30..34).cycle().take(200) {
        let Some(mut stream) = connect_from(server, last).await else { continue };
        _ = stream.write_all(call.as_bytes()).await;
        slow.push(stream);
    }
    let (mut read, mut byte) = (0, [0; 1]);
    let mut good = Client::new(server, 1);
    while Instant::now() < until {
        let all = good.post(&message).await;
        let found = all.map_or(0, |all| all.matches("blockId>seed").count());
        assert!(found == 0 || found == 20_000, "a part is told as the whole: {found}");
        read += usize::from(found > 0);
        for stream in &mut slow {
            _ = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut byte)).await;
        }
    }
    let mut did = Did {
        text: format!(
            "200 read 20 000 blocks a byte at a time; a good reader read all {read} times"
        ),
        // Half a megabyte a reader, and what the good one needs.
        memory_max: Some(220.0),
        ..Did::default()
    };
    if read == 0 {
        did.broken.push("the good reader read nothing".into());
    }
    did
}

/// Blocks are registered with all the temporary revokes that they may have.
pub async fn changes(program: &mut Program, times: Times) -> Did {
    let message = |connection: usize, call: usize| {
        messages::register_block(&format!("change-{connection}-{call}"), connection, 100)
    };
    let done = storm(program, times, 100, "resultCode>OK<", message).await;
    let text = format!("blocks with 100 revokes each, 100 at a time, {done} registered");
    Did { text, memory_max: Some(120.0), ..Did::default() }
}

/// All that has happened to a patient's blocks.
pub async fn histories(program: &mut Program, times: Times) -> Did {
    let message = |_, _| messages::histories(7);
    let done = storm(program, times, 8, "resultCode>OK<", message).await;
    let text =
        format!("8000 blocks of one patient with their history, 8 at a time, {done} answered");
    let mut did = Did { text, memory_max: Some(300.0), ..Did::default() };
    if done == 0 {
        did.broken.push("none was answered".into());
    }
    did
}

/// Records of hundreds of months in one call.
pub async fn months(program: &mut Program, times: Times) -> Did {
    let tables = "select count(*) from pg_class where relkind = 'r'";
    let before = program.count(tables).await;
    let message = |connection: usize, call: usize| {
        let records = (0..500).map(|n| {
            let at = format!("{}-{:02}-01T00:00:00", 1960 + n / 12, n % 12 + 1);
            (format!("month-{connection}-{call}-{n}"), at)
        });
        messages::store_log(&records.collect::<Vec<_>>())
    };
    let done = storm(program, times, 2, "resultCode>OK<", message).await;
    let made = program.count(tables).await - before;
    let text = format!("records of 500 months in a call, {done} calls stored, {made} tables made");
    let mut did = Did { text, memory_max: Some(120.0), ..Did::default() };
    if made > 0 {
        did.broken.push("tables were made".into());
    }
    did
}
