//! Long stretches of work for one call: at most half of the processors do such at one time, so that
//! there are others for everybody else.

use crate::fairness::address::Address;
use crate::fairness::shares::{HeldShare, Percentages, Shares};
use std::sync::Arc;
use std::thread::available_parallelism;

/// Processors that may work at length, given in turns by address.
#[derive(Debug, Clone)]
pub struct Processors(Arc<Shares>);

impl Processors {
    /// Those of this machine.
    pub fn new(percentages: Percentages) -> Self {
        let half = available_parallelism().map_or(1, |all| (all.get() / 2).max(1));
        Self(Shares::new(half, percentages))
    }

    /// One of them, when it is free; it is so again when this is dropped.
    pub async fn one(&self, asker: Address) -> HeldShare {
        self.0.wait(asker, 1).await
    }
}
