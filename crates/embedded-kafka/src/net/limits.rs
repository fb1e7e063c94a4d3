//! The limits for the connections of a node: of all clients (`max.connections`), and of one address
//! (`max.connections.per.ip`). Both can change while the node runs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::Layers;
use crate::state::State;

/// The limits of a node at this moment.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) all: usize,
    per_address: usize,
    /// `max.connections.per.ip.overrides`: `address:count`, separated by commas.
    overrides: String,
}

impl Limits {
    pub(super) fn of(state: &State, node: i32) -> Self {
        Self::from(&state.metadata.layers(node))
    }

    fn of_address(&self, address: IpAddr) -> usize {
        let own = self.overrides.split(',').filter_map(|entry| entry.trim().rsplit_once(':'));
        let is_own = |host: &str| {
            let host = host.trim_matches(['[', ']']);
            host.parse() == Ok(address) || (host == "localhost" && address.is_loopback())
        };
        let found = own.filter(|(host, _)| is_own(host)).find_map(|(_, count)| count.parse().ok());
        found.unwrap_or(self.per_address)
    }
}

impl From<&Layers> for Limits {
    fn from(layers: &Layers) -> Self {
        // A node has only one listener.
        let number = |name: &str| {
            let of_listener = layers.number(&format!("listener.name.plaintext.{name}"));
            let number = of_listener.into_iter().chain(layers.number(name)).min();
            number.and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX)
        };
        Self {
            all: number("max.connections"),
            per_address: number("max.connections.per.ip"),
            overrides: layers.effective("max.connections.per.ip.overrides").unwrap_or_default(),
        }
    }
}

/// The number of connections that each address has.
#[derive(Debug, Default)]
pub(super) struct Seats(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection, counted until this value is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Seats {
    /// Counts a connection of an address, unless it has reached its limit.
    pub(super) fn take(&self, address: IpAddr, limits: Limits) -> Option<Seat> {
        let mut all = self.0.lock();
        let taken = all.entry(address).or_default();
        if *taken >= limits.of_address(address) {
            return None;
        }
        *taken += 1;
        Some(Seat { address, taken: Arc::clone(&self.0) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.taken.lock();
        if let Some(taken) = all.get_mut(&self.address) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_as_many_connections_as_its_limit() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let there = IpAddr::from([10, 0, 0, 1]);
        let overrides = "10.0.0.1:2,localhost:1".to_owned();
        let limits = Limits { all: 9, per_address: 5, overrides };
        assert_eq!((limits.of_address(here), limits.of_address(there)), (1, 2));
        assert_eq!(limits.of_address([10, 0, 0, 2].into()), 5);
        let seats = Seats::default();
        let first = seats.take(here, limits.clone());
        assert!(first.is_some() && seats.take(here, limits.clone()).is_none());
        drop(first);
        assert!(seats.take(here, limits).is_some());
    }
}
