//! Names with the keys that verify their signatures.

use crate::sha256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};

/// What the name of a log's clock ends with.
pub const CLOCK_SUFFIX: &str = "/clock";
const SIGNATURE_BYTES: usize = 64;

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureType {
    /// The note's text.
    Note = 1,
    /// The text with a time.
    Cosignature = 4,
}

/// A name with the key that verifies its signatures (vkey).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingName {
    name: String,
    signature_type: SignatureType,
    key: VerifyingKey,
}

impl VerifyingName {
    /// A name with a key.
    pub fn new(name: &str, signature_type: SignatureType, key: VerifyingKey) -> Self {
        Self { name: name.to_owned(), signature_type, key }
    }

    /// Whether its key has signed a message.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = <&[u8; SIGNATURE_BYTES]>::try_from(signature).map(Signature::from_bytes);
        signature.is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub fn signature_type(&self) -> SignatureType {
        self.signature_type
    }

    /// The first bytes of the hash over name, type and key.
    pub fn key_id(&self) -> [u8; 4] {
        let typed = [self.signature_type as u8];
        let hash = sha256(&[self.name.as_bytes(), b"\n", &typed, self.key.as_bytes()]);
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// The line that is handed to whoever verifies.
    pub fn to_vkey(&self) -> String {
        let typed = [&[self.signature_type as u8][..], self.key.as_bytes()].concat();
        let id = u32::from_be_bytes(self.key_id());
        format!("{}+{id:08x}+{}", self.name, STANDARD.encode(typed))
    }

    /// The name and key of such a line.
    pub fn of_vkey(vkey: &str) -> Option<Self> {
        let (name, rest) = vkey.trim().split_once('+')?;
        let (id, typed) = rest.split_once('+')?;
        let typed = STANDARD.decode(typed).ok()?;
        let (signature_type, key) = typed.split_first()?;
        let signature_type = match signature_type {
            1 => SignatureType::Note,
            4 => SignatureType::Cosignature,
            _ => return None,
        };
        let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        let found = Self::new(name, signature_type, key);
        let id = u32::from_str_radix(id, 16).ok()?;
        (is_name(name) && id == u32::from_be_bytes(found.key_id())).then_some(found)
    }
}

/// Neither spaces nor pluses are in a name.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}
