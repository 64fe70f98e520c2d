//! The seal of the log: what is on its way to the tree, the tree, its checkpoints, and what the log says about itself.

pub mod adoption;
pub mod checked;
pub mod checkpoints;
pub mod findings;
pub mod intake;
pub mod kept;
pub mod notices;
pub mod pending;
pub mod proofs;
pub mod record_entry;
pub mod removed;
pub mod tiles;
pub mod tree;
pub mod walk;
pub mod witnessed;
mod words;
