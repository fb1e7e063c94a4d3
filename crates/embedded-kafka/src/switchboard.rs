//! Faults of a running cluster on request, for tests and labs.
//!
//! Nodes stop in order or at once, and come back. Followers stop fetching. Responses come late, are
//! errors, or get lost. The switchboard causes a fault; the cluster reacts as Kafka does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ApiKey;

use crate::api;
use crate::cluster::Cluster;
use crate::control::{ArrivingCall, Controller, Verdict};
use crate::error::NodeError;
use crate::node::NodeSocket;
use crate::state::{State, on_a_thread};

/// The way in which a node stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Departure {
    InOrder,
    Killed,
}

/// A node with its state and its faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStanding {
    /// The broker id.
    pub id: i32,
    /// The address that it listens at, or did.
    pub address: SocketAddr,
    /// Running, paused or stopped.
    pub state: &'static str,
    /// Tells whether it fetches nothing from other leaders.
    pub is_replication_paused: bool,
}

/// The states of a node, as errors name them.
const RUNNING: &str = "running";
const PAUSED: &str = "paused";
const STOPPED: &str = "stopped";

impl Cluster {
    /// Shuts a node down in order (controlled shutdown): others lead before it closes its
    /// connections, and nothing is lost.
    ///
    /// # Errors
    /// There is no such node, or it does not run.
    #[doc(alias = "controlled shutdown")]
    pub async fn stop_node(&self, node: i32) -> Result<(), NodeError> {
        self.depart(node, Departure::InOrder).await
    }

    /// Kills a node: its connections end at once. The other nodes do not notice until the failover
    /// delay is over; then others lead, and records that only this node had are lost.
    ///
    /// # Errors
    /// There is no such node, or it does not run.
    pub async fn kill_node(&self, node: i32) -> Result<(), NodeError> {
        self.depart(node, Departure::Killed).await
    }

    /// Starts a node again, on the port that it had. It catches up at once, and leads only
    /// partitions that no other node could: see the preferred leader election for the rest.
    ///
    /// # Errors
    /// There is no such node, it runs already, or another program has taken its port.
    pub async fn start_node(&self, node: i32) -> Result<(), NodeError> {
        let running = self.running();
        let (state, sockets) = (Arc::clone(&running.state), Arc::clone(&running.sockets));
        let runtime = running.runtime.handle().clone();
        let starting = running.runtime.spawn(async move {
            let mut sockets = sockets.lock().await;
            let socket = sockets.iter_mut().find(|socket| socket.id == node);
            let socket = socket.ok_or(NodeError::NoSuchNode { node })?;
            expect(&[STOPPED], socket, &state)?;
            let port = socket.address.port();
            socket.open(&state, &runtime).map_err(|source| NodeError::Listen {
                node,
                port,
                source,
            })?;
            on_a_thread(&state, move |state| state.start_node(node)).await;
            Ok(())
        });
        starting.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// Halts a node like a long garbage collection: its sockets stay open, and it neither responds
    /// nor follows. The others notice when the failover delay is over.
    ///
    /// # Errors
    /// There is no such node, it does not run, or is paused already.
    pub async fn pause_node(&self, node: i32) -> Result<(), NodeError> {
        self.set_paused(node, true).await
    }

    /// Resumes a paused node, which continues with the requests that it received in the meantime.
    ///
    /// # Errors
    /// There is no such node, or it is not paused.
    pub async fn resume_node(&self, node: i32) -> Result<(), NodeError> {
        self.set_paused(node, false).await
    }

    /// Stops a node from fetching from other leaders: it falls behind, and leaves the in-sync
    /// replicas after `replica.lag.time.max.ms`. It responds to its clients all the same.
    ///
    /// # Errors
    /// There is no such node.
    pub async fn pause_replication(&self, node: i32) -> Result<(), NodeError> {
        self.change(node, move |state| state.pause_replication(node)).await
    }

    /// Resumes a node's fetching. It catches up at once.
    ///
    /// # Errors
    /// There is no such node.
    pub async fn resume_replication(&self, node: i32) -> Result<(), NodeError> {
        self.change(node, move |state| state.resume_replication(node)).await
    }

    /// Delays each request at a node by so much; zero ends that.
    ///
    /// # Errors
    /// There is no such node.
    pub fn delay(&self, node: i32, delay: Duration) -> Result<(), NodeError> {
        self.check_node(node)?;
        self.state().faults.delay(node, delay);
        Ok(())
    }

    /// Rejects the next `times` requests of an API with an error, at whichever node, without
    /// handling them.
    ///
    /// # Errors
    /// [`NodeError::NoErrorResponse`] for ApiVersions and for an API that the cluster does not
    /// serve.
    pub fn fail_next(
        &self,
        api: ApiKey,
        error: ResponseError,
        times: usize,
    ) -> Result<(), NodeError> {
        if !api::can_be_rejected(api) {
            return Err(NodeError::NoErrorResponse { api });
        }
        self.state().faults.fail_next(api, error, times);
        Ok(())
    }

    /// Handles the next request of an API, and closes the connection instead of responding: the
    /// client cannot know the outcome.
    pub fn drop_response(&self, api: ApiKey) {
        self.state().faults.drop_response(api);
    }

    /// Lets `decide` choose what happens to each request of these APIs, before a node handles it,
    /// until the returned [`Controller`] is dropped.
    ///
    /// The closure runs on a thread of the cluster, and may run on several at once: it must not
    /// block. If it panics, it is removed, and the node handles the request. Where several closures
    /// are installed, the first that does not return [`Verdict::Handle`] decides.
    ///
    /// ```
    /// use embedded_kafka::messages::ProduceRequest;
    /// use embedded_kafka::{ApiKey, Cluster, Verdict};
    ///
    /// # async fn example() -> Result<(), embedded_kafka::StartError> {
    /// let cluster = Cluster::builder().start().await?;
    /// let controller = cluster.control(&[ApiKey::Produce], |call| {
    ///     let request = call.request::<ProduceRequest>();
    ///     let of_orders = request.is_some_and(|it| it.topic_data.iter().any(|topic| {
    ///         topic.name.as_str() == "orders"
    ///     }));
    ///     if of_orders { Verdict::DropResponse } else { Verdict::Handle }
    /// });
    /// // Run the client under test here.
    /// println!("{} responses were lost", controller.interventions());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "ControlKey")]
    pub fn control(
        &self,
        apis: &[ApiKey],
        decide: impl Fn(&ArrivingCall<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Controller {
        self.state().controls.install(apis, Box::new(decide))
    }

    /// Ends all delays, and cancels the errors and lost responses that are still to come. Faults of
    /// nodes stay.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Returns the nodes by id, each with its state.
    pub async fn node_standings(&self) -> Vec<NodeStanding> {
        let running = self.running();
        let sockets = running.sockets.lock().await;
        let standing = |socket: &NodeSocket| NodeStanding {
            id: socket.id,
            address: socket.address,
            state: state_of(socket, &running.state),
            is_replication_paused: running.state.metadata.is_replication_paused(socket.id),
        };
        sockets.iter().map(standing).collect()
    }

    async fn set_paused(&self, node: i32, is_paused: bool) -> Result<(), NodeError> {
        let running = self.running();
        let (state, sockets) = (Arc::clone(&running.state), Arc::clone(&running.sockets));
        let changing = running.runtime.spawn(async move {
            let sockets = sockets.lock().await;
            let socket = sockets.iter().find(|socket| socket.id == node);
            let socket = socket.ok_or(NodeError::NoSuchNode { node })?;
            if is_paused {
                expect(&[RUNNING], socket, &state)?;
                state.faults.set_paused(node, true);
                on_a_thread(&state, move |state| state.pause_node(node)).await;
            } else {
                expect(&[PAUSED], socket, &state)?;
                // It leads again, or not any more, before it handles a request.
                on_a_thread(&state, move |state| state.resume_node(node)).await;
                state.faults.set_paused(node, false);
            }
            Ok(())
        });
        changing.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    async fn depart(&self, node: i32, how: Departure) -> Result<(), NodeError> {
        let running = self.running();
        let (state, sockets) = (Arc::clone(&running.state), Arc::clone(&running.sockets));
        let departing = running.runtime.spawn(async move {
            let mut sockets = sockets.lock().await;
            let socket = sockets.iter_mut().find(|socket| socket.id == node);
            let socket = socket.ok_or(NodeError::NoSuchNode { node })?;
            if how == Departure::InOrder {
                expect(&[RUNNING], socket, &state)?;
                on_a_thread(&state, move |state| state.stop_node(node)).await;
            }
            expect(&[RUNNING, PAUSED], socket, &state)?;
            socket.close().await;
            if how == Departure::Killed {
                state.faults.set_paused(node, false);
                on_a_thread(&state, move |state| state.kill_node(node)).await;
            }
            Ok(())
        });
        departing.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    async fn change(
        &self,
        node: i32,
        change: impl FnOnce(&State) + Send + 'static,
    ) -> Result<(), NodeError> {
        self.check_node(node)?;
        let running = self.running();
        let state = Arc::clone(&running.state);
        let changing = running.runtime.spawn(async move { on_a_thread(&state, change).await });
        changing.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        Ok(())
    }

    fn check_node(&self, node: i32) -> Result<(), NodeError> {
        match self.state().metadata.has_node(node) {
            true => Ok(()),
            false => Err(NodeError::NoSuchNode { node }),
        }
    }
}

/// Returns an error unless the node is in one of these states.
fn expect(wanted: &[&str], socket: &NodeSocket, state: &State) -> Result<(), NodeError> {
    let found = state_of(socket, state);
    if wanted.contains(&found) {
        return Ok(());
    }
    Err(NodeError::WrongState { node: socket.id, state: found })
}

fn state_of(socket: &NodeSocket, state: &State) -> &'static str {
    match (socket.is_listening(), state.faults.is_paused(socket.id)) {
        (false, _) => STOPPED,
        (true, true) => PAUSED,
        (true, false) => RUNNING,
    }
}
