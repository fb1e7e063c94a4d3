//! The schema registry of a cluster that is up.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use embedded_registry::{Error, Registry};

/// Starts the registry on its port, or on a free one where someone has that. The cluster is of
/// use without it, so a failure is said and does not end the command.
pub(crate) async fn start(servers: &str, port: u16) -> Option<Registry> {
    let start = |port| Registry::builder(servers).port(port).start();
    let started = match is_answered(port) {
        true => start(0).await,
        false => match start(port).await {
            Err(Error::Listen { .. }) if port != 0 => start(0).await,
            other => other,
        },
    };
    let announced = match started {
        Ok(mut registry) => registry.announce().await.map(|()| registry),
        Err(error) => Err(error),
    };
    let error = match announced {
        Ok(registry) => return Some(registry),
        Err(error) => anyhow::Error::from(error),
    };
    eprintln!("The schema registry does not start: {error:#}");
    None
}

/// Whether someone listens on this port of this machine already.
fn is_answered(port: u16) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    port != 0 && TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}
