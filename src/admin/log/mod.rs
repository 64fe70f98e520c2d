//! Reports over the log, patients' extracts, embargoes: pages and files.

pub mod embargoes;
pub mod extract_files;
pub mod extracts;
pub mod files;
pub mod report_files;
pub mod reports;
