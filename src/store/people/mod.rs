//! What the pages keep: logins, look-ups, the directory, extracts, figures.

pub mod availability;
pub mod directory;
pub mod events;
pub mod extracts;
pub mod lists;
pub mod lookups;
pub mod readings;
pub mod report_orders;
pub mod sessions;
pub mod statistics;
