//! A connection's bytes: as they are, or through TLS, where the server that is called wants it.

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The servers that want TLS.
static OVER_TLS: LazyLock<Mutex<HashMap<SocketAddr, Arc<ClientConfig>>>> =
    LazyLock::new(Mutex::default);

/// A connection's bytes.
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// From now on a server is called with a certificate of a folder that `sigill dev-pki` made.
pub fn over_tls(server: SocketAddr, folder: &Path, system: &str) {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&read("root-ca.pem")).unwrap()).unwrap();
    let chain = read(&format!("{system}.pem"));
    let chain = CertificateDer::pem_slice_iter(&chain).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(&read(&format!("{system}.key"))).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    OVER_TLS.lock().unwrap().insert(server, Arc::new(client));
}

/// Whether a server is called through TLS.
pub fn is_over_tls(server: SocketAddr) -> bool {
    OVER_TLS.lock().unwrap().contains_key(&server)
}

impl Stream {
    /// What is sent through a connection, as its server wants it.
    pub async fn through(tcp: TcpStream, server: SocketAddr) -> Option<Self> {
        let client = OVER_TLS.lock().unwrap().get(&server).cloned();
        let Some(client) = client else { return Some(Self::Plain(tcp)) };
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(client).connect(name, tcp).await.ok()?;
        Some(Self::Tls(Box::new(stream)))
    }

    /// Sends what can be sent at once.
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        match Pin::new(self).poll_write(&mut context, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}
