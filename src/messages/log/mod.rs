//! Messages about log records.

pub mod record;
pub mod report;
