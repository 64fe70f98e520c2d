//! Consents and emergency assertions (samtyckesintyg): what they open, how they end.

pub mod assertion;
pub mod import;
pub mod lifecycle;
pub mod page;
pub mod registration;
