//! Starting and stopping a cluster. It runs on threads of its own, so a caller that blocks its
//! runtime, as many uses of librdkafka do, does not starve it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;

use crate::config::Settings;
use crate::control::Controls;
use crate::coordinators::{recover_groups, recover_transactions};
use crate::error::StartError;
use crate::event::{EventReceiver, Events};
use crate::faults::Faults;
use crate::fetched::Fetched;
use crate::inspect::Inspections;
use crate::lock::DirectoryLock;
use crate::metadata::{Metadata, Node};
use crate::node::NodeSocket;
use crate::state::State;
use crate::time::Clock;
use crate::topic_at_start::{self, TopicAtStart};
use crate::{descriptors, net, timers};

/// The time that a shutdown waits for tasks that are in a read or write.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// The choices that a cluster starts with.
#[derive(Debug, Clone)]
pub(crate) struct Choices {
    /// The number of nodes.
    pub(crate) nodes: usize,
    /// The port of each node; 0, or none given, means any free one.
    pub(crate) ports: Vec<u16>,
    /// The data directory. Without one, everything is in a temporary directory.
    pub(crate) data_directory: Option<PathBuf>,
    pub(crate) settings: Settings,
    /// The topics to create at the start.
    pub(crate) topics: Vec<TopicAtStart>,
}

/// A running cluster. Dropping it stops it as [`shutdown`](Self::shutdown) does, and blocks the
/// thread until that is done.
#[derive(Debug)]
pub struct Cluster {
    bootstrap_servers: String,
    nodes: Vec<Node>,
    running: Option<Running>,
}

pub(crate) struct Running {
    pub(crate) runtime: Runtime,
    pub(crate) state: Arc<State>,
    /// The listeners of the nodes, and with them all connections.
    pub(crate) sockets: Arc<AsyncMutex<Vec<NodeSocket>>>,
    /// The timers.
    timers: [JoinHandle<()>; 2],
    /// Released when the logs are closed.
    _lock: DirectoryLock,
    /// Removed after the cluster has stopped.
    _temporary: Option<tempfile::TempDir>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl Cluster {
    /// Returns the addresses for clients: `127.0.0.1:port`, separated by commas
    /// (`bootstrap.servers`).
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// Returns the nodes, by id.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns the id that the cluster chose when its data directory was first used.
    pub fn cluster_id(&self) -> &str {
        self.running().state.metadata.cluster_id()
    }

    /// Returns the state that the nodes share.
    pub(crate) fn state(&self) -> &Arc<State> {
        &self.running().state
    }

    /// Subscribes to the events from now on.
    pub fn events(&self) -> EventReceiver {
        self.running().state.events.listen()
    }

    /// Stops the cluster: sockets are closed, and the logs are left so that the next start need not
    /// check them.
    pub async fn shutdown(mut self) {
        if let Some(running) = self.running.take() {
            // Closing many logs writes to disk, which would block the caller's runtime.
            let stopped = tokio::task::spawn_blocking(move || running.stop()).await;
            stopped.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        }
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().expect("only shutdown and drop take it, and they end the cluster")
    }

    /// Starts a cluster from choices that were checked.
    pub(crate) fn start(choices: Choices) -> Result<Self, StartError> {
        let Choices { nodes, ports, data_directory, settings, topics } = choices;
        descriptors::raise_limit();
        let runtime = runtime().map_err(StartError::Threads)?;
        let listeners = {
            let _inside = runtime.enter();
            listen(nodes, &ports, settings.listen_on)?
        };
        let nodes: Vec<Node> =
            listeners.iter().map(|(id, address, _)| Node { id: *id, address: *address }).collect();
        let (directory, temporary) = match data_directory {
            Some(directory) => (directory, None),
            None => {
                let temporary = tempfile::tempdir().map_err(|source| {
                    StartError::DataDirectory { path: std::env::temp_dir(), source }
                })?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let lock = DirectoryLock::take(&directory)?;
        let clock = Arc::new(Clock::new());
        let events = Events::new();
        let metadata =
            Arc::new(Metadata::open(&directory, &nodes, &settings, &clock, events.clone())?);
        topic_at_start::create(&topics, &metadata)?;
        let unreadable = |source| StartError::DataDirectory { path: directory.clone(), source };
        let groups = recover_groups(&metadata, &settings, &events, clock.now());
        let groups = Arc::new(groups.map_err(unreadable)?);
        let transactions =
            recover_transactions(&metadata, &groups, &settings, &events, clock.now());
        let transactions = transactions.map_err(unreadable)?;
        let fetched = Fetched::default();
        let inspections = Arc::new(Inspections::new(Arc::clone(&metadata)));
        let (faults, moving) = (Faults::default(), parking_lot::Mutex::default());
        let state = Arc::new(State {
            settings,
            clock,
            metadata,
            groups,
            transactions,
            events,
            fetched,
            faults,
            controls: Arc::new(Controls::default()),
            inspections,
            moving,
        });
        state.configure_nodes();
        let sockets = listeners.into_iter().map(|(id, address, listener)| {
            NodeSocket::serve(id, address, listener, &state, runtime.handle())
        });
        let sockets = Arc::new(AsyncMutex::new(sockets.collect()));
        let timers = [
            runtime.spawn(timers::run_timers(Arc::clone(&state))),
            runtime.spawn(timers::maintain_logs(Arc::clone(&state))),
        ];
        let bootstrap_servers =
            nodes.iter().map(|node| node.address.to_string()).collect::<Vec<_>>().join(",");
        let running =
            Running { runtime, state, sockets, timers, _lock: lock, _temporary: temporary };
        let running = Some(running);
        Ok(Self { bootstrap_servers, nodes, running })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            // A runtime must not be dropped from within another one, so a thread does it.
            let stopping = std::thread::spawn(move || running.stop());
            if stopping.join().is_err() {
                tracing::error!("the cluster panicked while it stopped");
            }
        }
    }
}

impl Running {
    /// Ends all tasks, then closes the logs, which no task uses any more.
    fn stop(self) {
        self.timers.iter().for_each(JoinHandle::abort);
        self.state.metadata.stop_maintenance();
        self.runtime.shutdown_timeout(SHUTDOWN_LIMIT);
        self.state.metadata.close();
    }
}

/// Creates a runtime with as many threads as there are cores, so that a slow request holds up no
/// other.
fn runtime() -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.clamp(2, 8))
        .thread_name("embedded-kafka")
        .enable_all()
        .build()
}

/// Opens a listener for each node. All ports are known before the first response, because each node
/// lists all of them in its metadata.
fn listen(
    nodes: usize,
    ports: &[u16],
    on: IpAddr,
) -> Result<Vec<(i32, SocketAddr, TcpListener)>, StartError> {
    (0..nodes)
        .map(|position| {
            let port = ports.get(position).copied().unwrap_or(0);
            let failed = |source: io::Error| match source.kind() {
                io::ErrorKind::AddrInUse => StartError::PortTaken { port },
                _ => StartError::Listen { port, source },
            };
            let listener = net::bind(SocketAddr::new(on, port)).map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            Ok((position as i32 + 1, address, listener))
        })
        .collect()
}
