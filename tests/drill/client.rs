//! A plain HTTP client that comes from an address of its own choice.

use crate::stream::Stream;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long anything may take before it counts as not answered.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A connection to the server from 127.0.1.`last`, through TLS where the server wants it.
pub async fn connect_from(server: SocketAddr, last: u8) -> Option<Stream> {
    let tcp = connect_plainly(server, last).await?;
    timeout(PATIENCE, Stream::through(tcp, server)).await.ok()?
}

/// The same without TLS.
pub async fn connect_plainly(server: SocketAddr, last: u8) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 1, last], 0).into()).unwrap();
    let stream = timeout(Duration::from_secs(5), socket.connect(server)).await.ok()?.ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// The head of a call.
pub fn head(length: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// One caller with a connection that it keeps.
pub struct Client {
    server: SocketAddr,
    last: u8,
    stream: Option<Stream>,
}

impl Client {
    pub fn new(server: SocketAddr, last: u8) -> Self {
        Self { server, last, stream: None }
    }

    /// The whole answer; `None` when the connection broke or nothing came. A kept connection that
    /// has been closed meanwhile is no failure: another is made.
    pub async fn post(&mut self, message: &str) -> Option<String> {
        self.send(&(head(message.len()) + message)).await
    }

    pub async fn get(&mut self, path: &str) -> Option<String> {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
    }

    async fn send(&mut self, text: &str) -> Option<String> {
        let kept = self.stream.is_some();
        let first = timeout(PATIENCE, self.exchange(text)).await.ok().flatten();
        match first {
            None if kept => timeout(PATIENCE, self.exchange(text)).await.ok().flatten(),
            answered => answered,
        }
    }

    async fn exchange(&mut self, text: &str) -> Option<String> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect_from(self.server, self.last).await?,
        };
        stream.write_all(text.as_bytes()).await.ok()?;
        let answer = read_answer(&mut stream).await?;
        self.stream = Some(stream);
        Some(answer)
    }
}

/// One answer whose length is announced, or that is chunked and ends.
pub async fn read_answer(stream: &mut Stream) -> Option<String> {
    let mut got = Vec::new();
    loop {
        if stream.read_buf(&mut got).await.ok()? == 0 {
            return None;
        }
        let Some(end) = memchr::memmem::find(&got, b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&got[..end]).to_lowercase();
        let body = &got[end + 4..];
        let announced = head.split("content-length: ").nth(1);
        let length = announced.and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
        let whole = match length {
            Some(length) => body.len() >= length,
            None => body.ends_with(b"0\r\n\r\n"),
        };
        if whole {
            return Some(String::from_utf8_lossy(&got).into_owned());
        }
    }
}
