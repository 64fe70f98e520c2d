//! What is done, in domain words, whoever asks: a contract, a command, a worker.
//!
//! A procedure loads the facts, lets the domain decide, keeps the decision, and tells whom it
//! concerns. The room imports `clock`, `domain`, `peers` and `store`; it knows no messages.

pub mod authorisation;
pub mod batches;
pub mod blocking;
pub mod consent;
pub mod context;
pub mod failure;
pub mod judging;
pub mod log;
pub mod log_ids;
pub mod on_their_way;
pub mod orders;
pub mod people;
pub mod processors;
pub mod readiness;
pub mod reports;
pub mod retention;
pub mod review;
pub mod seal;
pub mod tenants;
