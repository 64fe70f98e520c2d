//! A system that has been let in.

use super::certificate::Subject;
use super::snapshot::Tls;
use crate::domain::time::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, Error};
use std::sync::atomic::{AtomicU64, Ordering};

/// A system that is known by its certificate, on one connection.
#[derive(Debug)]
pub struct ClientCertificate {
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Whose it is.
    pub subject: Subject,
    /// The snapshot that let it in last.
    pub(super) generation: AtomicU64,
}

impl ClientCertificate {
    /// Asks again whether the system may still be let in: its certificate has not ended, and the snapshot that is in
    /// force now lets it in as well.
    ///
    /// # Errors
    /// Why not.
    pub fn is_still_let_in(&self, tls: &Tls, now: Timestamp) -> Result<(), Error> {
        if now > self.subject.ends_at {
            return Err(CertificateError::Expired.into());
        }
        let snapshot = tls.current();
        if self.generation.load(Ordering::Relaxed) != snapshot.generation {
            snapshot.known(&self.chain, now)?;
            self.generation.store(snapshot.generation, Ordering::Relaxed);
        }
        Ok(())
    }
}
