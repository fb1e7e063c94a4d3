//! Free ports for processes that need to know their port before they start.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The range of ports to choose from: below the ephemeral range of the operating system, so that a
/// client that keeps reconnecting to a stopped node does not take that node's port.
const LOWEST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// Returns whether the address is free; always true for port 0, which means any port.
pub(crate) fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

/// Chooses a port for each wanted one: the wanted port if it is free and not 0, otherwise another.
pub(crate) fn choose(wanted: &[u16]) -> Vec<u16> {
    let mut chosen = Vec::with_capacity(wanted.len());
    for &port in wanted {
        let usable = port != 0 && !chosen.contains(&port) && is_free(local(port));
        let port = if usable { port } else { any(&chosen) };
        chosen.push(port);
    }
    chosen
}

/// Returns free ports of this machine, outside the ephemeral range: a process that stops listening
/// on one can listen on it again later.
pub fn free_ports(count: usize) -> Vec<u16> {
    choose(&vec![0; count])
}

/// Returns a free port of this machine that is not in `taken`.
fn any(taken: &[u16]) -> u16 {
    loop {
        let random = uuid::Uuid::new_v4().as_u128() % u128::from(COUNT);
        let port = LOWEST + random as u16;
        if !taken.contains(&port) && is_free(local(port)) {
            return port;
        }
    }
}

/// Returns a loopback address with this port.
pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_or_wanted_twice_is_replaced() {
        let neighbor = TcpListener::bind(local(0)).unwrap();
        let taken = neighbor.local_addr().unwrap().port();
        let free = any(&[taken]);
        let chosen = choose(&[taken, free, free, 0]);
        assert_eq!(chosen[1], free);
        assert!(chosen.iter().all(|port| *port != taken && *port != 0), "{chosen:?}");
        assert_eq!(chosen.iter().filter(|port| **port == free).count(), 1);
    }
}
