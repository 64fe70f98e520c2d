//! Logging in, choosing an assignment, logging out.

pub mod assignment;
pub mod choose;
