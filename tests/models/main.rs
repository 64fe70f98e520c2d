//! The rules against second models that were written without looking at the first.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod blocks;
mod consents;
mod nights;
mod verdicts;
