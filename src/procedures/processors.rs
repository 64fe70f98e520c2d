//! Long stretches of work for one call: at most half of the processors do such at one time, so that
//! there are others for everybody else.

use crate::fairness::address::Address;
use crate::fairness::shares::{HeldShare, Percentages, Shares};
use std::sync::Arc;
use std::thread::available_parallelism;

/// How much work a call may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallSize {
    /// No stretch of it is felt by anybody.
    Small,
    /// It has a thread of its own; its stretches take milliseconds.
    Medium,
    /// The same; its stretches may take a tenth of a second, for which no medium call should wait.
    Large,
}

/// Processors for medium and for large calls, given in turns by address.
#[derive(Debug, Clone)]
pub struct Processors {
    medium: Arc<Shares>,
    large: Arc<Shares>,
}

impl Processors {
    /// Those of this machine.
    pub fn new(percentages: Percentages) -> Self {
        let half = available_parallelism().map_or(1, |all| (all.get() / 2).max(1));
        let medium = Shares::new(half, percentages.clone());
        Self { medium, large: Shares::new(half, percentages) }
    }

    /// One of them, when it is free, if the call needs one; it is free again when this is dropped.
    pub async fn one(&self, asker: Address, size: CallSize) -> Option<HeldShare> {
        match size {
            CallSize::Small => None,
            CallSize::Medium => Some(self.medium.wait(asker, 1).await),
            CallSize::Large => Some(self.large.wait(asker, 1).await),
        }
    }
}
