//! What is removed after how many years.

use super::values::{ConfiguredId, bounded, by_provider};
use crate::domain::retention::Policy;
use serde::Deserialize;

/// What is removed, and how.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Hours from one removal to the next, 0 to 8760; 0 is only on command.
    #[serde(deserialize_with = "bounded::<_, 0, 8760, _>")]
    pub every_hours: u64,
    /// Records removed in one transaction, 1 to 100 000.
    #[serde(deserialize_with = "bounded::<_, 1, 100_000, _>")]
    pub batch_rows: usize,
    /// Consents and emergency assertions.
    pub consents: Kept,
}

/// How long one kind of record is kept after it has become invalid.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kept {
    /// Years, 1 to 1000; nobody keeps it shorter.
    #[serde(deserialize_with = "bounded::<_, 1, 1000, _>")]
    pub years: u32,
    /// Care providers (HSA-id) that keep it longer.
    #[serde(deserialize_with = "by_provider")]
    pub care_provider: Vec<(ConfiguredId, KeptByProvider)>,
}

/// How long one care provider keeps it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptByProvider {
    /// Years, from the general number to 1000.
    #[serde(deserialize_with = "bounded::<_, 1, 1000, _>")]
    pub years: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { every_hours: 24, batch_rows: 1000, consents: Kept::default() }
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self { years: 10, care_provider: Vec::new() }
    }
}

impl Kept {
    /// As the domain has it.
    pub fn policy(&self) -> Policy {
        let own = self.care_provider.iter().map(|(id, own)| ((**id).clone(), own.years));
        Policy { years: self.years, own: own.collect() }
    }

    /// What is wrong with it, if anything: no care provider keeps anything shorter than everybody
    /// does.
    pub(super) fn wrong(&self) -> Option<String> {
        let shorter = self.care_provider.iter().find(|(_, own)| own.years < self.years)?;
        let ((id, own), general) = (shorter, self.years);
        Some(format!(
            "care_provider.{}.years must be {general} to 1000, not {}",
            id.as_str(),
            own.years
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_care_provider_keeps_longer_never_shorter() {
        let checked = |own: u32| {
            let toml = format!("years = 10\n[care_provider.SE1]\nyears = {own}");
            toml::from_str::<Kept>(&toml).unwrap().wrong()
        };
        assert_eq!(checked(10), None);
        assert_eq!(checked(9), Some("care_provider.SE1.years must be 10 to 1000, not 9".into()));
    }
}
