//! The contracts for blocks and temporary revokes.

pub mod call;
mod check_blocks;
mod get_blocks;
mod local;
mod national;
mod reads;
