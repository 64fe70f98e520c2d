//! What goes on beside the calls. Any number of processes may run the same worker.

pub mod replication;
pub mod retention;
