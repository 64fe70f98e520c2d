//! Consents.

use super::values::bounded;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny};

/// Consents.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consent {
    /// Assertions in a page of GetConsentsForCareProvider, 1 to 100 000; those stored within one
    /// second are never split.
    #[serde(deserialize_with = "bounded::<_, 1, 100_000, _>")]
    pub page_rows: usize,
    /// What it was replaced by is told where it still stands.
    #[serde(deserialize_with = "replaced")]
    pub citizen_services: Replaced,
}

impl Default for Consent {
    fn default() -> Self {
        Self { page_rows: 10_000, citizen_services: Replaced }
    }
}

/// A setting that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced;

fn replaced<'de, D: Deserializer<'de>>(from: D) -> Result<Replaced, D::Error> {
    IgnoredAny::deserialize(from)?;
    Err(D::Error::custom(
        "citizen_services: systems that act for patients have a grant for \"consent.citizen\" ([[grant]])",
    ))
}
