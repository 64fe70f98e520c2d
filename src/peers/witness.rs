//! Calls to a witness of our log (C2SP `tlog-witness`).

use super::connection::{CallError, Peer};
use sigill_seal::names::VerifyingName;

/// Its answers are some lines.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// A witness elsewhere.
#[derive(Debug, Clone)]
pub struct RemoteWitness {
    peer: Peer,
    name: VerifyingName,
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessReply {
    /// Lines of signatures.
    Signed(String),
    /// It has seen another size of the log.
    Has(u64),
    /// It does not sign; an HTTP status.
    Refused(u16),
}

impl RemoteWitness {
    /// A witness with the key of its signatures.
    pub fn new(peer: Peer, name: VerifyingName) -> Self {
        Self { peer, name }
    }

    /// Its name and key.
    pub fn name(&self) -> &VerifyingName {
        &self.name
    }

    /// Sends a checkpoint.
    ///
    /// # Errors
    /// That there is no answer that can be read.
    pub async fn add_checkpoint(&self, body: String) -> Result<WitnessReply, CallError> {
        let (status, reply) = self.peer.post("/add-checkpoint", body, REPLY_BYTES_MAX).await?;
        let text = String::from_utf8_lossy(&reply);
        Ok(match status.as_u16() {
            200 => WitnessReply::Signed(text.into_owned()),
            409 => match text.trim().parse() {
                Ok(size) => WitnessReply::Has(size),
                Err(_) => WitnessReply::Refused(409),
            },
            other => WitnessReply::Refused(other),
        })
    }
}
