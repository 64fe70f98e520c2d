//! What is done with consents and emergency assertions.

pub mod change;
pub mod import;
pub mod query;
