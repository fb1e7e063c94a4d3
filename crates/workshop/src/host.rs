//! Hosts the embedded cluster for this process and for others.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use embedded_kafka::{StartError, TopicAtStart};
use helpers::StopSignal;

use crate::control::{EmbeddedControl, Endpoint};
use crate::data::DataDirectory;
use crate::error::Error;
use crate::lock::Lock;
use crate::running::Running;
use crate::seat::{Seat, TRY_AGAIN, take_seat};
use crate::wire::Wire;

/// How often the logs are checked for segments to delete or compact. Kafka's defaults are 5 minutes
/// and 15 seconds; a learner wants to see it happen.
const LOGS_LOOKED_AT: Duration = Duration::from_secs(1);

/// The options of a hosted cluster.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// The number of nodes, 1 to 9. By default, topics are replicated on all of them, on three at
    /// most.
    pub nodes: usize,
    /// The port for each node. If it is taken, or none is given, the node gets a free one.
    pub ports: Vec<u16>,
    /// Whether each answered request is printed on stderr.
    pub wire: bool,
    /// Whether topics that a client asks for are created (`auto.create.topics.enable`).
    pub auto_create_topics: bool,
    /// Properties of the brokers by their names in `server.properties`, such as `num.partitions`.
    pub properties: Vec<(String, String)>,
    /// Topics that exist when the cluster has started.
    pub topics: Vec<TopicAtStart>,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            nodes: 3,
            ports: Vec::new(),
            wire: false,
            auto_create_topics: true,
            properties: Vec::new(),
            topics: Vec::new(),
        }
    }
}

/// A cluster that runs in this process, on a data directory, where others find it.
///
/// Dropped without [`Host::shutdown`], it closes its sockets and is no longer registered.
#[derive(Debug)]
pub struct Host {
    data: DataDirectory,
    running: Running,
    // Dropped first, because it holds the cluster too.
    endpoint: Option<Endpoint>,
    cluster: Option<Arc<embedded_kafka::Cluster>>,
    wire: Option<Wire>,
    // Held until the rest is dropped: fields are dropped in this order.
    _lock: Lock,
}

impl Host {
    /// Starts a cluster on `data` and registers it there.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyRunning`] where a cluster runs on this directory, and what else [`Error`]
    /// lists about the data directory.
    pub async fn start(data: &DataDirectory, options: &HostOptions) -> Result<Self, Error> {
        match take_seat(data).await? {
            Seat::Host(lock) => Self::start_with(lock, data, options).await,
            Seat::Guest(running, _) => Err(Error::AlreadyRunning {
                data: data.path().to_owned(),
                servers: running.bootstrap_servers(),
                process_id: running.process_id,
            }),
        }
    }

    pub(crate) async fn start_with(
        lock: Lock,
        data: &DataDirectory,
        options: &HostOptions,
    ) -> Result<Self, Error> {
        // An arrival must not look for the cluster of a host that was killed.
        data.unregister()?;
        let cluster = Arc::new(start_cluster(data, options).await?);
        let wire = options.wire.then(|| Wire::start(cluster.events()));
        let running = Running {
            cluster_id: cluster.cluster_id().to_owned(),
            process_id: std::process::id(),
            addresses: cluster.nodes().iter().map(|node| node.address).collect(),
        };
        // A program that finds the cluster can give it orders.
        let control = EmbeddedControl(Arc::clone(&cluster));
        let endpoint = Some(Endpoint::open(data, Arc::new(control))?);
        data.register(&running)?;
        let (data, cluster) = (data.clone(), Some(cluster));
        Ok(Self { data, running, endpoint, cluster, wire, _lock: lock })
    }

    /// Returns the addresses of the nodes, and what else the data directory says about this
    /// cluster.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Returns the cluster, for code that looks into it.
    pub fn cluster(&self) -> &embedded_kafka::Cluster {
        self.cluster.as_ref().expect("only shutdown takes it, and that ends the host")
    }

    /// Returns whether another process uses this cluster now.
    ///
    /// # Errors
    ///
    /// [`Error::File`] where the lock file cannot be opened.
    pub fn has_guests(&self) -> Result<bool, Error> {
        Ok(Lock::try_exclusive(&self.data.users_lock())?.is_none())
    }

    /// Shuts the cluster down, even if others use it.
    ///
    /// # Errors
    ///
    /// [`Error::File`] where its registration cannot be removed.
    pub async fn shutdown(mut self) -> Result<(), Error> {
        let unregistered = self.data.unregister();
        drop(self.endpoint.take());
        if let Some(cluster) = self.cluster.take().and_then(Arc::into_inner) {
            cluster.shutdown().await;
        }
        if let Some(wire) = self.wire.take() {
            wire.finish().await;
        }
        unregistered
    }

    /// Waits until no other process uses the cluster, then shuts it down. While it waits, Ctrl-C,
    /// SIGTERM or `give_up` ends the wait.
    pub(crate) async fn leave(self, give_up: impl Future<Output = ()>) -> Result<(), Error> {
        let mut alone = Lock::try_exclusive(&self.data.users_lock())?;
        if alone.is_none() {
            eprintln!(
                "workshop: another program still uses the cluster in this process, \
                 which stays until that one ends (Ctrl-C to leave now)"
            );
            alone = tokio::select! {
                alone = self.alone() => Some(alone?),
                () = signal() => None,
                () = give_up => None,
            };
        }
        let left = self.shutdown().await;
        // Arrivals were kept out until here, so the next one becomes the host.
        drop(alone);
        left
    }

    async fn alone(&self) -> Result<Lock, Error> {
        loop {
            if let Some(lock) = Lock::try_exclusive(&self.data.users_lock())? {
                return Ok(lock);
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }
}

/// Waits for Ctrl-C or SIGTERM, forever if the system installs no handler.
async fn signal() {
    match StopSignal::listen() {
        Ok(mut stop) => stop.received().await,
        Err(_) => std::future::pending().await,
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if self.cluster.is_some() {
            // Nothing can be done about a failure here, and the next reader checks the file anyway.
            let _ = self.data.unregister();
        }
    }
}

/// Starts the nodes, each on the requested port if it is free.
async fn start_cluster(
    data: &DataDirectory,
    options: &HostOptions,
) -> Result<embedded_kafka::Cluster, Error> {
    let mut ports: Vec<u16> = options.ports.iter().copied().take(options.nodes).collect();
    ports.resize(options.nodes, 0);
    for port in &mut ports {
        if is_answered(*port) {
            *port = 0;
        }
    }
    loop {
        let mut builder = embedded_kafka::Cluster::builder();
        for (name, value) in &options.properties {
            builder = builder.set(name, value);
        }
        for topic in &options.topics {
            builder = builder.topic(topic.clone());
        }
        let started = builder
            .nodes(options.nodes)
            .data_dir(data.cluster_path())
            .ports(ports.iter().copied())
            .auto_create_topics(options.auto_create_topics)
            .default_replication_factor(options.nodes.min(3) as i16)
            .retention_check_interval(LOGS_LOOKED_AT)
            .log_cleaner_backoff(LOGS_LOOKED_AT)
            .start()
            .await;
        match started {
            Err(StartError::PortTaken { port: taken, .. })
                if ports.contains(&taken) && taken != 0 =>
            {
                ports.iter_mut().filter(|port| **port == taken).for_each(|port| *port = 0);
            }
            Err(StartError::InvalidSetting(reason)) => return Err(Error::Setting { reason }),
            Err(source @ StartError::Topic { .. }) => {
                return Err(Error::Setting { reason: source.to_string() });
            }
            Err(source) => {
                return Err(Error::Start { data: data.path().to_owned(), source });
            }
            Ok(cluster) => return Ok(cluster),
        }
    }
}

/// Returns whether a process already listens on this port. On some systems a listener on 127.0.0.1
/// can be opened next to one on all addresses, and clients would reach either.
fn is_answered(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    port != 0 && TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}
