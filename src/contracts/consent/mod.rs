//! The contracts for consents and emergency assertions.

pub mod administration;
pub mod check;
mod convert;
