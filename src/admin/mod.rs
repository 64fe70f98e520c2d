//! The pages for people. A request comes in and a reply goes out as plain values: HTTP and TLS are `wire`'s. What is done
//! is done by `procedures`, as for every other caller; a page holds no rule.
//!
//! `pages.rs` has the table of pages: for each its path, who may see it, and how that is logged. `guard.rs` holds all of
//! them to it.

mod asked;
mod charts;
mod filters;
mod guard;
mod log;
mod login;
mod look;
mod open;
mod operation;
pub mod pages;
mod paging;
mod parts;
mod patient;
mod request;
mod review;
mod roles;
mod site;
mod start;
mod unit;
pub mod words;

pub use guard::serve;
pub use request::{PageMethod, PageReply, PageRequest};
pub use site::Site;
