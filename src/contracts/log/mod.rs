//! The contracts of the access log.

pub mod call;
mod orders;
mod reports;
mod store_log;
