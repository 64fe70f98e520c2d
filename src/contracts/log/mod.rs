//! The contracts of the access log.

pub mod call;
mod reports;
mod store_log;
