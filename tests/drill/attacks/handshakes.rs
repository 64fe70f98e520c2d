//! Callers that shake hands and no more, or begin to and stop.

use super::Did;
use crate::Times;
use crate::client::{connect_from, connect_plainly};
use crate::program::Program;
use std::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};

/// Addresses that attack.
const ADDRESSES: std::ops::Range<u8> = 10..15;
/// The beginning of a greeting, whose rest does not come.
const GREETING: [u8; 11] = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];

/// Greetings that are never ended, a byte now and then; what has been cut comes again.
pub async fn half(program: &mut Program, times: Times) -> Did {
    let (server, until) = (program.server(), Instant::now() + times.during);
    let (mut open, mut begun) = (Vec::<tokio::net::TcpStream>::new(), 0);
    while Instant::now() < until {
        let mut left = Vec::new();
        for mut stream in open {
            if stream.write_all(b"x").await.is_ok() {
                left.push(stream);
            }
        }
        for last in ADDRESSES.cycle().take(600_usize.saturating_sub(left.len())) {
            let Some(mut stream) = connect_plainly(server, last).await else { continue };
            begun += 1;
            if stream.write_all(&GREETING).await.is_ok() {
                left.push(stream);
            }
        }
        open = left;
        sleep(Duration::from_millis(200)).await;
    }
    Did {
        text: format!("600 half greetings from 5 addresses, a byte now and then, {begun} in all"),
        memory_max: Some(60.0),
        ..Did::default()
    }
}

/// Handshakes one after the other, each to its end and no further.
pub async fn storm(program: &mut Program, times: Times) -> Did {
    let (server, until) = (program.server(), Instant::now() + times.during);
    let mut shaking = JoinSet::new();
    for number in 0..20_u8 {
        shaking.spawn(async move {
            let mut shaken = 0;
            while Instant::now() < until {
                shaken += usize::from(connect_from(server, 10 + number % 5).await.is_some());
            }
            shaken
        });
    }
    let shaken: usize = shaking.join_all().await.into_iter().sum();
    Did {
        text: format!("{shaken} handshakes from 5 addresses, 20 at a time, and no call"),
        memory_max: Some(60.0),
        ..Did::default()
    }
}
