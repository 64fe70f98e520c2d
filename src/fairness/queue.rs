//! A queue in which addresses take turns: however much one has in it, another's first waits for one of
//! each address at the most.

use super::address::Address;
use std::collections::{HashMap, VecDeque};

/// What waits, first come, first served within an address.
#[derive(Debug)]
pub struct FairQueue<T> {
    /// The addresses that have something in it, the next first.
    order: VecDeque<Address>,
    by: HashMap<Address, VecDeque<T>>,
}

/// What becomes of the first of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is its turn.
    Take,
    /// Others go before it.
    Pass,
    /// Nobody goes before it.
    Stop,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { order: VecDeque::new(), by: HashMap::new() }
    }
}

impl<T> FairQueue<T> {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Adds something behind what its address has.
    pub fn push(&mut self, address: Address, item: T) {
        let own = self.by.entry(address).or_default();
        if own.is_empty() {
            self.order.push_back(address);
        }
        own.push_back(item);
    }

    /// Gives something back that has waited: it is the next.
    pub fn push_first(&mut self, address: Address, item: T) {
        self.order.retain(|other| *other != address);
        self.order.push_front(address);
        self.by.entry(address).or_default().push_front(item);
    }

    /// The next.
    pub fn pop(&mut self) -> Option<(Address, T)> {
        self.take_next(|_, _| Standing::Take)
    }

    /// The first that may be taken.
    pub fn take_next(
        &mut self,
        mut judge: impl FnMut(Address, &T) -> Standing,
    ) -> Option<(Address, T)> {
        for place in 0..self.order.len() {
            let address = *self.order.get(place)?;
            let own = self.by.get_mut(&address)?;
            match judge(address, own.front()?) {
                Standing::Pass => {}
                Standing::Stop => return None,
                Standing::Take => {
                    let item = own.pop_front()?;
                    self.order.remove(place);
                    match own.is_empty() {
                        true => drop(self.by.remove(&address)),
                        false => self.order.push_back(address),
                    }
                    return Some((address, item));
                }
            }
        }
        None
    }

    /// Takes away what waits no longer.
    pub fn remove(&mut self, address: Address, is_it: impl Fn(&T) -> bool) {
        let Some(own) = self.by.get_mut(&address) else { return };
        own.retain(|item| !is_it(item));
        if own.is_empty() {
            self.by.remove(&address);
            self.order.retain(|other| *other != address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn address(last: u8) -> Address {
        Address::of(IpAddr::from([10, 0, 0, last]))
    }

    fn all(queue: &mut FairQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).map(|(_, item)| item).collect()
    }

    #[test]
    fn addresses_take_turns() {
        let mut queue = FairQueue::default();
        for item in 0..4 {
            queue.push(address(1), item);
        }
        queue.push(address(2), 10);
        queue.push(address(3), 20);
        queue.push(address(2), 11);
        assert_eq!(all(&mut queue), [0, 10, 20, 1, 11, 2, 3]);
        assert!(queue.is_empty() && queue.by.is_empty());
    }

    #[test]
    fn what_may_not_be_taken_is_passed_or_stops_all() {
        let mut queue = FairQueue::default();
        queue.push(address(1), 1);
        queue.push(address(2), 2);
        let not_first = |item: &u32, verdict| if *item == 1 { verdict } else { Standing::Take };
        assert!(queue.take_next(|_, item| not_first(item, Standing::Stop)).is_none());
        let taken = queue.take_next(|_, item| not_first(item, Standing::Pass));
        assert_eq!(taken, Some((address(2), 2)));
        assert_eq!(all(&mut queue), [1]);
    }

    #[test]
    fn what_is_given_back_is_next_and_what_has_left_is_gone() {
        let mut queue = FairQueue::default();
        for (last, item) in [(1, 1), (2, 2), (2, 3), (3, 4)] {
            queue.push(address(last), item);
        }
        queue.push_first(address(3), 5);
        queue.remove(address(2), |item| *item == 2);
        queue.remove(address(1), |item| *item == 1);
        assert_eq!(all(&mut queue), [5, 3, 4]);
    }
}
