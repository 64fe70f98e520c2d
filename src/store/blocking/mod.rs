//! Blocks and temporary revokes, and what waits to be told to the national service.

pub mod blocks;
pub mod changes;
pub mod history;
pub mod pages;
pub mod replication_status;
pub mod replications;
