//! The sealing of the log: its keys and opening, its tree, its signed checkpoints, and what is not as it was sealed.

pub mod adoption;
pub mod following;
pub mod identity;
pub mod log_seal;
pub mod opening;
pub mod sequencing;
pub mod signing;
pub mod trust;
