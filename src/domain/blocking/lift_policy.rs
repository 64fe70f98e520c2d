//! How a care provider lets its blocks be lifted for a time.
//!
//! # Rules
//! - **LP1** A policy may limit for how many days a block is lifted: calendar days in Swedish time,
//!   and a minute more, because the caller's clock is not ours.
//! - **LP2** A policy may forbid that outer blocks are lifted for a time.
//! - **LP3** A care provider's own policy wins over the general one.

use super::block::Guards;
use crate::domain::identity::HsaId;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::{Ambiguous, Timestamp, instant, local};
use chrono::{Days, Duration};

/// How far the caller's clock may be from ours.
const LENIENCY: Duration = Duration::seconds(60);

/// How a care provider lets its blocks be lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiftPolicy {
    /// The most days that a block may be lifted, from now; `None` is as long as one likes.
    pub longest_days: Option<u32>,
    /// Whether outer blocks may be lifted at all.
    pub outer_blocks: bool,
}

/// The policies of an installation.
#[derive(Debug, Clone)]
pub struct LiftPolicies {
    /// For every care provider that has none of its own.
    pub default: LiftPolicy,
    /// Those that have.
    pub own: Vec<(HsaId, LiftPolicy)>,
}

impl LiftPolicies {
    /// A care provider's policy (LP3).
    pub fn of(&self, care_provider: &HsaId) -> LiftPolicy {
        let own = self.own.iter().find(|(id, _)| id == care_provider);
        own.map_or(self.default, |(_, policy)| *policy)
    }
}

impl Default for LiftPolicies {
    fn default() -> Self {
        let default = LiftPolicy { longest_days: Some(7), outer_blocks: true };
        Self { default, own: Vec::new() }
    }
}

impl LiftPolicy {
    /// Whether the policy lets a block be lifted until `end` (LP1, LP2).
    ///
    /// # Errors
    /// What the policy forbids.
    pub fn allows(&self, guards: &Guards, end: Timestamp, now: Timestamp) -> Result<(), Rejection> {
        let refused = |text: String| Err(Rejection::new(Class::Error, text));
        if matches!(guards, Guards::Provider(_)) && !self.outer_blocks {
            return refused("Vårdgivaren tillåter inte tillfällig hävning av yttre spärr.".into());
        }
        match self.longest_days {
            Some(days) if end > latest(now, days) => {
                refused(format!("Vårdgivaren tillåter tillfällig hävning i högst {days} dygn."))
            }
            _ => Ok(()),
        }
    }
}

/// The same time of day so many days later, and a minute.
fn latest(now: Timestamp, days: u32) -> Timestamp {
    let day = local(now).checked_add_days(Days::new(days.into()));
    day.map_or(Timestamp::MAX_UTC, |day| instant(day, Ambiguous::Later) + LENIENCY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> HsaId {
        HsaId::new(text).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn lp1_days_are_calendar_days_and_a_minute() {
        let week = LiftPolicies::default().default;
        let guards = Guards::Provider(id("A"));
        let allows = |now: &str, end: &str| week.allows(&guards, at(end), at(now)).is_ok();
        // Noon to noon over the night in which clocks go forward, and over the one back.
        assert!(allows("2026-03-25T11:00:00Z", "2026-04-01T10:01:00Z"));
        assert!(!allows("2026-03-25T11:00:00Z", "2026-04-01T10:01:01Z"));
        assert!(allows("2026-10-20T10:00:00Z", "2026-10-27T11:01:00Z"));
        assert!(!allows("2026-10-20T10:00:00Z", "2026-10-27T11:01:01Z"));
        let refused = week.allows(&guards, at("2026-02-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
        assert_eq!(refused.unwrap_err().class, Class::Error);
    }

    #[test]
    fn lp2_outer_blocks_may_be_left_out() {
        let strict = LiftPolicy { longest_days: None, outer_blocks: false };
        let (now, end) = (at("2026-01-01T00:00:00Z"), at("9999-01-01T00:00:00Z"));
        assert!(strict.allows(&Guards::Provider(id("A")), end, now).is_err());
        let inner = Guards::Unit { provider: id("A"), unit: id("U") };
        assert!(strict.allows(&inner, end, now).is_ok());
    }

    #[test]
    fn lp3_a_care_providers_own_policy_wins() {
        let own = LiftPolicy { longest_days: None, outer_blocks: false };
        let policies = LiftPolicies { own: vec![(id("a"), own)], ..LiftPolicies::default() };
        assert_eq!(policies.of(&id("A")), own);
        assert_eq!(policies.of(&id("B")), policies.default);
    }
}
