//! Callers that send little, slowly, or read nothing.

use super::Did;
use crate::Times;
use crate::client::{connect_from, head};
use crate::messages;
use crate::program::Program;
use crate::stream::Stream;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

/// Addresses that attack.
const ADDRESSES: std::ops::Range<u8> = 10..15;

/// So many connections, from several addresses, on each of which `begin` is sent.
async fn open(server: SocketAddr, count: usize, begin: &str) -> Vec<Stream> {
    let mut open = Vec::new();
    for last in ADDRESSES.cycle().take(count) {
        if let Some(mut stream) = connect_from(server, last).await {
            _ = stream.write_all(begin.as_bytes()).await;
            open.push(stream);
        }
    }
    open
}

/// A byte on each connection now and then, until the time is up; what has been cut comes again.
async fn drip(server: SocketAddr, mut open: Vec<Stream>, begin: &str, until: Instant) -> usize {
    let (mut again, count) = (0, open.len());
    while Instant::now() < until {
        let mut left = Vec::new();
        for mut stream in open {
            if stream.write_all(b"x").await.is_ok() {
                left.push(stream);
            }
        }
        again += count - left.len();
        left.extend(self::open(server, count - left.len(), begin).await);
        open = left;
        sleep(Duration::from_millis(500)).await;
    }
    again
}

/// More connections than there may be, which send nothing at all.
pub async fn connections(program: &mut Program, times: Times) -> Did {
    let until = Instant::now() + times.during;
    let open = open(program.server(), 1_300, "").await;
    sleep(until.saturating_duration_since(Instant::now())).await;
    Did {
        text: format!("{} connections from 5 addresses that say nothing", open.len()),
        memory_max: Some(60.0),
        ..Did::default()
    }
}

/// The same with part of a head and a byte now and then.
pub async fn half_heads(program: &mut Program, times: Times) -> Did {
    let (server, begin) = (program.server(), "POST / HTTP/1.1\r\nX-Slow: ");
    let until = Instant::now() + times.during;
    let first = open(server, 1_300, begin).await;
    let again = drip(server, first, begin, until).await;
    Did {
        text: format!("1300 half heads, a byte twice a second, {again} cut and begun again"),
        memory_max: Some(60.0),
        ..Did::default()
    }
}

/// Bodies that come a byte at a time.
pub async fn slow_bodies(program: &mut Program, times: Times) -> Did {
    let (server, begin) = (program.server(), head(50_000));
    let until = Instant::now() + times.during;
    let first = open(server, 300, &begin).await;
    let again = drip(server, first, &begin, until).await;
    Did {
        text: format!("300 bodies, a byte twice a second, {again} cut and begun again"),
        memory_max: Some(60.0),
        ..Did::default()
    }
}

/// Bodies of 15 MB that stop before their end.
pub async fn large_bodies(program: &mut Program, times: Times) -> Did {
    let server = program.server();
    let until = Instant::now() + times.during;
    let part = "x".repeat(15_000_000);
    let mut stalled = Vec::new();
    for last in ADDRESSES.cycle().take(30) {
        let Some(mut stream) = connect_from(server, last).await else { continue };
        let text = head(16_000_000) + &part;
        // Refused ones are cut while they send.
        let sent = tokio::time::timeout(Duration::from_secs(1), stream.write_all(text.as_bytes()));
        _ = sent.await;
        stalled.push(stream);
    }
    sleep(until.saturating_duration_since(Instant::now())).await;
    Did {
        text: format!("{} bodies of 15 MB that stop before their end", stalled.len()),
        memory_max: Some(600.0),
        ..Did::default()
    }
}

/// Calls one after the other whose answers nobody reads.
pub async fn pipelines(program: &mut Program, times: Times) -> Did {
    let until = Instant::now() + times.during;
    let message = messages::check_blocks(1, 10);
    let calls = (head(message.len()) + &message).repeat(20);
    let mut open = open(program.server(), 100, "").await;
    let mut sent = 0;
    while Instant::now() < until {
        for stream in &mut open {
            if stream.try_write(calls.as_bytes()).is_ok() {
                sent += 1;
            }
        }
        sleep(Duration::from_millis(250)).await;
    }
    Did {
        text: format!("100 connections, {sent} bundles of calls, no answer read"),
        memory_max: Some(120.0),
        ..Did::default()
    }
}
