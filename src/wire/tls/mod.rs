//! TLS with certificates on both sides: who is let in, and what is known of them then.
//!
//! All that is read from files is a snapshot; a new one takes its place whole or not at all.

pub mod certificate;
pub mod client;
mod crls;
pub mod handshake;
pub mod issuers;
pub mod reload;
pub mod snapshot;
pub mod verifier;
