//! Blocks (spärrar): what they close, what may happen to them, how copies are kept alike.

pub mod block;
pub mod difference;
pub mod history;
pub mod lifecycle;
pub mod lift_policy;
pub mod registration;
pub mod replication;
