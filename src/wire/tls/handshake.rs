//! The handshake of an accepted connection, and what it ends with.

use super::client::ClientCertificate;
use super::snapshot::Tls;
use crate::wire::paced::Paced;
use rustls::{AlertDescription, CertificateError, Error};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Handshakes that failed, by reason.
#[derive(Debug, Default)]
pub struct Failures(Mutex<BTreeMap<&'static str, u64>>);

impl Failures {
    /// Counts one.
    pub fn count(&self, reason: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(reason).or_default() += 1;
    }

    /// All so far.
    pub fn all(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Shakes hands within a time.
///
/// # Errors
/// Why there is no connection: in a word, for a metric.
pub async fn shake(
    tls: &Tls,
    bytes: Paced,
    limit: Duration,
) -> Result<(Box<TlsStream<Paced>>, Option<ClientCertificate>), &'static str> {
    let snapshot = tls.current();
    let server = snapshot.server.clone().ok_or("no certificate of our own")?;
    let stream = match timeout(limit, TlsAcceptor::from(server).accept(bytes)).await {
        Ok(Ok(stream)) => Box::new(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "handshake failed");
            return Err(reason(&error));
        }
        Err(_) => return Err("timeout"),
    };
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let chain: Vec<_> = chain.iter().map(|one| one.clone().into_owned()).collect();
    // Where everybody must show one, nobody comes here without.
    let Some(own) = chain.first() else { return Ok((stream, None)) };
    let let_in = snapshot.let_in(own).map_err(|_| "identity")?;
    let known = ClientCertificate::new(chain, let_in, snapshot.generation);
    Ok((stream, Some(known)))
}

/// Why a certificate or a handshake was refused, in a word.
pub fn word(error: &Error) -> &'static str {
    match error {
        Error::NoCertificatesPresented => "no-certificate",
        Error::InvalidCertificate(wrong) => match wrong {
            CertificateError::UnknownIssuer => "unknown-issuer",
            CertificateError::Revoked => "revoked",
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "not-valid-yet"
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "purpose"
            }
            CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => "list-expired",
            CertificateError::UnknownRevocationStatus => "no-list",
            CertificateError::ApplicationVerificationFailure => "identity",
            _ => "certificate",
        },
        Error::AlertReceived(AlertDescription::UnknownCA | AlertDescription::BadCertificate) => {
            "refused-by-caller"
        }
        Error::PeerIncompatible(_) => "incompatible",
        Error::NoApplicationProtocol => "protocol",
        _ => "handshake",
    }
}

fn reason(error: &io::Error) -> &'static str {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    inner.map_or("broken", word)
}
