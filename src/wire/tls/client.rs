//! A system that has been let in.

use super::certificate::Subject;
use super::snapshot::{LetIn, Tls};
use crate::domain::time::Timestamp;
use rustls::Error;
use rustls::pki_types::CertificateDer;
use std::sync::{Mutex, PoisonError};

/// A system that is known by its certificate, on one connection.
#[derive(Debug)]
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    /// Whose it is.
    pub subject: Subject,
    asked: Mutex<LastAsked>,
}

/// Which snapshot has let it in last, and until when.
#[derive(Debug)]
struct LastAsked {
    generation: u64,
    until: Timestamp,
}

impl ClientCertificate {
    /// Of who has shaken hands.
    pub(super) fn new(chain: Vec<CertificateDer<'static>>, let_in: LetIn, generation: u64) -> Self {
        let LetIn { subject, until } = let_in;
        Self { chain, subject, asked: Mutex::new(LastAsked { generation, until }) }
    }

    /// Asks again whether the system may still be let in, when another snapshot is in force, or when its certificate or a
    /// list has ended.
    ///
    /// # Errors
    /// Why not.
    pub fn is_still_let_in(&self, tls: &Tls, now: Timestamp) -> Result<(), Error> {
        let snapshot = tls.current();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.generation != snapshot.generation || now > asked.until {
            let until = snapshot.known(&self.chain, now)?.until;
            *asked = LastAsked { generation: snapshot.generation, until };
        }
        Ok(())
    }
}
