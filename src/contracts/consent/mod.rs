//! The contracts for consents and emergency assertions.

pub mod call;
mod check_consent;
mod histories;
mod lists;
mod patient;
mod staff;
