//! Something that is bounded, and how much of it one address may hold.
//!
//! An address may go beyond its share while a quarter of all is free: alone it is not held back, and
//! with others it leaves them room.

use super::address::Address;
use crate::config::limits::Limits;
use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

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
        Self {
            usual: limits.share_percent,
            own: limits.share_percent_of.iter().map(own).collect(),
        }
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
    taken: Mutex<Taken>,
    /// Something is free again.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by: HashMap<Address, usize>,
}

/// What somebody holds; it is free again when this is dropped.
#[derive(Debug)]
pub struct Held {
    shares: Arc<Shares>,
    address: Address,
    amount: usize,
}

impl Shares {
    /// Nothing of `total` is taken yet.
    pub fn new(total: usize, percentages: Percentages) -> Arc<Self> {
        Arc::new(Self { total, percentages, taken: Mutex::default(), freed: Notify::new() })
    }

    /// Waits until an amount can be taken. More than anybody's usual share counts as that.
    pub async fn wait(self: &Arc<Self>, address: Address, amount: usize) -> Held {
        let amount = amount.min(self.total / 4);
        loop {
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            if let Some(held) = self.take(address, amount) {
                return held;
            }
            freed.await;
        }
    }

    /// Takes an amount, if there is room for this address.
    pub fn take(self: &Arc<Self>, address: Address, amount: usize) -> Option<Held> {
        let mut held = Held { shares: Arc::clone(self), address, amount: 0 };
        held.grow(amount).then_some(held)
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Takes more, if there is room for this address; otherwise nothing changes.
    pub fn grow(&mut self, more: usize) -> bool {
        let shares = &self.shares;
        let mut taken = shares.taken();
        let all = taken.all + more;
        let own = taken.by.get(&self.address).unwrap_or(&0) + more;
        let contested = all > shares.total - shares.total / 4;
        if all > shares.total
            || contested && own > shares.percentages.share(self.address, shares.total)
        {
            return false;
        }
        taken.all = all;
        if more > 0 {
            taken.by.insert(self.address, own);
        }
        self.amount += more;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.amount == 0 {
            return;
        }
        let mut taken = self.shares.taken();
        taken.all -= self.amount;
        if let Some(own) = taken.by.get_mut(&self.address) {
            *own -= self.amount;
            if *own == 0 {
                taken.by.remove(&self.address);
            }
        }
        drop(taken);
        self.shares.freed.notify_waiters();
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
        let held: Vec<_> = (0..8).map_while(|_| shares.take(address(1), 1)).collect();
        assert_eq!(held.len(), 6);
        let others: Vec<_> = (0..8).map_while(|_| shares.take(address(2), 1)).collect();
        assert_eq!(others.len(), 2);
        assert!(shares.take(address(3), 1).is_none(), "all are taken");
        drop(others);
        assert!(shares.take(address(1), 1).is_none(), "it has more than its share");
        assert!(shares.take(address(3), 2).is_some());
    }

    #[test]
    fn an_address_may_have_a_share_of_its_own() {
        let shares = shares(8, &[(1, 100)]);
        let held: Vec<_> = (0..9).map_while(|_| shares.take(address(1), 1)).collect();
        assert_eq!(held.len(), 8);
    }

    #[test]
    fn what_is_dropped_is_free_and_a_single_place_can_be_taken() {
        let shares = shares(1, &[]);
        let mut held = shares.take(address(1), 0).unwrap();
        assert!(held.grow(1));
        assert!(!held.grow(1));
        assert!(shares.take(address(2), 1).is_none());
        drop(held);
        assert!(shares.take(address(2), 1).is_some());
        assert!(shares.taken().by.is_empty());
    }
}
