//! The contracts for consents and emergency assertions.

pub mod administration;
pub mod check;
mod convert;
pub mod history;
pub mod patient;
pub mod query;
