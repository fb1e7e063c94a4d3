//! A node's socket: the listener, its connections, and the port that it reserves while it is down.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::net;
use crate::state::State;

/// The network side of a node.
pub(crate) struct NodeSocket {
    pub(crate) id: i32,
    pub(crate) address: SocketAddr,
    standing: Standing,
}

enum Standing {
    Listening {
        stop: oneshot::Sender<()>,
        accepting: JoinHandle<()>,
    },
    /// Stopped, with the reserved port unless another program took it.
    Down(Option<TcpSocket>),
}

impl NodeSocket {
    /// Accepts connections on an open listener.
    pub(crate) fn serve(
        id: i32,
        address: SocketAddr,
        listener: TcpListener,
        state: &Arc<State>,
        runtime: &Handle,
    ) -> Self {
        let standing = listen(id, listener, state, runtime);
        Self { id, address, standing }
    }

    pub(crate) fn is_listening(&self) -> bool {
        matches!(self.standing, Standing::Listening { .. })
    }

    /// Closes the listener and all connections. When this returns, the node handles none of its
    /// requests any more.
    pub(crate) async fn close(&mut self) {
        if let Standing::Listening { stop, accepting } =
            std::mem::replace(&mut self.standing, Standing::Down(None))
        {
            // The other end is dropped only with the task.
            let _ = stop.send(());
            if let Err(error) = accepting.await {
                tracing::warn!(%error, node = self.id, "a listener ended badly");
            }
            self.standing = Standing::Down(net::reserve(self.address).ok());
        }
    }

    /// Listens on the same port again. Must be called within the cluster's runtime.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(crate) fn open(&mut self, state: &Arc<State>, runtime: &Handle) -> io::Result<()> {
        if let Standing::Down(reserved) = &mut self.standing {
            let listener = match reserved.take() {
                Some(reserved) => net::listen(reserved)?,
                None => net::bind(self.address)?,
            };
            self.standing = listen(self.id, listener, state, runtime);
        }
        Ok(())
    }
}

fn listen(id: i32, listener: TcpListener, state: &Arc<State>, runtime: &Handle) -> Standing {
    let (stop, stopped) = oneshot::channel();
    let accepting = runtime.spawn(net::accept(listener, id, Arc::clone(state), stopped));
    Standing::Listening { stop, accepting }
}
