//! What is done with blocks and temporary revokes.

mod carry;
pub mod change;
pub mod copies;
pub mod query;
pub mod replicator;
pub mod resync;
mod seen;
