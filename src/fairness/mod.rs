//! What is bounded is bounded for each address too: shares, turns and queues that know who asks.

pub mod address;
pub mod queue;
pub mod shares;
pub mod threads;
