//! The rules: what blocks, consents and log records are and what may happen to them.
//!
//! No XML, no SQL, nothing asynchronous and no clock: time is an argument. The room
//! imports nothing of ours.

pub mod access;
pub mod blocking;
pub mod consent;
pub mod decision;
pub mod identity;
pub mod lifetime;
pub mod log;
pub mod people;
pub mod period;
pub mod rejection;
pub mod retention;
pub mod review;
pub mod text;
pub mod time;
pub mod trust;
