//! Calls with large bodies: they are read, answered and written beside the threads that serve
//! everybody. So many are under way at one time, of which an address may have three quarters.

use super::address::Address;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Turns for calls with large bodies.
#[derive(Debug)]
pub struct LargeCalls {
    all: Arc<Semaphore>,
    own_max: usize,
    own: Mutex<HashMap<Address, Arc<Semaphore>>>,
}

/// A turn; over when this is dropped.
#[derive(Debug)]
pub struct LargeTurn {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl LargeCalls {
    /// At most `count` at one time.
    pub fn new(count: usize) -> Self {
        let own_max = (count - count / 4).max(1);
        Self { all: Arc::new(Semaphore::new(count)), own_max, own: Mutex::default() }
    }

    /// Waits for a turn, first come, first served within an address.
    pub async fn turn(&self, address: Address) -> Option<LargeTurn> {
        let own = {
            let mut known = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody waits for are as good as new.
            known.retain(|_, own| Arc::strong_count(own) > 1);
            let new = || Arc::new(Semaphore::new(self.own_max));
            Arc::clone(known.entry(address).or_insert_with(new))
        };
        let own = own.acquire_owned().await.ok()?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(LargeTurn { _own: own, _all: all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn an_address_leaves_turns_to_others() {
        let calls = LargeCalls::new(4);
        let address = |last| Address::of(IpAddr::from([10, 0, 0, last]));
        let mut turns = Vec::new();
        for _ in 0..3 {
            turns.push(calls.turn(address(1)).await);
        }
        let soon = Duration::from_millis(10);
        assert!(timeout(soon, calls.turn(address(1))).await.is_err());
        assert!(timeout(soon, calls.turn(address(2))).await.is_ok());
        turns.clear();
        assert!(timeout(soon, calls.turn(address(1))).await.is_ok());
    }
}
