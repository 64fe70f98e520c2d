//! What goes on beside the calls. Any number of processes may run the same worker.

pub mod grants;
pub mod log_ids;
mod loops;
pub mod orders;
pub mod people;
pub mod replication;
pub mod reports;
pub mod retention;
pub mod reviews;
pub mod sealing;
pub mod verifying;
pub mod watch;
pub mod witnesses;
