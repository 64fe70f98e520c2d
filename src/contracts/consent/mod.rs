//! The contracts for consents and emergency assertions.

pub mod administration;
pub mod check;
mod convert;
pub mod history;
pub mod import;
pub mod patient;
pub mod producer;
pub mod query;
