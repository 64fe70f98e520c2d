//! The sealing of the log: its keys and opening, its tree, its signed checkpoints, and what is not as it was sealed.

pub mod adoption;
pub mod exporting;
pub mod following;
pub mod identity;
pub mod ids_check;
pub mod log_seal;
pub mod opening;
pub mod proving;
pub mod published;
pub mod removal_check;
pub mod rotating;
pub mod sequencing;
pub mod signing;
pub mod status;
pub mod tree_check;
pub mod trust;
pub mod verification;
pub mod verifying;
pub mod witness;
pub mod witnessed;
