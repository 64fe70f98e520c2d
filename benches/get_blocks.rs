//! GetBlocks for one patient, and the full read of a national service.

use super::data::Chance;
use super::server::Server;
use super::{ROUNDS, Rounds, load};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 16;
const SECONDS: u64 = 3;

/// Runs after `check_blocks`, whose blocks it reads.
pub async fn run(server: &Server) {
    let valid = include_str!("../testdata/blocking/get_blocks/valid.request.xml");
    let (before, after) = valid.split_once("191212121212").unwrap();
    let mut rounds = Rounds::default();
    for round in 0..ROUNDS {
        let done =
            load::run(server, CONNECTIONS, SECONDS, "resultCode>OK<", move |connection, call| {
                let patient = Chance::new(connection + round * CONNECTIONS, call).patient();
                format!("{before}{patient}{after}")
            })
            .await;
        rounds.add(&done, 1, 0.0);
    }
    rounds.print("GetBlocks, one patient x 16, calls/s", None);
    full_read(server, valid).await;
}

/// Every block of the service, over one connection.
async fn full_read(server: &Server, valid: &str) {
    let start = valid.find("      <urn1:patientId>").unwrap();
    let end = valid.find("    </urn1:GetBlocks>").unwrap();
    let message = format!("{}{}", &valid[..start], &valid[end..]);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        message.len()
    );
    let mut stream = TcpStream::connect(&server.called.address).await.unwrap();
    let begun = Instant::now();
    stream.write_all(&[head.as_bytes(), message.as_bytes()].concat()).await.unwrap();
    let mut buffer = vec![0; 256 * 1024];
    let (mut bytes, mut blocks, mut first) = (0, 0, None);
    loop {
        let got = stream.read(&mut buffer).await.unwrap();
        if got == 0 {
            break;
        }
        first.get_or_insert_with(|| begun.elapsed());
        bytes += got;
        blocks += memchr::memmem::find_iter(&buffer[..got], "<c:blockId>").count();
    }
    let (seconds, megabytes) = (begun.elapsed().as_secs_f64(), bytes as f64 / 1e6);
    let first = first.unwrap().as_secs_f64() * 1000.0;
    println!("{:<46} {:>10.1}", "GetBlocks, full read, MB/s", megabytes / seconds);
    println!("  some {blocks} blocks, {megabytes:.0} MB, first byte after {first:.0} ms");
    server.memory("after the full read");
}
