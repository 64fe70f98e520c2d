//! Consents and emergency assertions.

pub mod assertions;
pub mod changes;
pub mod history;
pub mod import_cursors;
pub mod pages;
