//! The access log: how records reach their partitions.

pub mod copy_rows;
mod numbers;
mod partitions;
mod records;
pub mod writer;
