//! The SOAP face: what each contract answers, and how it refuses.
//!
//! A contract is: request → domain words → procedure → answer. The room imports `domain`,
//! `messages`, `procedures` and `soap`.

pub mod answer;
pub mod blocking;
pub mod consent;
pub mod contract;
pub mod log;
pub mod monitoring;
