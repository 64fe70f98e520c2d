//! Parts that die, stand still or are full.

use super::Did;
use crate::Times;
use crate::client::{Client, connect_from, head, read_answer};
use crate::messages;
use crate::program::Program;
use nix::sys::signal::{Signal, kill};
use std::io::Write as _;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

/// Waits until a page answers so; how long that took.
async fn until_page(program: &Program, path: &str, holds: &str) -> Option<Duration> {
    let since = Instant::now();
    while since.elapsed() < Duration::from_mins(1) {
        let answer = Client::new(program.server(), 1).get(path).await;
        if answer.is_some_and(|answer| answer.contains(holds)) {
            return Some(since.elapsed());
        }
        sleep(Duration::from_millis(20)).await;
    }
    None
}

/// Nobody reads what the server says.
pub async fn log_unread(program: &mut Program, times: Times) -> Did {
    let until = Instant::now() + times.during;
    let mut client = Client::new(program.server(), 40);
    let mut done = 0;
    while done < 3_000 || Instant::now() < until {
        if client.post(&messages::check_consent(done)).await.is_none() {
            break;
        }
        done += 1;
    }
    let text = format!("{done} calls whose log lines nobody reads");
    let mut did = Did { text, ..Did::default() };
    if done < 3_000 {
        did.broken.push("calls are no longer answered".into());
    }
    did
}

/// Every process of the database is killed, three times.
pub async fn database_killed(program: &mut Program, times: Times) -> Did {
    let mut longest = Some(Duration::ZERO);
    for _ in 0..if times.full { 3 } else { 1 } {
        sleep(Duration::from_millis(500)).await;
        let (killed, since) = (program.postgres(), Instant::now());
        for process in &killed {
            _ = kill(*process, Signal::SIGKILL);
        }
        // Others run in their place.
        while program.postgres().iter().all(|process| killed.contains(process))
            && since.elapsed() < Duration::from_mins(1)
        {
            sleep(Duration::from_millis(20)).await;
        }
        let again = until_page(program, "/ready", " 200 ").await.map(|_| since.elapsed());
        longest = longest.zip(again).map(|(longest, again)| longest.max(again));
    }
    Did {
        text: "every process of the database killed".into(),
        must_recover: true,
        recovered: Some(longest.unwrap_or(Duration::MAX)),
        ..Did::default()
    }
}

/// The database stands still for a while, and goes on.
pub async fn database_frozen(program: &mut Program, _times: Times) -> Did {
    let processes = program.postgres();
    for process in &processes {
        kill(*process, Signal::SIGSTOP).unwrap();
    }
    let live = until_page(program, "/live", " 200 ").await;
    let told = until_page(program, "/ready", " 503 ").await;
    sleep(Duration::from_secs(3)).await;
    for process in &processes {
        _ = kill(*process, Signal::SIGCONT);
    }
    let recovered = until_page(program, "/ready", " 200 ").await;
    let mut did = Did {
        text: "the database stood still for some seconds".into(),
        must_recover: true,
        recovered,
        ..Did::default()
    };
    if live.is_none_or(|took| took > Duration::from_secs(1)) || told.is_none() {
        did.broken.push("the server did not say how it is".into());
    }
    did
}

/// The server is killed under load and started again.
pub async fn server_killed(program: &mut Program, times: Times) -> Did {
    sleep(times.during / 4).await;
    program.signal(Signal::SIGKILL);
    let since = Instant::now();
    program.start_again().await;
    Did {
        text: "the server killed, and started again on the database that it left".into(),
        must_recover: true,
        recovered: Some(since.elapsed()),
        ..Did::default()
    }
}

/// The disk is filled by somebody else, and freed again.
pub async fn disk_full(program: &mut Program, times: Times) -> Did {
    let filling = program.data().join("filling");
    let mut file = std::fs::File::create(&filling).unwrap();
    let block = vec![0; 4 << 20];
    while file.write_all(&block).is_ok() {
        sleep(Duration::from_millis(5)).await;
    }
    let told = until_page(program, "/ready", "disk low").await;
    sleep(times.during).await;
    let still = program.postgres().len();
    std::fs::remove_file(&filling).unwrap();
    let recovered = until_page(program, "/ready", " 200 ").await;
    let mut did = Did {
        text: format!("the disk full to the last byte; {still} processes of the database lived on"),
        must_recover: true,
        recovered,
        ..Did::default()
    };
    if told.is_none_or(|took| took > Duration::from_secs(5)) {
        did.broken.push("/ready did not say that the disk is low".into());
    }
    did
}

/// The server is told to end while heads are half, answers unread, and calls under way.
pub async fn end(program: &mut Program, _times: Times) -> Did {
    let server = program.server();
    let (mut half, mut unread) = (Vec::new(), Vec::new());
    let message = messages::check_blocks(1, 10);
    let calls = (head(message.len()) + &message).repeat(200);
    for last in (50..54).cycle().take(40) {
        let Some(mut stream) = connect_from(server, last).await else { continue };
        stream.write_all(b"POST / HTTP/1.1\r\nHost: loc").await.unwrap();
        half.push(stream);
        let Some(mut stream) = connect_from(server, last).await else { continue };
        // As much as it takes at once.
        let sending = stream.write_all(calls.as_bytes());
        _ = tokio::time::timeout(Duration::from_millis(20), sending).await;
        unread.push(stream);
    }
    // A whole call that is under way when the signal comes is answered.
    let whole = messages::empty_rows(10_000_000);
    let mut caller = connect_from(server, 60).await.unwrap();
    caller.write_all((head(whole.len()) + &whole).as_bytes()).await.unwrap();
    program.signal(Signal::SIGTERM);
    let answered = tokio::time::timeout(Duration::from_secs(20), read_answer(&mut caller)).await;
    let took = program.ends().await;
    let mut did = Did {
        text: format!(
            "40 half heads, 40 that read nothing, one whole call; ended after {:.1} s more",
            took.as_secs_f64()
        ),
        must_recover: true,
        ..Did::default()
    };
    if !answered.is_ok_and(|answer| answer.is_some_and(|a| a.contains("VALIDATIONERROR"))) {
        did.broken.push("the whole call was not answered".into());
    }
    if took > Duration::from_secs(7) {
        did.broken.push("it took too long to end".into());
    }
    let since = Instant::now();
    program.start_again().await;
    did.recovered = Some(since.elapsed());
    did
}
