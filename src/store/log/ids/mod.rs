//! Log ids, each taken once: where they are, how they are found, and how they are kept small.

pub(super) mod known;
mod pages;
pub mod runs;
pub mod scan;
pub mod tables;
