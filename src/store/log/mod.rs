//! The access log: how records reach their partitions.

pub mod accesses;
mod available;
pub mod available_times;
pub mod copy_rows;
pub mod ids;
mod lanes;
pub mod months;
mod numbers;
pub mod order_making;
pub mod orders;
mod partitions;
pub mod queued_reports;
pub mod reading;
mod records;
pub mod reports;
pub mod retention;
pub mod seal;
pub mod writer;
