//! What people do through the pages: they log in, look patients up, take out extracts and reports, and look after the
//! service. Blocks and consents they change by the same procedures as every caller.

pub mod embargoes;
pub mod extract_file;
pub mod extracts;
pub mod facts;
pub mod known_status;
pub mod logins;
pub mod looking;
pub mod oidc;
pub mod on_duty;
pub mod operation;
pub mod persons;
pub mod readers;
pub mod reports;
pub mod statistics;
pub mod status;
pub mod trying;
