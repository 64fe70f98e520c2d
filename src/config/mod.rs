//! Settings: one file a concern, every field bounded and safe when absent.
//!
//! A value is read into the domain's words where the file is loaded, and one that cannot be read is
//! refused with its key; unknown keys are refused too. `testdata/config/full.toml` is the
//! documentation and is parsed by a test.

pub mod admin;
pub mod blocking;
pub mod consent;
pub mod database;
pub mod file;
pub mod http;
pub mod limits;
pub mod log;
pub mod peers;
pub mod retention;
pub mod review;
pub mod tenant;
pub mod trust;
pub(crate) mod values;
pub mod witness;
