//! Who is let in: by the library's own verifier, and what that leaves open.

use super::certificate::{issuer, subject};
use super::crls::KnownCrl;
use crate::domain::time::Timestamp;
use chrono::TimeDelta;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::collections::HashMap;
use std::sync::Arc;

/// How long a list of revoked certificates counts after it should have been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrlGrace {
    /// So long; then nobody of its issuer is let in.
    For(TimeDelta),
    /// For ever, with an alarm.
    Alarm,
}

/// Verifies chain, dates, purpose and revocation as the library does, and beside: that a list that should have been
/// replaced counts for its time only, and that somebody is known by the certificate.
#[derive(Debug)]
pub struct CallerVerifier {
    inner: Arc<dyn ClientCertVerifier>,
    /// By issuer, until when its list counts.
    lists_end: HashMap<Vec<u8>, Timestamp>,
}

impl CallerVerifier {
    /// With the lists in force.
    pub fn new(inner: Arc<dyn ClientCertVerifier>, crls: &[KnownCrl], grace: CrlGrace) -> Self {
        let lists_end = match grace {
            CrlGrace::Alarm => HashMap::new(),
            CrlGrace::For(grace) => crls
                .iter()
                .filter_map(|crl| Some((crl.issuer.clone(), crl.next_update? + grace)))
                .collect(),
        };
        Self { inner, lists_end }
    }

    /// Until when the list counts by which a certificate is not revoked; `None`: for ever.
    pub fn list_ends(&self, certificate: &CertificateDer<'_>) -> Option<Timestamp> {
        self.lists_end.get(&issuer(certificate)?).copied()
    }
}

impl ClientCertVerifier for CallerVerifier {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(certificate, intermediates, now)?;
        let ends = self.list_ends(certificate);
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if ends.is_some_and(|ends| seconds > ends.timestamp()) {
            return Err(CertificateError::ExpiredRevocationList.into());
        }
        match subject(certificate) {
            Ok(_) => Ok(verified),
            Err(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
