//! The access log (åtkomstloggen): what a record says, and what is told of records.

pub mod order;
pub mod record;
pub mod report;
