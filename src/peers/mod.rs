//! Calls of ours to other services: the message out, the answer in.
//!
//! The room imports `domain`, `messages` and `soap`. It tries once; when to try again is the
//! matter of whoever asks.

mod call_health;
pub mod connection;
pub mod contract_call;
pub mod directory;
mod directory_answer;
pub mod identities;
mod identity_token;
pub mod national;
pub mod notice;
pub mod person;
mod person_answer;
pub mod producer;
pub mod witness;
