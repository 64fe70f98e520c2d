//! Something that is bounded, and how much of it one address may hold.
//!
//! An address may go beyond its share while a quarter of all is free: alone it is not held back, and
//! with others it leaves them room.

use super::address::Address;
use crate::config::limits::Limits;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Who waits is woken when something is given back that may be for it, and looks this often in case
/// it is for it after all.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// How large a part of all an address may hold.
#[derive(Debug, Clone)]
pub struct Percentages {
    usual: usize,
    own: HashMap<Address, usize>,
}

impl Percentages {
    /// As configured.
    pub fn of(limits: &Limits) -> Self {
        let own = |(peer, percent): (&IpAddr, &usize)| (Address::of(*peer), *percent);
        Self { usual: limits.share_percent, own: limits.share_percent_of.iter().map(own).collect() }
    }

    /// What the address may hold of `total`; never nothing.
    pub fn share(&self, address: Address, total: usize) -> usize {
        let percent = *self.own.get(&address).unwrap_or(&self.usual);
        (total / 100 * percent + total % 100 * percent / 100).max(1)
    }
}

/// Something that is bounded.
#[derive(Debug)]
pub struct Shares {
    total: usize,
    percentages: Percentages,
    taken: Mutex<Shared>,
    /// Some is free again.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Shared {
    all: usize,
    by: HashMap<Address, Own>,
}

/// What an address has taken.
#[derive(Debug, Default)]
struct Own {
    amount: usize,
    /// Some of it is free again.
    freed: Arc<Notify>,
}

/// Why nothing can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacking {
    /// There is none left.
    ForAll,
    /// What is left is for other addresses.
    ForThisAddress,
}

/// What somebody holds; it is free again when this is dropped.
#[derive(Debug)]
pub struct HeldShare {
    shares: Arc<Shares>,
    address: Address,
    amount: usize,
}

impl Shares {
    /// Nothing of `total` is taken yet.
    pub fn new(total: usize, percentages: Percentages) -> Arc<Self> {
        Arc::new(Self { total, percentages, taken: Mutex::default(), freed: Notify::new() })
    }

    /// Nothing, to which an address may add.
    pub fn none(self: &Arc<Self>, address: Address) -> HeldShare {
        HeldShare { shares: Arc::clone(self), address, amount: 0 }
    }

    /// Takes an amount, if there is room for this address.
    ///
    /// # Errors
    /// For whom there is none.
    pub fn take(self: &Arc<Self>, address: Address, amount: usize) -> Result<HeldShare, Lacking> {
        let mut held = self.none(address);
        held.grow(amount).map(|()| held)
    }

    /// Takes an amount when there is room for this address. More than a quarter of all counts as
    /// that.
    pub async fn wait(self: &Arc<Self>, address: Address, amount: usize) -> HeldShare {
        let amount = amount.min(self.total / 4).max(1);
        loop {
            let own = Arc::clone(&self.taken().by.entry(address).or_default().freed);
            let freed = match self.take(address, amount) {
                Ok(held) => return held,
                Err(Lacking::ForAll) => self.freed.notified(),
                Err(Lacking::ForThisAddress) => {
                    // What is free is for the next that waits.
                    self.freed.notify_one();
                    own.notified()
                }
            };
            _ = timeout(LOOK_PAUSE, freed).await;
        }
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeldShare {
    /// Takes more, if there is room for this address; otherwise nothing changes.
    ///
    /// # Errors
    /// For whom there is none.
    pub fn grow(&mut self, more: usize) -> Result<(), Lacking> {
        if more == 0 {
            return Ok(());
        }
        let shares = &self.shares;
        let mut taken = shares.taken();
        let all = taken.all + more;
        if all > shares.total {
            return Err(Lacking::ForAll);
        }
        let contested = all > shares.total - shares.total / 4;
        let share = shares.percentages.share(self.address, shares.total);
        let own = taken.by.entry(self.address).or_default();
        if contested && own.amount + more > share {
            return Err(Lacking::ForThisAddress);
        }
        own.amount += more;
        taken.all = all;
        self.amount += more;
        Ok(())
    }
}

impl Drop for HeldShare {
    fn drop(&mut self) {
        let mut taken = self.shares.taken();
        taken.all -= self.amount;
        let Some(own) = taken.by.get_mut(&self.address) else { return };
        own.amount -= self.amount;
        if self.amount > 0 {
            own.freed.notify_one();
            self.shares.freed.notify_one();
        }
        // Who waits knows the notice.
        if own.amount == 0 && Arc::strong_count(&own.freed) == 1 {
            taken.by.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Address {
        Address::of(IpAddr::from([10, 0, 0, last]))
    }

    fn shares(total: usize, own: &[(u8, usize)]) -> Arc<Shares> {
        let own = own.iter().map(|(last, percent)| (address(*last), *percent)).collect();
        Shares::new(total, Percentages { usual: 25, own })
    }

    #[test]
    fn alone_an_address_leaves_a_quarter_to_others() {
        let shares = shares(8, &[]);
        let held: Vec<_> = (0..8).map_while(|_| shares.take(address(1), 1).ok()).collect();
        assert_eq!(held.len(), 6);
        let others: Vec<_> = (0..8).map_while(|_| shares.take(address(2), 1).ok()).collect();
        assert_eq!(others.len(), 2);
        assert_eq!(shares.take(address(3), 1).unwrap_err(), Lacking::ForAll);
        drop(others);
        assert_eq!(shares.take(address(1), 1).unwrap_err(), Lacking::ForThisAddress);
        assert!(shares.take(address(3), 2).is_ok());
    }

    #[test]
    fn an_address_may_have_a_share_of_its_own() {
        let shares = shares(8, &[(1, 100)]);
        let held: Vec<_> = (0..9).map_while(|_| shares.take(address(1), 1).ok()).collect();
        assert_eq!(held.len(), 8);
    }

    #[test]
    fn what_is_dropped_is_free_and_a_single_place_can_be_taken() {
        let shares = shares(1, &[]);
        let mut held = shares.none(address(1));
        assert_eq!(held.grow(1), Ok(()));
        assert_eq!(held.grow(1), Err(Lacking::ForAll));
        assert!(shares.take(address(2), 1).is_err());
        drop(held);
        assert!(shares.take(address(2), 1).is_ok());
        assert!(shares.taken().by.is_empty());
    }

    #[tokio::test]
    async fn who_waits_takes_what_is_given_back() {
        let shares = shares(4, &[]);
        let held = shares.take(address(1), 3).unwrap();
        // One that looks without being told would never end here.
        let wait = shares.wait(address(1), 1);
        assert!(timeout(LOOK_PAUSE / 2, wait).await.is_err());
        let waiting = tokio::spawn({
            let shares = Arc::clone(&shares);
            async move { shares.wait(address(1), 1).await }
        });
        drop(held);
        assert_eq!(waiting.await.unwrap().amount, 1);
    }
}
