//! Facts in and out of `PostgreSQL`. Decides nothing.
//!
//! The room imports `domain`. A look-up that finds nothing is `None`; a change is a value
//! that holds the tenant's change clock, so that it cannot be made without it; a row that
//! cannot be read is an inconsistency, never a wider or a missing one.

mod actions;
pub mod blocking;
pub mod change;
pub mod clocks;
pub mod consent;
pub mod database;
pub mod error;
pub mod grants;
pub mod jobs;
pub mod log;
pub mod long_reads;
mod lookups;
pub mod people;
mod readers;
pub mod readiness;
pub mod retention;
pub mod review;
pub mod roles;
mod rows;
pub mod tenants;
mod turns;
