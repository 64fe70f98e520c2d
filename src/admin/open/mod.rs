//! Pages for everybody: without login, without a cookie.

pub mod demo;
pub mod help;
pub mod statistics;
pub mod status;
