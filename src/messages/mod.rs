//! The contracts' messages: generated types, and wire to domain words and back.
//!
//! The room imports `domain` and `soap`. It stores nothing and decides nothing: what a value
//! means is said here, what follows from it in `domain`.

pub mod blocking;
pub mod called;
pub mod consent;
pub mod generated;
pub mod identity;
pub mod log;
pub mod path;
pub mod place;
pub mod result;
pub mod time;
