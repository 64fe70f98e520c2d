//! Messages about log records.

pub mod extract;
pub mod record;
pub mod report;
