//! Load over plain connections, with as little work of its own as can be.

use super::client::Client;
use super::server::Server;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What a load did.
pub struct Done {
    pub calls: usize,
    pub seconds: f64,
    /// What the server and its database used of the processors, in microseconds.
    pub server_cpu_us: f64,
    pub database_cpu_us: f64,
    /// Each call's time, sorted.
    times: Vec<Duration>,
}

impl Done {
    pub fn per_second(&self) -> f64 {
        self.calls as f64 / self.seconds
    }

    /// The time that `percent` of the calls stayed under, in milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let at = (self.times.len() * percent / 100).min(self.times.len() - 1);
        self.times[at].as_secs_f64() * 1000.0
    }
}

/// Sends messages over `connections` for so many seconds; `message(connection, call)` makes
/// them. Every answer must hold `expected`.
pub async fn run<M>(
    server: &Server,
    connections: usize,
    seconds: u64,
    expected: &'static str,
    message: M,
) -> Done
where
    M: Fn(usize, usize) -> String + Clone + Send + 'static,
{
    let (server_before, database_before) = (server.cpu_us(), server.database_cpu_us());
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    let mut running = JoinSet::new();
    for connection in 0..connections {
        let (message, called) = (message.clone(), server.called.clone());
        running.spawn(async move {
            let mut client = Client::connect(&called).await;
            let mut times = Vec::new();
            while Instant::now() < until {
                let text = message(connection, times.len());
                let sent = Instant::now();
                client.call(&text, expected).await;
                times.push(sent.elapsed());
            }
            times
        });
    }
    let mut times: Vec<Duration> = running.join_all().await.into_iter().flatten().collect();
    times.sort_unstable();
    Done {
        calls: times.len(),
        seconds: begun.elapsed().as_secs_f64(),
        server_cpu_us: server.cpu_us() - server_before,
        database_cpu_us: server.database_cpu_us() - database_before,
        times,
    }
}

/// Memory with many open connections that have each been used.
pub async fn open_connections(server: &Server, count: usize) {
    let ping = include_str!("../testdata/monitoring/ping_for_configuration/valid.request.xml");
    let mut open = Vec::new();
    for _ in 0..count {
        let mut client = Client::connect(&server.called).await;
        client.call(ping, "pingDateTime").await;
        open.push(client);
    }
    server.memory(&format!("{count} connections"));
}

/// Everything that one call is answered, over a connection of its own.
pub async fn whole_answer(server: &Server, message: &str) -> Vec<u8> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        message.len()
    );
    let mut stream = TcpStream::connect(&server.called.address).await.unwrap();
    stream.write_all(&[head.as_bytes(), message.as_bytes()].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}
