//! From WSDL and XSD to Rust, at build time.
//!
//! `raw` holds the documents as written, `schema_tree` refuses every construct that the
//! generator does not understand, `model` resolves references, `emit` writes Rust.
//! `build.rs` and `tests/wire` compile the room through `#[path]`; the library does without it.

pub mod emit;
pub mod emit_interactions;
pub mod emit_rows;
pub mod emit_types;
pub mod emitter;
pub mod model;
pub mod raw;
