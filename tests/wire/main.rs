//! What is read and written: schemas to types, messages to values, our files to the official ones.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod check_contracts;
mod codegen;
mod mutants;
mod xml;

use sigill::schema_tree;
