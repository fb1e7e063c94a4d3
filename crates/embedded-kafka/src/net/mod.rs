//! Sockets: a listener for each node, a task for each connection, and frames. `api` interprets the
//! requests.

mod connection;
mod frame;
mod limits;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use self::limits::{Limits, Seats};
use crate::state::State;

/// The interval at which a node at its limit checks whether it still is.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(100);

/// The number of connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// Opens the listener of a node. Port 0 means any free one.
///
/// # Errors
/// Those of the operating system, `AddrInUse` if the port is taken.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    reserve(address)?.listen(BACKLOG)
}

/// Reserves a port without listening, so that it stays in use and the system refuses connections.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A cluster that restarts takes its port back although old connections are in TIME_WAIT.
    // Windows allows that without the option, and with it a port that another process listens on.
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    Ok(socket)
}

/// Listens on a port that was reserved.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn listen(reserved: TcpSocket) -> io::Result<TcpListener> {
    reserved.listen(BACKLOG)
}

/// Accepts connections for `node` until `stop`, or until the task is dropped. Then it closes all
/// connections.
pub(crate) async fn accept(
    listener: TcpListener,
    node: i32,
    state: Arc<State>,
    stop: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    let seats = Seats::default();
    tokio::pin!(stop);
    loop {
        let limits = Limits::of(&state, node);
        let is_full = connections.len() >= limits.all;
        tokio::select! {
            _ = &mut stop => {
                drop(listener);
                connections.shutdown().await;
                return;
            }
            // A connection above the limit waits, as in Kafka, until another one closes or the
            // limit rises.
            () = tokio::time::sleep(LOOK_AGAIN), if is_full => {}
            accepted = listener.accept(), if !is_full => match accepted {
                Ok((stream, address)) => {
                    // Responses are written whole, and waiting for more only delays them.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%address, node, %error, "connection lost");
                        continue;
                    }
                    let Some(seat) = seats.take(address.ip(), Limits::of(&state, node)) else {
                        tracing::info!(%address, node, "closed: max.connections.per.ip is reached");
                        continue;
                    };
                    let state = Arc::clone(&state);
                    connections.spawn(async move {
                        connection::serve(stream, address, node, state).await;
                        drop(seat);
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: the kernel keeps connections until some
                    // are free.
                    tracing::warn!(node, %error, "cannot accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}
