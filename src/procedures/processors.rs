//! Long stretches of work for one call: at most half of the processors do such at one time, so that
//! there are others for everybody else.

use crate::fairness::address::Address;
use crate::fairness::shares::{HeldShare, Percentages, Shares};
use crate::fairness::threads::processors;
use std::sync::Arc;

/// How much work a call may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallSize {
    /// No stretch of it is felt by anybody.
    Small,
    /// Its stretches take a millisecond or two: on threads that others go before.
    Medium,
    /// Its stretches may take a tenth of a second: on threads of their own, for which no medium call
    /// should wait, and in turns by address.
    Large,
}

/// Processors for large calls, given in turns by address.
#[derive(Debug, Clone)]
pub struct Processors {
    large: Arc<Shares>,
}

impl CallSize {
    /// How many processors may do such work at one time.
    pub fn threads(self) -> usize {
        match self {
            Self::Small | Self::Medium => processors(),
            Self::Large => (processors() / 2).max(1),
        }
    }
}

impl Processors {
    /// Those of this machine.
    pub fn new(percentages: Percentages) -> Self {
        Self { large: Shares::new(CallSize::Large.threads(), percentages) }
    }

    /// One of them, when it is free, if the call needs one; it is free again when this is dropped.
    pub async fn one(&self, asker: Address, size: CallSize) -> Option<HeldShare> {
        match size {
            CallSize::Small | CallSize::Medium => None,
            CallSize::Large => Some(self.large.wait(asker, 1).await),
        }
    }
}
