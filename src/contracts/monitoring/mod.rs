//! The monitoring contract.

pub mod ping;
