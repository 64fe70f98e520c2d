//! Places for open connections, and who has to go when all are taken.
//!
//! An address has a share of the places. A newcomer for whom there is none takes the place of the
//! connection that has waited for its other side the longest: within its own address when that has
//! all of its share, otherwise within the address that has the most. A connection for which we are
//! at work is left alone; when there are no others, the newcomer gets one of a few places on which
//! only pages for whoever watches are served.

use super::connection::Connection;
use crate::fairness::address::Address;
use crate::fairness::shares::Percentages;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Places for watchers when no other can be had.
const WATCHERS_MAX: usize = 16;

/// Places for open connections.
#[derive(Debug)]
pub struct Places {
    total: usize,
    percentages: Percentages,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Arc<Connection>>,
    by: HashMap<Address, usize>,
    /// How many of them have a watcher's place.
    watchers: usize,
}

/// A connection's place; free again when this is dropped.
#[derive(Debug)]
pub struct ConnectionPlace {
    places: Arc<Places>,
    number: u64,
    /// The connection.
    pub connection: Arc<Connection>,
}

impl Places {
    /// All are free.
    pub fn new(total: usize, percentages: Percentages) -> Arc<Self> {
        Arc::new(Self { total, percentages, open: Mutex::default() })
    }

    /// A place for a newcomer; `None` when even the watchers' are taken by such as must not be cut.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<ConnectionPlace> {
        let address = Address::of(peer);
        let mut open = self.open();
        let share = self.percentages.share(address, self.total);
        let own = open.by.get(&address).copied().unwrap_or(0);
        let places = open.connections.len() - open.watchers;
        let room = if own >= share {
            open.evict(|c| !c.watch_only && c.address() == address)
        } else if places >= self.total {
            let most = open.by.values().copied().max().unwrap_or(0);
            let crowded: Vec<Address> =
                open.by.iter().filter(|(_, count)| **count == most).map(|(a, _)| *a).collect();
            open.evict(|c| !c.watch_only && crowded.contains(&c.address()))
                || open.evict(|c| !c.watch_only)
        } else {
            true
        };
        if !room && open.watchers >= WATCHERS_MAX && !open.evict(|c| c.watch_only) {
            return None;
        }
        let connection = Arc::new(Connection::new(peer, !room));
        let number = open.add(Arc::clone(&connection));
        Some(ConnectionPlace { places: Arc::clone(self), number, connection })
    }

    /// Makes room for whoever comes next, where the system has none.
    pub fn make_room(&self) {
        self.open().evict(|_| true);
    }

    /// Cuts what keeps the server from ending.
    pub fn cut_what_is_in_the_way(&self, patience: Duration) {
        for connection in self.open().connections.values() {
            if connection.is_in_the_way(patience) {
                connection.cut();
            }
        }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn add(&mut self, connection: Arc<Connection>) -> u64 {
        self.next += 1;
        match connection.watch_only {
            true => self.watchers += 1,
            false => *self.by.entry(connection.address()).or_default() += 1,
        }
        self.connections.insert(self.next, connection);
        self.next
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Connection>> {
        let connection = self.connections.remove(&number)?;
        if connection.watch_only {
            self.watchers -= 1;
        } else if let Some(count) = self.by.get_mut(&connection.address()) {
            *count -= 1;
            if *count == 0 {
                self.by.remove(&connection.address());
            }
        }
        Some(connection)
    }

    /// Cuts the connection that has waited the longest among those that may go.
    fn evict(&mut self, may_go: impl Fn(&Connection) -> bool) -> bool {
        let waiting = self.connections.iter().filter(|(_, c)| may_go(c));
        let waiting = waiting.filter_map(|(number, c)| Some((c.waits_since()?, *number)));
        let Some((_, number)) = waiting.min() else { return false };
        if let Some(connection) = self.remove(number) {
            connection.cut();
        }
        true
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.places.open().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::limits::Limits;

    fn places(total: usize) -> Arc<Places> {
        Places::new(total, Percentages::default())
    }

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn is_open(places: &Places, place: &ConnectionPlace) -> bool {
        places.open().connections.contains_key(&place.number)
    }

    #[test]
    fn beyond_its_share_an_address_takes_from_itself() {
        let places = places(8);
        let other = places.admit(peer(2)).unwrap();
        let first = places.admit(peer(1)).unwrap();
        let second = places.admit(peer(1)).unwrap();
        let third = places.admit(peer(1)).unwrap();
        assert!(!is_open(&places, &first), "the one that has waited the longest");
        assert!(is_open(&places, &second) && is_open(&places, &third) && is_open(&places, &other));
    }

    #[test]
    fn when_all_are_taken_who_has_the_most_gives() {
        let places = places(4);
        let alone = places.admit(peer(9)).unwrap();
        let limits = Limits { share_percent: 100, ..Limits::default() };
        let places = Places::new(4, limits.percentages());
        let alone_too = places.admit(peer(9)).unwrap();
        let many: Vec<ConnectionPlace> = (0..3).map(|_| places.admit(peer(1)).unwrap()).collect();
        let newcomer = places.admit(peer(2)).unwrap();
        assert!(!is_open(&places, &many[0]) && !newcomer.connection.watch_only);
        assert!(is_open(&places, &alone_too), "the oldest, and left alone");
        drop(alone);
    }

    #[test]
    fn whom_we_work_for_stays_and_a_watcher_finds_a_place() {
        let places = places(1);
        let busy = places.admit(peer(1)).unwrap();
        busy.connection.works();
        let watcher = places.admit(peer(1)).unwrap();
        assert!(watcher.connection.watch_only && is_open(&places, &busy));
        let more: Vec<ConnectionPlace> =
            (0..WATCHERS_MAX).map(|_| places.admit(peer(1)).unwrap()).collect();
        assert!(!is_open(&places, &watcher), "watchers give way to watchers");
        for place in &more {
            place.connection.works();
        }
        assert!(places.admit(peer(1)).is_none());
        busy.connection.answers();
        busy.connection.handed_over();
        assert!(busy.connection.flushed());
        let next = places.admit(peer(2)).unwrap();
        assert!(!is_open(&places, &busy) && !next.connection.watch_only);
        drop((more, next));
        let open = places.open();
        assert!(open.by.is_empty() && open.watchers == 0 && open.connections.is_empty());
    }
}
