//! The contracts for blocks and temporary revokes.

pub mod administration;
pub mod answers;
pub mod check;
mod convert;
mod convert_changes;
pub mod history;
pub mod national;
pub mod query;
mod replication;
pub mod replicator;
pub mod resync;
pub mod synchronization;
