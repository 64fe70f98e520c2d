//! Messages about log records.

pub mod record;
