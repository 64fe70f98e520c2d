//! Consents.

use super::values::{ConfiguredId, bounded};
use serde::Deserialize;

/// Consents.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consent {
    /// Assertions in a page of GetConsentsForCareProvider, 1 to 100 000; those stored within one
    /// second are never split.
    #[serde(deserialize_with = "bounded::<_, 1, 100_000, _>")]
    pub page_rows: usize,
    /// HSA-ids of the systems that may act for patients; nobody, where the file names none.
    pub citizen_services: Vec<ConfiguredId>,
}

impl Default for Consent {
    fn default() -> Self {
        Self { page_rows: 10_000, citizen_services: Vec::new() }
    }
}
