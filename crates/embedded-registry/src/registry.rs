//! Starts and stops a registry.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::announcement;
use crate::api::{self, Shared};
use crate::auth::Credentials;
use crate::error::Error;
use crate::log::Log;

/// The time limit for requests in flight when the registry shuts down.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Schemas can be deeply nested, and recursive functions read them. A stack uses memory only as far
/// as it is needed.
const STACK_BYTES: usize = 64 << 20;

/// The maximum number of requests that are processed at once.
const MAX_AT_ONCE: usize = 32;

/// Configures a registry.
#[derive(Clone)]
#[must_use = "a builder starts nothing by itself"]
pub struct Builder {
    config: ClientConfig,
    topic: String,
    address: SocketAddr,
    credentials: Option<Credentials>,
    body_limit_bytes: usize,
}

/// A schema registry in this process.
///
/// It has its own thread, so a caller that blocks does not delay it. If it is dropped without
/// [`Registry::shutdown`], it closes its socket at once.
pub struct Registry {
    address: SocketAddr,
    credentials: Option<Credentials>,
    config: ClientConfig,
    topic: String,
    is_announced: bool,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

// The settings of a cluster may hold passwords, so neither is shown as a whole.
impl fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Builder").field("address", &self.address).finish_non_exhaustive()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Registry").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Registry {
    /// Starts configuring a registry whose state is in the topic `_schemas` of this cluster.
    pub fn builder(bootstrap_servers: &str) -> Builder {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap_servers);
        Builder {
            config,
            topic: "_schemas".to_owned(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            credentials: None,
            body_limit_bytes: 1 << 20,
        }
    }

    /// Returns its URL without a trailing slash, such as `http://127.0.0.1:8081`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the credentials it requires from clients.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Announces this registry's address to the cluster, so that [`crate::for_cluster`] finds it
    /// from other processes on this machine. [`Registry::shutdown`] withdraws it.
    ///
    /// # Errors
    ///
    /// [`Error::Announce`] if the cluster rejects it.
    pub async fn announce(&mut self) -> Result<(), Error> {
        self.commit_address(self.address.to_string()).await.map_err(Error::Announce)?;
        self.is_announced = true;
        Ok(())
    }

    async fn commit_address(&self, address: String) -> Result<(), KafkaError> {
        let (config, topic) = (self.config.clone(), self.topic.clone());
        let announced =
            tokio::task::spawn_blocking(move || announcement::announce(&config, &topic, &address));
        announced.await.unwrap_or(Err(KafkaError::Canceled))
    }

    /// Shuts the registry down, after the requests in flight.
    pub async fn shutdown(mut self) {
        if self.is_announced
            && let Err(error) = self.commit_address(String::new()).await
        {
            // A client that finds the address checks it first.
            tracing::debug!(%error, "the registry's address stays announced");
        }
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed already.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Builder {
    /// Sets the port to listen on; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// Sets the address to listen on, 127.0.0.1 by default. Every client that can reach it may
    /// register and delete schemas, unless [`Builder::basic_auth`] is set.
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address.set_ip(address);
        self
    }

    /// Accepts only clients with this user name and password.
    pub fn basic_auth(mut self, username: &str, password: &str) -> Self {
        let (username, password) = (username.to_owned(), password.to_owned());
        self.credentials = Some(Credentials { username, password });
        self
    }

    /// Returns the address of an announced registry that keeps its state in this cluster's topic,
    /// if there is one.
    pub(crate) async fn announced(&self) -> Result<Option<SocketAddr>, KafkaError> {
        let (config, topic) = (self.config.clone(), self.topic.clone());
        let found = tokio::task::spawn_blocking(move || announcement::find(&config, &topic)).await;
        found.unwrap_or(Err(KafkaError::Canceled))
    }

    /// Sets the topic that stores the state, `_schemas` by default.
    pub fn topic(mut self, topic: &str) -> Self {
        topic.clone_into(&mut self.topic);
        self
    }

    /// Sets a setting of librdkafka for the connection to the cluster, such as `security.protocol`.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.config.set(name, value);
        self
    }

    /// Limits the body of a request, 1 MiB by default. The response to a larger one is 413.
    pub fn body_limit_bytes(mut self, bytes: usize) -> Self {
        self.body_limit_bytes = bytes;
        self
    }

    /// Starts the registry, and returns once it has read its topic and accepts requests.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if the port is taken, [`Error::Cluster`] if the cluster does not respond,
    /// [`Error::Topic`] if the topic cannot be used.
    pub async fn start(self) -> Result<Registry, Error> {
        let address = self.address;
        let failed = |source| Error::Listen { address, source };
        let listener = std::net::TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (config, topic) = (self.config.clone(), self.topic.clone());
        let opened = tokio::task::spawn_blocking(move || Log::open(config, &topic)).await;
        let log = opened.map_err(|error| Error::Thread(std::io::Error::other(error)))??;
        let shared = Arc::new(Shared { log, credentials: self.credentials.clone() });

        let (stop, stopped) = oneshot::channel();
        let body_limit_bytes = self.body_limit_bytes;
        let thread = std::thread::Builder::new()
            .name("schema-registry".to_owned())
            .spawn(move || serve(listener, shared, body_limit_bytes, stopped))
            .map_err(Error::Thread)?;
        Ok(Registry {
            address,
            credentials: self.credentials,
            config: self.config,
            topic: self.topic,
            is_announced: false,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

fn serve(
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    body_limit_bytes: usize,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(MAX_AT_ONCE)
        .thread_stack_size(STACK_BYTES)
        .thread_name("schema-registry")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "the schema registry has no runtime"),
    };
    let router = api::router(shared.clone(), body_limit_bytes);
    runtime.block_on(async {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "the schema registry has no socket"),
        };
        let (draining, drained) = oneshot::channel();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            // The sender is dropped with the registry, which means the same as a message.
            let _ = stopped.await;
            let _ = draining.send(());
        });
        // An idle connection would keep the server running.
        let limit = async {
            let _ = drained.await;
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        tokio::select! {
            served = server.into_future() => {
                if let Err(error) = served {
                    tracing::error!(%error, "the schema registry ended");
                }
            }
            () = limit => {}
        }
    });
    runtime.shutdown_timeout(LAST_ANSWERS);
    shared.log.close();
}
