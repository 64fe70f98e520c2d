//! How blocks may be lifted for a time.

use super::values::{ConfiguredId, bounded, by_provider, optional_bounded};
use crate::domain::blocking::lift_policy::{LiftPolicies, LiftPolicy};
use serde::Deserialize;

/// How blocks may be lifted for a time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Blocking {
    /// Days that a temporary revoke may last from when it is registered, 0 to 36 500; 0 is
    /// without limit.
    #[serde(deserialize_with = "bounded::<_, 0, 36_500, _>")]
    pub longest_temporary_revoke_days: u32,
    /// Whether outer blocks may be lifted for a time.
    pub lift_outer_blocks: bool,
    /// Care providers (HSA-id) that want it otherwise.
    #[serde(deserialize_with = "by_provider")]
    pub care_provider: Vec<(ConfiguredId, BlockingOfProvider)>,
}

/// What one care provider wants otherwise.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlockingOfProvider {
    /// Instead of the general number of days.
    #[serde(deserialize_with = "optional_bounded::<_, 0, 36_500, _>")]
    pub longest_temporary_revoke_days: Option<u32>,
    /// Instead of the general rule.
    pub lift_outer_blocks: Option<bool>,
}

impl Default for Blocking {
    fn default() -> Self {
        Self {
            longest_temporary_revoke_days: 7,
            lift_outer_blocks: true,
            care_provider: Vec::new(),
        }
    }
}

impl Blocking {
    /// As the domain has it.
    pub fn lift_policies(&self) -> LiftPolicies {
        let policy = |days: u32, outer_blocks| LiftPolicy {
            longest_days: (days > 0).then_some(days),
            outer_blocks,
        };
        let own = self.care_provider.iter().map(|(id, own)| {
            let days = own.longest_temporary_revoke_days;
            let days = days.unwrap_or(self.longest_temporary_revoke_days);
            let outer = own.lift_outer_blocks.unwrap_or(self.lift_outer_blocks);
            ((**id).clone(), policy(days, outer))
        });
        LiftPolicies {
            default: policy(self.longest_temporary_revoke_days, self.lift_outer_blocks),
            own: own.collect(),
        }
    }
}
