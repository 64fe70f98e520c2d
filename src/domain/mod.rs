//! The rules: what blocks, consents and log records are and what may happen to them.
//!
//! No XML, no SQL, nothing asynchronous and no clock: time is an argument. The room
//! imports nothing of ours.

pub mod access;
pub mod block;
pub mod block_change;
pub mod block_lifecycle;
pub mod consent;
pub mod consent_import;
pub mod consent_lifecycle;
pub mod identity;
pub mod log;
pub mod outcome;
pub mod page;
pub mod rejection;
pub mod replication;
pub mod retention;
pub mod time;
