//! The types, readers and writers that `build.rs` generates from `wsdl/` and `schemas/`.

#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]

include!(concat!(env!("OUT_DIR"), "/contracts.rs"));
