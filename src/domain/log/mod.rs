//! The access log (åtkomstloggen): what a record says.

pub mod record;
pub mod report;
