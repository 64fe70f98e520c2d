//! The review of the log: was there a ground for an access, as far as the registers tell?

pub mod lawfulness;
pub mod verdict;
