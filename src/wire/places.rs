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

/// Connections by number.
type Numbered = HashMap<u64, Arc<Connection>>;

#[derive(Debug, Default)]
struct Open {
    last: u64,
    /// How many have an ordinary place.
    count: usize,
    by: HashMap<Address, Numbered>,
    /// Those that have a watcher's place.
    watchers: Numbered,
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
        let own = open.by.get(&address).map_or(0, HashMap::len);
        let room = if own >= share {
            open.evict_of(|of| *of == address)
        } else if open.count >= self.total {
            let most = open.by.values().map(HashMap::len).max().unwrap_or(0);
            let crowded = open.by.iter().filter(|(_, own)| own.len() == most);
            let crowded: Vec<Address> = crowded.map(|(of, _)| *of).collect();
            open.evict_of(|of| crowded.contains(of)) || open.evict_of(|_| true)
        } else {
            true
        };
        if !room && open.watchers.len() >= WATCHERS_MAX && !open.evict_watcher() {
            return None;
        }
        let connection = Arc::new(Connection::new(peer, !room));
        let number = open.add(Arc::clone(&connection));
        Some(ConnectionPlace { places: Arc::clone(self), number, connection })
    }

    /// Makes room for whoever comes next, where the system has none.
    pub fn make_room(&self) {
        let mut open = self.open();
        _ = open.evict_of(|_| true) || open.evict_watcher();
    }

    /// Cuts what keeps the server from ending.
    pub fn cut_what_is_in_the_way(&self, patience: Duration) {
        let open = self.open();
        for connection in open.by.values().chain([&open.watchers]).flat_map(HashMap::values) {
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
        self.last += 1;
        if connection.watch_only {
            self.watchers.insert(self.last, connection);
        } else {
            self.count += 1;
            self.by.entry(connection.address()).or_default().insert(self.last, connection);
        }
        self.last
    }

    fn remove(&mut self, number: u64, connection: &Connection) {
        if connection.watch_only {
            self.watchers.remove(&number);
            return;
        }
        let address = connection.address();
        let Some(own) = self.by.get_mut(&address) else { return };
        self.count -= usize::from(own.remove(&number).is_some());
        if own.is_empty() {
            self.by.remove(&address);
        }
    }

    /// Cuts the connection that has waited the longest among those of some addresses.
    fn evict_of(&mut self, may_go: impl Fn(&Address) -> bool) -> bool {
        let among = self.by.iter().filter(|(of, _)| may_go(of)).flat_map(|(_, own)| own);
        let longest = longest_waiting(among);
        self.evict(longest)
    }

    fn evict_watcher(&mut self) -> bool {
        let longest = longest_waiting(self.watchers.iter());
        self.evict(longest)
    }

    fn evict(&mut self, found: Option<(u64, Arc<Connection>)>) -> bool {
        let Some((number, connection)) = found else { return false };
        self.remove(number, &connection);
        connection.cut();
        true
    }
}

fn longest_waiting<'c>(
    among: impl Iterator<Item = (&'c u64, &'c Arc<Connection>)>,
) -> Option<(u64, Arc<Connection>)> {
    let waiting = among.filter_map(|(number, c)| Some((c.waits_since()?, *number, c)));
    let (_, number, connection) = waiting.min_by_key(|(since, number, _)| (*since, *number))?;
    Some((number, Arc::clone(connection)))
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.places.open().remove(self.number, &self.connection);
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
        places.open().by.values().any(|own| own.contains_key(&place.number))
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
        assert!(open.by.is_empty() && open.watchers.is_empty() && open.count == 0);
    }
}
