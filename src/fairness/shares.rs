//! Something that is bounded, and how much of it one address may hold.
//!
//! An address may hold a part of what all others leave: so there is always something left for one more.
//! One with a share of its own may hold that. Who waits is served in turns by address.

use super::address::Address;
use super::queue::{FairQueue, Standing};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// How large a part of all an address may hold.
#[derive(Debug, Clone)]
pub struct Percentages {
    usual: usize,
    own: HashMap<Address, usize>,
}

impl Default for Percentages {
    fn default() -> Self {
        Self { usual: 25, own: HashMap::new() }
    }
}

impl Percentages {
    /// The usual one, and those of some addresses.
    pub fn new(usual: usize, own: impl Iterator<Item = (IpAddr, usize)>) -> Self {
        Self { usual, own: own.map(|(peer, percent)| (Address::of(peer), percent)).collect() }
    }

    /// What the address may hold of `total`; never nothing.
    pub fn share(&self, address: Address, total: usize) -> usize {
        of_total(*self.own.get(&address).unwrap_or(&self.usual), total).max(1)
    }

    /// What it may hold of `total` by a share of its own.
    fn own_share(&self, address: Address, total: usize) -> usize {
        self.own.get(&address).map_or(0, |percent| of_total(*percent, total))
    }
}

fn of_total(percent: usize, total: usize) -> usize {
    total / 100 * percent + total % 100 * percent / 100
}

/// Of what others leave, in percent: for who waits, and gets the rest later, and for who is refused.
const WAITING_PERCENT: usize = 50;
const REFUSED_PERCENT: usize = 75;

/// Something that is bounded.
#[derive(Debug)]
pub struct Shares {
    total: usize,
    percentages: Percentages,
    state: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    taken: TakenShares,
    waiting: FairQueue<Waiter>,
    /// The number of the last that waited.
    last: u64,
}

/// How much is taken.
#[derive(Debug, Default)]
struct TakenShares {
    all: usize,
    by: HashMap<Address, usize>,
}

/// Somebody who waits.
#[derive(Debug)]
struct Waiter {
    number: u64,
    amount: usize,
    given: oneshot::Sender<HeldShare>,
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
        Arc::new(Self { total, percentages, state: Mutex::default() })
    }

    /// Nothing, to which an address may add.
    pub fn none(self: &Arc<Self>, address: Address) -> HeldShare {
        HeldShare { shares: Arc::clone(self), address, amount: 0 }
    }

    /// Takes an amount when there is room for this address and its turn has come. More than a
    /// quarter of all counts as that.
    pub async fn wait(self: &Arc<Self>, address: Address, amount: usize) -> HeldShare {
        let amount = amount.min(self.total / 4).max(1);
        let (given, held) = oneshot::channel();
        let waiting = {
            let mut state = self.state();
            state.last += 1;
            let number = state.last;
            state.waiting.push(address, Waiter { number, amount, given });
            QueuedWaiter { shares: self, address, number }
        };
        self.give_out();
        match held.await {
            Ok(held) => {
                // It is no longer in the queue.
                std::mem::forget(waiting);
                held
            }
            // Nobody drops it unserved while these shares are there.
            Err(_) => std::future::pending().await,
        }
    }

    /// Gives those who wait what there is, in turns by address.
    fn give_out(self: &Arc<Self>) {
        let mut given = Vec::new();
        {
            let mut state = self.state();
            let Shared { taken, waiting, .. } = &mut *state;
            loop {
                let mut next = |first: bool| {
                    waiting.take_next(|address, waiter: &Waiter| {
                        if first && taken.by.contains_key(&address) {
                            return Standing::Pass;
                        }
                        match self.lacking(taken, address, waiter.amount, WAITING_PERCENT) {
                            None => Standing::Take,
                            // What is left is saved up for it.
                            Some(Lacking::ForAll) => Standing::Stop,
                            Some(Lacking::ForThisAddress) => Standing::Pass,
                        }
                    })
                };
                // Who holds nothing goes before who holds some.
                let Some((address, waiter)) = next(true).or_else(|| next(false)) else { break };
                taken.add(address, waiter.amount);
                given.push((address, waiter));
            }
        }
        for (address, Waiter { amount, given, .. }) in given {
            // Who has left gives it back.
            _ = given.send(HeldShare { shares: Arc::clone(self), address, amount });
        }
    }

    /// Why an address cannot have more, if so.
    fn lacking(
        &self,
        taken: &TakenShares,
        address: Address,
        more: usize,
        percent: usize,
    ) -> Option<Lacking> {
        if taken.all + more > self.total {
            return Some(Lacking::ForAll);
        }
        let own = taken.by.get(&address).unwrap_or(&0);
        let left = of_total(percent, self.total - (taken.all - own)).max(1);
        let most = left.max(self.percentages.own_share(address, self.total));
        (own + more > most).then_some(Lacking::ForThisAddress)
    }

    fn state(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TakenShares {
    fn add(&mut self, address: Address, more: usize) {
        self.all += more;
        *self.by.entry(address).or_default() += more;
    }

    fn give_back(&mut self, address: Address, amount: usize) {
        self.all -= amount;
        if let Some(own) = self.by.get_mut(&address) {
            *own -= amount;
            if *own == 0 {
                self.by.remove(&address);
            }
        }
    }
}

/// A place in the queue; left when this is dropped.
struct QueuedWaiter<'s> {
    shares: &'s Arc<Shares>,
    address: Address,
    number: u64,
}

impl Drop for QueuedWaiter<'_> {
    fn drop(&mut self) {
        let number = self.number;
        self.shares.state().waiting.remove(self.address, |waiter| waiter.number == number);
        // Others may have waited behind it.
        self.shares.give_out();
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
        let mut state = self.shares.state();
        if let Some(lacking) =
            self.shares.lacking(&state.taken, self.address, more, REFUSED_PERCENT)
        {
            return Err(lacking);
        }
        state.taken.add(self.address, more);
        self.amount += more;
        Ok(())
    }
}

impl Drop for HeldShare {
    fn drop(&mut self) {
        if self.amount == 0 {
            return;
        }
        self.shares.state().taken.give_back(self.address, self.amount);
        self.shares.give_out();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn address(last: u8) -> Address {
        Address::of(IpAddr::from([10, 0, 0, last]))
    }

    fn shares(total: usize, own: &[(u8, usize)]) -> Arc<Shares> {
        let own = own.iter().map(|(last, percent)| (IpAddr::from([10, 0, 0, *last]), *percent));
        Shares::new(total, Percentages::new(25, own))
    }

    fn take(shares: &Arc<Shares>, last: u8, amount: usize) -> Result<HeldShare, Lacking> {
        let mut held = shares.none(address(last));
        held.grow(amount).map(|()| held)
    }

    fn as_many_as_there_are(shares: &Arc<Shares>, last: u8) -> Vec<HeldShare> {
        std::iter::from_fn(|| take(shares, last, 1).ok()).collect()
    }

    #[test]
    fn an_address_leaves_something_to_the_next() {
        let shares = shares(64, &[]);
        let held: Vec<Vec<HeldShare>> =
            (1..6).map(|last| as_many_as_there_are(&shares, last)).collect();
        assert_eq!(held.iter().map(Vec::len).collect::<Vec<_>>(), [48, 12, 3, 1, 0]);
        assert_eq!(take(&shares, 5, 1).unwrap_err(), Lacking::ForAll);
        drop(held);
        let waited = |last| {
            std::iter::from_fn(|| shares.wait(address(last), 1).now_or_never()).collect::<Vec<_>>()
        };
        let held: Vec<Vec<HeldShare>> = (1..8).map(waited).collect();
        assert_eq!(held.iter().map(Vec::len).collect::<Vec<_>>(), [32, 16, 8, 4, 2, 1, 1]);
    }

    #[test]
    fn of_two_one_is_left_to_others_and_a_single_one_can_be_had() {
        for (total, most) in [(1, 1), (2, 1), (3, 2)] {
            assert_eq!(as_many_as_there_are(&shares(total, &[]), 1).len(), most, "{total}");
        }
    }

    #[test]
    fn an_address_may_have_a_share_of_its_own() {
        assert_eq!(as_many_as_there_are(&shares(8, &[(1, 100)]), 1).len(), 8);
    }

    #[test]
    fn what_is_dropped_is_free() {
        let shares = shares(1, &[]);
        let held = take(&shares, 1, 1).unwrap();
        assert!(take(&shares, 2, 1).is_err());
        drop(held);
        assert!(take(&shares, 2, 1).is_ok());
        assert!(shares.state().taken.by.is_empty());
    }

    #[test]
    fn who_waits_is_served_in_turns_by_address() {
        let shares = shares(1, &[]);
        let mut held = shares.wait(address(1), 1).now_or_never();
        let mut first: Vec<_> = (0..2).map(|_| Box::pin(shares.wait(address(1), 1))).collect();
        let mut other = Box::pin(shares.wait(address(2), 1));
        assert!(first.iter_mut().all(|wait| wait.now_or_never().is_none()));
        assert!((&mut other).now_or_never().is_none());
        held.take();
        held = (&mut first[0]).now_or_never();
        assert!(held.is_some() && (&mut other).now_or_never().is_none());
        held.take();
        assert!((&mut first[1]).now_or_never().is_none());
        assert!((&mut other).now_or_never().is_some());
        assert!((&mut first[1]).now_or_never().is_some());
    }

    #[test]
    fn who_gives_up_is_in_nobodys_way() {
        let shares = shares(4, &[]);
        let held = take(&shares, 1, 3).unwrap();
        let mut large = Box::pin(shares.wait(address(2), 4));
        assert!((&mut large).now_or_never().is_some(), "a quarter of all");
        let rest = take(&shares, 2, 1).unwrap();
        let mut waiting = Box::pin(shares.wait(address(3), 1));
        let mut behind = Box::pin(shares.wait(address(4), 1));
        assert!((&mut waiting).now_or_never().is_none());
        assert!((&mut behind).now_or_never().is_none());
        drop(waiting);
        drop(rest);
        assert!((&mut behind).now_or_never().is_some());
        drop((held, behind, large));
        let state = shares.state();
        assert!(state.taken.by.is_empty() && state.taken.all == 0 && state.waiting.is_empty());
    }

    #[test]
    fn beyond_its_share_an_address_lets_others_pass() {
        let shares = shares(4, &[]);
        let held = as_many_as_there_are(&shares, 1);
        assert_eq!(held.len(), 3);
        let mut more = Box::pin(shares.wait(address(1), 1));
        assert!((&mut more).now_or_never().is_none());
        assert!(shares.wait(address(2), 1).now_or_never().is_some());
        drop(held);
        assert!((&mut more).now_or_never().is_some());
    }
}
