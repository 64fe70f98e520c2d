//! The key of a witness of others' logs.

use crate::keys::{is_origin, private, private_line};
use crate::names::{SignatureType, VerifyingName};
use crate::note::{Checkpoint, SignatureLine};
use ed25519_dalek::SigningKey;

/// The key of a witness, as one line of a file has it.
#[derive(Clone)]
pub struct WitnessKey {
    name: String,
    key: SigningKey,
}

impl WitnessKey {
    /// A key of so many random bytes for a witness of this name; `None`: that is no name.
    pub fn of_seed(name: &str, seed: &[u8; 32]) -> Option<Self> {
        is_origin(name).then(|| Self { name: name.to_owned(), key: SigningKey::from_bytes(seed) })
    }

    /// Of the text of its file.
    pub fn of_text(text: &str) -> Option<Self> {
        let (name, seed) = private(text, SignatureType::Cosignature)?;
        Self::of_seed(&name, &seed)
    }

    /// The text of its file.
    pub fn to_text(&self) -> String {
        private_line(&self.verifying(), &self.key)
    }

    /// With which its signatures are verified.
    pub fn verifying(&self) -> VerifyingName {
        VerifyingName::new(&self.name, SignatureType::Cosignature, self.key.verifying_key())
    }

    /// Its signature of a checkpoint, at a time in seconds since 1970.
    pub fn cosign(&self, checkpoint: &Checkpoint, seconds: u64) -> SignatureLine {
        SignatureLine::cosign(&self.verifying(), &self.key, &checkpoint.body(), seconds)
    }
}
