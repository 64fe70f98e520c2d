//! How long what is no longer valid is kept (gallring).
//!
//! # Rules
//! - **RT1** What has been invalid for the whole period is removed; the last thing that made it
//!   invalid counts.
//! - **RT2** A care provider may keep its own longer than everybody does, never shorter.
//! - **RT3** What a legal hold names is kept, however old: a patient's, a care provider's, or one
//!   patient's at one care provider.

use super::identity::HsaId;
use super::time::Timestamp;
use chrono::Months;

/// How long one kind of record is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Years that everybody keeps it, and the least that anybody may.
    pub years: u32,
    /// Care providers that keep it longer.
    pub own: Vec<(HsaId, u32)>,
}

/// What must have happened before which moment to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cutoffs {
    /// For everybody.
    pub general: Timestamp,
    /// For care providers with a period of their own, by their key.
    pub own: Vec<(String, Timestamp)>,
}

impl Policy {
    /// The moments that the periods lead back to (RT1, RT2).
    pub fn cutoffs(&self, now: Timestamp) -> Cutoffs {
        let back = |years: u32| {
            let months = Months::new(years.saturating_mul(12));
            // A period longer than time itself: nothing is old enough.
            now.checked_sub_months(months).unwrap_or(Timestamp::MIN_UTC)
        };
        let own = self.own.iter().map(|(id, years)| (id.key(), back(self.years.max(*years))));
        Cutoffs { general: back(self.years), own: own.collect() }
    }
}

/// What a legal hold names; at least one of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// A patient, by key.
    pub patient: Option<String>,
    /// A care provider, by key.
    pub care_provider: Option<String>,
}

impl Hold {
    /// Whether the hold names what belongs to both (RT3).
    pub fn names(&self, patient: &str, care_provider: &str) -> bool {
        self.patient.as_deref().is_none_or(|p| p == patient)
            && self.care_provider.as_deref().is_none_or(|p| p == care_provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn rt1_periods_are_calendar_years() {
        let cutoff = |now: &str, years| Policy { years, own: vec![] }.cutoffs(at(now)).general;
        assert_eq!(cutoff("2036-11-22T12:00:00Z", 10), at("2026-11-22T12:00:00Z"));
        assert_eq!(cutoff("2028-02-29T12:00:00Z", 10), at("2018-02-28T12:00:00Z"));
        assert_eq!(cutoff("2036-11-22T12:00:00Z", u32::MAX), Timestamp::MIN_UTC);
    }

    #[test]
    fn rt2_a_care_provider_keeps_longer_never_shorter() {
        let id = |text: &str| HsaId::new(text).unwrap();
        let policy = Policy { years: 10, own: vec![(id("LONG"), 15), (id("SHORT"), 5)] };
        let cutoffs = policy.cutoffs(at("2036-11-22T12:00:00Z"));
        assert_eq!(cutoffs.own[0], ("long".into(), at("2021-11-22T12:00:00Z")));
        assert_eq!(cutoffs.own[1], ("short".into(), cutoffs.general));
    }

    #[test]
    fn rt3_a_hold_names_a_patient_a_care_provider_or_both() {
        let hold = |patient: Option<&str>, provider: Option<&str>| Hold {
            patient: patient.map(Into::into),
            care_provider: provider.map(Into::into),
        };
        assert!(
            hold(Some("p"), None).names("p", "any") && !hold(Some("p"), None).names("q", "any")
        );
        assert!(
            hold(None, Some("v")).names("any", "v") && !hold(None, Some("v")).names("any", "w")
        );
        let both = hold(Some("p"), Some("v"));
        assert!(both.names("p", "v") && !both.names("p", "w") && !both.names("q", "v"));
    }
}
