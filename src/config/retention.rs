//! Settings of retention: what is removed after how many years.

use super::ConfigError;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is removed, and how.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Hours from one removal to the next, 0 to 8760; 0 is only on command.
    pub every_hours: u64,
    /// Records removed in one transaction, 1 to 100 000.
    pub batch_rows: usize,
    /// Consents and emergency assertions.
    pub consents: Period,
}

/// How long one kind of record is kept after it has become invalid.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Period {
    /// Years, 1 to 1000; nobody keeps it shorter.
    pub years: u32,
    /// Care providers (HSA-id) that keep it longer.
    pub care_provider: BTreeMap<String, PeriodOfProvider>,
}

/// How long one care provider keeps it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodOfProvider {
    /// Years, from the general number to 1000.
    pub years: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { every_hours: 24, batch_rows: 1000, consents: Period::default() }
    }
}

impl Default for Period {
    fn default() -> Self {
        Self { years: 10, care_provider: BTreeMap::new() }
    }
}

/// Checks bounds, and that no care provider keeps anything shorter than everybody does.
pub(super) fn check(retention: &Retention) -> Result<(), ConfigError> {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let Period { years, care_provider } = &retention.consents;
    let shortest = care_provider.values().map(|own| own.years).min().unwrap_or(*years);
    let longest = care_provider.values().map(|own| own.years).max().unwrap_or(*years);
    let of_provider = "retention.consents.care_provider.….years";
    for (key, value, min, max) in [
        ("retention.every_hours", retention.every_hours, 0, 8760),
        ("retention.batch_rows", count(retention.batch_rows), 1, 100_000),
        ("retention.consents.years", u64::from(*years), 1, 1000),
        (of_provider, u64::from(shortest), u64::from(*years), 1000),
        (of_provider, u64::from(longest), u64::from(*years), 1000),
    ] {
        if !(min..=max).contains(&value) {
            return Err(ConfigError::OutOfBounds { key, min, max, value });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_care_provider_keeps_longer_never_shorter() {
        let checked = |own: u32| {
            let toml =
                format!("[consents]\nyears = 10\n[consents.care_provider.SE1]\nyears = {own}");
            check(&toml::from_str(&toml).unwrap()).map_err(|e| e.to_string())
        };
        assert_eq!(checked(10), Ok(()));
        let refused = "retention.consents.care_provider.….years must be 10 to 1000, not 9";
        assert_eq!(checked(9), Err(refused.into()));
        assert!(checked(1001).is_err());
    }
}
