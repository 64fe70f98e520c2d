//! People: who may do what through the pages, whom they look up, and what patients and the public are told.

pub mod availability;
pub mod extract;
pub mod hidden;
pub mod matrix;
pub mod number;
pub mod person;
pub mod roles;
pub mod session;
