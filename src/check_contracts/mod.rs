//! `sigill check-contracts DIR`: our schemas and WSDLs against the official package.
//!
//! Files are matched by target namespace, whatever their names and folders. What is compared
//! is structure; documentation, prefixes, file names and formatting do not count.

mod compare;
mod report;

pub use report::{CheckError, Report, run};
