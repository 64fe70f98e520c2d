//! Load over plain connections, with as little work of its own as can be.

use super::server::Server;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

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

/// Where a server is called, and how.
#[derive(Clone)]
pub struct Called {
    pub address: String,
    /// Through TLS, with a certificate; and the server's name.
    pub tls: Option<(Arc<ClientConfig>, &'static str)>,
}

/// A connection's bytes.
trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// One connection.
pub struct Client {
    stream: Box<dyn Bytes>,
    buffer: Vec<u8>,
}

impl Client {
    pub async fn connect(called: &Called) -> Self {
        let tcp = TcpStream::connect(&called.address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let stream: Box<dyn Bytes> = match &called.tls {
            None => Box::new(tcp),
            Some((client, name)) => {
                let name = ServerName::try_from(*name).unwrap();
                let connector = TlsConnector::from(Arc::clone(client));
                Box::new(connector.connect(name, tcp).await.unwrap())
            }
        };
        Self { stream, buffer: vec![0; 64 * 1024] }
    }

    pub async fn call(&mut self, message: &str, expected: &str) {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            message.len()
        );
        self.stream.write_all(&[head.as_bytes(), message.as_bytes()].concat()).await.unwrap();
        let mut got = 0;
        loop {
            if got == self.buffer.len() {
                self.buffer.resize(2 * got, 0);
            }
            got += self.stream.read(&mut self.buffer[got..]).await.unwrap();
            let answer = &self.buffer[..got];
            let Some(end) = memchr::memmem::find(answer, b"\r\n\r\n") else { continue };
            let (head, body) = (str::from_utf8(&answer[..end]).unwrap(), &answer[end + 4..]);
            // One that is streamed has no length.
            let whole = match head.split_once("content-length: ") {
                Some((_, rest)) => {
                    let length = rest.split("\r\n").next().unwrap();
                    body.len() == length.parse::<usize>().unwrap()
                }
                None => body.ends_with(b"\r\n0\r\n\r\n"),
            };
            if whole {
                let body = String::from_utf8_lossy(body);
                let beginning: String = body.chars().take(1000).collect();
                assert!(body.contains(expected), "{beginning}");
                return;
            }
        }
    }
}
