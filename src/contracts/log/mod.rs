//! The contracts of the access log.

mod convert;
pub mod store;
