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
    /// Blocks.
    pub blocks: Kept,
    /// Log records.
    pub log: LogKept,
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

/// How long log records are kept after their activity.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogKept {
    /// Years, 5 to 1000; nobody keeps them shorter.
    #[serde(deserialize_with = "bounded::<_, 5, 1000, _>")]
    pub years: u32,
    /// Years, from those to 1000, for which the id of a removed record may not come again.
    #[serde(deserialize_with = "bounded::<_, 5, 1000, _>")]
    pub id_years: u32,
    /// Care providers (HSA-id) whose staff's records are kept longer.
    #[serde(deserialize_with = "by_provider")]
    pub care_provider: Vec<(ConfiguredId, KeptByProvider)>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            every_hours: 24,
            batch_rows: 1000,
            consents: Kept::default(),
            blocks: Kept::default(),
            log: LogKept::default(),
        }
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self { years: 10, care_provider: Vec::new() }
    }
}

impl Default for LogKept {
    fn default() -> Self {
        Self { years: 5, id_years: 10, care_provider: Vec::new() }
    }
}

impl LogKept {
    /// As the domain has it.
    pub fn policy(&self) -> Policy {
        policy(self.years, &self.care_provider)
    }

    /// The same for the ids of removed records.
    pub fn ids_policy(&self) -> Policy {
        policy(self.id_years, &[])
    }

    /// What is wrong with it, if anything: what is kept shorter than it must be.
    pub(super) fn wrong(&self) -> Option<String> {
        if self.id_years < self.years {
            return Some(format!("id_years must be {} to 1000, not {}", self.years, self.id_years));
        }
        shorter(self.years, &self.care_provider)
    }
}

fn policy(years: u32, care_provider: &[(ConfiguredId, KeptByProvider)]) -> Policy {
    let own = care_provider.iter().map(|(id, own)| ((**id).clone(), own.years));
    Policy { years, own: own.collect() }
}

/// Which care provider would keep something shorter than everybody does, if one would.
fn shorter(years: u32, care_provider: &[(ConfiguredId, KeptByProvider)]) -> Option<String> {
    let (id, own) = care_provider.iter().find(|(_, own)| own.years < years)?;
    let (id, own) = (id.as_str(), own.years);
    Some(format!("care_provider.{id}.years must be {years} to 1000, not {own}"))
}

impl Kept {
    /// As the domain has it.
    pub fn policy(&self) -> Policy {
        policy(self.years, &self.care_provider)
    }

    /// What is wrong with it, if anything: no care provider keeps anything shorter than everybody
    /// does.
    pub(super) fn wrong(&self) -> Option<String> {
        shorter(self.years, &self.care_provider)
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

    #[test]
    fn log_records_are_kept_five_years_at_least_and_their_ids_as_long() {
        assert!(toml::from_str::<LogKept>("years = 4").is_err());
        let wrong = |toml: &str| toml::from_str::<LogKept>(toml).unwrap().wrong();
        assert_eq!(wrong("years = 7"), None);
        assert_eq!(wrong("years = 11"), Some("id_years must be 11 to 1000, not 10".into()));
        let own = "[care_provider.SE1]\nyears = 5";
        assert_eq!(wrong(own), None);
        assert!(wrong(&format!("years = 6\n{own}")).is_some());
    }
}
