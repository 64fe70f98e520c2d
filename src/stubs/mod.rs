//! Stubs of services that the pages ask, for test benches: they speak the contracts whole, over loopback only, and fail in
//! the ways that the real ones do, when they are told to.

pub mod directory;
pub mod persons;
pub mod persons_file;
pub mod serving;
