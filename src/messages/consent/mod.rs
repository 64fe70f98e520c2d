//! Messages about consents and emergency assertions.

pub mod assertion;
pub mod copies;
