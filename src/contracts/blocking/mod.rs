//! The contracts for blocks and temporary revokes.

pub mod administration;
pub mod check;
mod convert;
pub mod query;
