//! Small calls whose answers are found among many rows, and calls just below what counts as large.

use super::Did;
use super::work::storm;
use crate::Times;
use crate::client::{Client, connect_from, head};
use crate::good::now;
use crate::messages;
use crate::program::Program;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// CheckBlocks of a patient with thousands of temporary revokes.
pub async fn revoked_blocks(program: &mut Program, times: Times) -> Did {
    let message = messages::check_blocks(7, 1);
    let done = storm(program, times, 90, "resultCode>OK<", move |_, _| message.clone()).await;
    let text = format!("a patient with 300 blocks of 100 revokes, 90 at a time, {done} answered");
    Did { text, memory_max: Some(200.0), ..Did::default() }.unless(done > 0, "none was answered")
}

/// CheckConsent of a patient with thousands of consents at one care provider.
pub async fn many_consents(program: &mut Program, times: Times) -> Did {
    let message = messages::check_consent(7);
    let done = storm(program, times, 90, "resultCode>OK<", move |_, _| message.clone()).await;
    let text = format!("a patient with 6000 consents, 90 at a time, {done} answered");
    Did { text, memory_max: Some(120.0), ..Did::default() }.unless(done > 0, "none was answered")
}

/// GetBlocks with more care providers than there are, whose callers hang up, while a good reader
/// reads everything.
pub async fn many_care_providers(program: &mut Program, times: Times) -> Did {
    let (too_many, many) = (messages::get_blocks_at(200_000), messages::get_blocks_at(1_000));
    let (server, until) = (program.server(), Instant::now() + times.during);
    let mut asking = JoinSet::new();
    for (last, message) in [(20, too_many), (21, many.clone()), (21, many.clone()), (21, many)] {
        asking.spawn(async move {
            while Instant::now() < until {
                let Some(mut stream) = connect_from(server, last).await else { continue };
                _ = stream.write_all((head(message.len()) + &message).as_bytes()).await;
                let mut some = [0; 100];
                _ = tokio::time::timeout(Duration::from_millis(1500), stream.read(&mut some)).await;
            }
        });
    }
    let read = good_reader(server, until, 20_000).await;
    asking.join_all().await;
    let text = format!(
        "questions about 200 000 and 1000 care providers, hung up; a good reader read all {read} times"
    );
    // A body of 13 MB on each of several threads by turns.
    Did { text, memory_max: Some(400.0), ..Did::default() }
        .unless(read > 0, "the good reader read nothing")
}

/// Everything is read at a healthy but low pace by as many as one address may have.
pub async fn stepwise_readers(program: &mut Program, times: Times) -> Did {
    let (server, until) = (program.server(), Instant::now() + times.during);
    let mut reading = JoinSet::new();
    for _ in 0..250 {
        reading.spawn(async move { read_in_steps(server, until).await });
    }
    let read = good_reader(server, until, 600).await;
    reading.abort_all();
    let text = format!(
        "250 read 600 blocks of 100 revokes at 200 kB/s; a good reader read all {read} times"
    );
    Did { text, memory_max: Some(250.0), ..Did::default() }
        .unless(read > 0, "the good reader read nothing")
}

/// Reads all blocks 100 kB at a time with a small window, twice a second.
async fn read_in_steps(server: SocketAddr, until: Instant) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 1, 22], 0).into()).unwrap();
    _ = socket.set_recv_buffer_size(128 * 1024);
    let Ok(mut stream) = socket.connect(server).await else { return };
    let message = messages::get_all_blocks();
    _ = stream.write_all((head(message.len()) + &message).as_bytes()).await;
    let mut step = vec![0; 100_000];
    while Instant::now() < until {
        if stream.read_exact(&mut step).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// How often everything can be read, with so many blocks in it.
async fn good_reader(server: SocketAddr, until: Instant, blocks: usize) -> usize {
    let (mut good, mut read) = (Client::new(server, 1), 0);
    while Instant::now() < until {
        let all = good.post(&messages::get_all_blocks()).await;
        let found = all.map_or(0, |all| all.matches("blockId>seed").count());
        read += usize::from(found == blocks);
    }
    read
}

/// Few log records with many resources in a call.
pub async fn resources(program: &mut Program, times: Times) -> Did {
    let message = |connection: usize, call: usize| {
        let (records, resources) = if connection < 4 { (50, 350) } else { (49, 14) };
        let id = |n| format!("resources-{connection}-{call}-{n}");
        messages::store_log_of_many(
            &(0..records).map(|n| (id(n), now())).collect::<Vec<_>>(),
            resources,
        )
    };
    let done = storm(program, times, 60, "resultCode>OK<", message).await;
    let text = format!("49 and 50 log records with 14 and 350 patients each, {done} calls stored");
    Did { text, memory_max: Some(400.0), ..Did::default() }.unless(done > 0, "none was stored")
}

/// The same ids again and again.
pub async fn repeated_ids(program: &mut Program, times: Times) -> Did {
    let message = |connection: usize, _| {
        let id = |n| format!("repeated-{}-{n}", connection % 3);
        messages::store_log(&(0..11).map(|n| (id(n), now())).collect::<Vec<_>>())
    };
    let refused = storm(program, times, 40, "VALIDATION_ERROR", message).await;
    let text =
        format!("log records under ids that were used before, 40 at a time, {refused} refused");
    Did { text, memory_max: Some(120.0), ..Did::default() }.unless(refused > 0, "none was refused")
}

/// As many rows as a call may have that is no large one.
pub async fn below_the_line(program: &mut Program, times: Times) -> Did {
    let message = messages::check_blocks(9, 46);
    let bytes = message.len();
    let done = storm(program, times, 60, "resultCode>OK<", move |_, _| message.clone()).await;
    let text = format!("CheckBlocks of {bytes} bytes, 60 at a time, {done} answered");
    Did { text, memory_max: Some(120.0), ..Did::default() }
        .unless((22_000..24_576).contains(&bytes), "it is not just below the line")
}

/// Bodies larger than any may be, sent all the same.
pub async fn too_large(program: &mut Program, times: Times) -> Did {
    let message = messages::empty_rows(29_000_000);
    let refused = storm(program, times, 30, "faultstring", move |_, _| message.clone()).await;
    let text = format!("bodies of 29 MB, 30 at a time, {refused} refused");
    Did { text, memory_max: Some(60.0), ..Did::default() }
}

/// Bodies of which only the length comes.
pub async fn announced(program: &mut Program, times: Times) -> Did {
    let until = Instant::now() + times.during;
    let mut open = Vec::new();
    for last in (23..28).cycle().take(900) {
        let Some(mut stream) = connect_from(program.server(), last).await else { continue };
        _ = stream.write_all((head(15_000_000) + "<").as_bytes()).await;
        open.push(stream);
    }
    sleep(until.saturating_duration_since(Instant::now())).await;
    let text = format!("{} bodies of 15 MB announced, one byte of each sent", open.len());
    Did { text, memory_max: Some(60.0), ..Did::default() }
}

/// A large body that comes on, while its own address opens connections without end.
pub async fn upload_among_newcomers(program: &mut Program, times: Times) -> Did {
    let (server, until) = (program.server(), Instant::now() + times.during);
    let mut coming = JoinSet::new();
    coming.spawn(async move {
        let mut open = std::collections::VecDeque::new();
        while Instant::now() < until + Duration::from_secs(2) {
            open.extend(connect_from(server, 28).await);
            if open.len() > 800 {
                open.pop_front();
            }
            sleep(Duration::from_micros(2_500)).await;
        }
    });
    let message = messages::empty_rows(4_000_000);
    let (mut whole, mut tried) = (0, 0);
    while Instant::now() < until {
        tried += 1;
        whole += usize::from(slow_upload(server, &message).await.is_some());
    }
    coming.abort_all();
    let text = format!("4 MB at 2 MB/s among 300 newcomers a second: {whole} of {tried} arrived");
    Did { text, memory_max: Some(100.0), ..Did::default() }
        .unless(whole == tried, "uploads were cut")
}

async fn slow_upload(server: SocketAddr, message: &str) -> Option<String> {
    let mut stream = connect_from(server, 28).await?;
    stream.write_all(head(message.len()).as_bytes()).await.ok()?;
    for piece in message.as_bytes().chunks(100_000) {
        stream.write_all(piece).await.ok()?;
        sleep(Duration::from_millis(50)).await;
    }
    crate::client::read_answer(&mut stream).await
}

/// Pages for those on the machine, again and again.
pub async fn pages(program: &mut Program, times: Times) -> Did {
    let (server, until) = (program.server(), Instant::now() + times.during);
    let mut asking = JoinSet::new();
    for number in 0..90 {
        asking.spawn(async move {
            let (mut client, mut done) = (Client::new(server, 20), 0);
            let path = ["/metrics", "/status", "/ready"][number % 3];
            while Instant::now() < until {
                done += usize::from(client.get(path).await.is_some());
            }
            done
        });
    }
    let done: usize = asking.join_all().await.into_iter().sum();
    let text = format!("/metrics, /status and /ready, 90 at a time, {done} answered");
    Did { text, memory_max: Some(60.0), ..Did::default() }
}
