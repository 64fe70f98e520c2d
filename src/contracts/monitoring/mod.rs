//! The monitoring contract.

pub mod call;
mod ping;
