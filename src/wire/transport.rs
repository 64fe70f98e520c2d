//! How a connection's bytes come and go: as they are, or through TLS.

use super::connection::Connection;
use super::paced::Paced;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

/// A connection's bytes.
pub enum Transport {
    /// As they are.
    Plain(Box<Paced>),
    /// Through TLS.
    Tls(Box<TlsStream<Paced>>),
}

impl Transport {
    /// Those of a connection that has shaken hands.
    pub fn shaken(mut stream: Box<TlsStream<Paced>>, connection: Arc<Connection>) -> Self {
        stream.get_mut().0.belongs_to(connection);
        Self::Tls(stream)
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(bytes) => Pin::new(bytes).poll_read(context, buffer),
            Self::Tls(stream) => {
                let before = buffer.filled().len();
                let read = Pin::new(&mut *stream).poll_read(context, buffer);
                if buffer.filled().len() > before {
                    stream.get_ref().0.connection().arrived();
                }
                read
            }
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(bytes) => Pin::new(bytes).poll_write(context, data),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, data),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(bytes) => Pin::new(bytes).poll_write_vectored(context, data),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, data),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(bytes) => bytes.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(bytes) => Pin::new(bytes).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(bytes) => Pin::new(bytes).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
