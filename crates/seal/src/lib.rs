//! What the seal of the log is made of: which bytes a record is committed to, the tree over the commitments, and the
//! signed checkpoints of the tree.
//!
//! Nothing here knows of a database or a network: whoever checks the log from outside needs only this.

pub mod archive;
pub mod entry;
pub mod intake;
pub mod keys;
pub mod leaf_set;
pub mod names;
pub mod note;
pub mod proof;
pub mod proof_file;
pub mod record;
pub mod tree;
pub mod witness_key;
pub mod words;

/// A SHA-256.
pub type Hash = [u8; 32];

/// The SHA-256 over parts one after the other.
pub fn sha256(parts: &[&[u8]]) -> Hash {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
