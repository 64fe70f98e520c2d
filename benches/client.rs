//! A client over one connection, plain or through TLS.

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

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
            let read = self.stream.read(&mut self.buffer[got..]).await.unwrap();
            assert!(read > 0, "the server ended its answer early");
            got += read;
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
