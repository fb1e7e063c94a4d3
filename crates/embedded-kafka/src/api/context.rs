//! The context of a request: the client that sent it, the node that received it, and the check that
//! this node is the coordinator.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;
use parking_lot::Mutex;

use super::words::Asked;
use crate::inspect::Observed;
use crate::log::Position;
use crate::metadata::{Partition, names};
use crate::state::State;
use crate::time::Timestamp;
use crate::wait::wait_for;

/// The time that a response waits for a coordinator's write to be replicated
/// (`offsets.commit.timeout.ms`).
const COORDINATOR_WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The context that a handler gets with a request.
pub(crate) struct Context {
    /// The cluster's state, shared by all nodes.
    pub(crate) state: Arc<State>,
    /// The node whose socket the request came in on.
    pub(crate) node: i32,
    /// The client's own name for itself (`client.id`), empty if it gave none.
    pub(crate) client_id: StrBytes,
    /// The address that the client connected from.
    pub(crate) client_host: std::net::IpAddr,
    /// The time at which the request was read.
    pub(crate) now: Timestamp,
    /// The coordinators that the handler wrote to, each with the leader epoch in which it did.
    written: Mutex<Vec<(Coordinator, i32)>>,
    /// The call, if a closure inspects it.
    observed: Option<Mutex<Observed>>,
}

/// The partition in which a coordinator keeps its state.
#[derive(Debug, Clone)]
enum Coordinator {
    Groups(Arc<Partition>),
    Transactions(Arc<Partition>),
}

/// Rejects an empty group id, which names no group that a client could be a member of.
pub(super) fn named_group(group_id: &str) -> Result<&str, ResponseError> {
    if group_id.is_empty() { Err(ResponseError::InvalidGroupId) } else { Ok(group_id) }
}

impl Context {
    /// Creates the context of a request that `node` has read at this moment.
    pub(super) fn new(
        state: &Arc<State>,
        node: i32,
        client_id: StrBytes,
        client_host: std::net::IpAddr,
        observed: Option<Observed>,
    ) -> Self {
        let (now, written) = (state.clock.now(), Mutex::default());
        let observed = observed.map(Mutex::new);
        Self { state: Arc::clone(state), node, client_id, client_host, now, written, observed }
    }

    /// Keeps a copy of the request, if a closure inspects the call.
    pub(super) fn observe_request(&self, request: &(impl Clone + Send + Sync + 'static)) {
        if let Some(observed) = &self.observed {
            observed.lock().set_request(request.clone());
        }
    }

    /// Keeps a copy of the response, if a closure inspects the call.
    pub(super) fn observe_response(&self, response: &(impl Clone + Send + Sync + 'static)) {
        if let Some(observed) = &self.observed {
            observed.lock().set_response(response.clone());
        }
    }

    /// Returns the observed call, once it has been handled.
    pub(super) fn into_observed(self) -> Option<Observed> {
        self.observed.map(Mutex::into_inner)
    }

    /// Describes a request, if someone listens.
    pub(super) fn asked(&self, describe: impl FnOnce() -> Asked) -> Asked {
        if self.state.events.are_heard() { describe() } else { Asked::default() }
    }

    /// Returns the rack of a node in the form of a response, if it has one (`broker.rack`).
    pub(super) fn rack_of(&self, node: i32) -> Option<StrBytes> {
        self.state.settings.rack(node).map(|rack| StrBytes::from_string(rack.to_owned()))
    }

    /// Checks that this node coordinates the group, for a handler that only shows what the
    /// coordinator has in memory. The response is sent at once.
    pub(super) fn check_group_read(&self, group_id: &str) -> Result<(), ResponseError> {
        self.group_coordinator(group_id).map(drop)
    }

    /// Checks that this node coordinates the group, for a handler that writes, or whose client must
    /// not read a state that a failover could take back. The response is held back until everything
    /// that the coordinator has written is replicated.
    pub(super) fn check_group_write(&self, group_id: &str) -> Result<(), ResponseError> {
        let (partition, epoch) = self.group_coordinator(group_id)?;
        self.written.lock().push((Coordinator::Groups(partition), epoch));
        Ok(())
    }

    /// Like [`check_group_read`](Self::check_group_read), for a transactional id. An empty one is
    /// invalid.
    pub(super) fn check_transaction_read(&self, id: &str) -> Result<(), ResponseError> {
        self.transaction_coordinator(id).map(drop)
    }

    /// Like [`check_group_write`](Self::check_group_write), for a transactional id. An empty one is
    /// invalid.
    pub(super) fn check_transaction_write(&self, id: &str) -> Result<(), ResponseError> {
        let (partition, epoch) = self.transaction_coordinator(id)?;
        self.written.lock().push((Coordinator::Transactions(partition), epoch));
        Ok(())
    }

    /// Finds the partition in which this node coordinates the group, and its leader epoch.
    fn group_coordinator(&self, group_id: &str) -> Result<(Arc<Partition>, i32), ResponseError> {
        let metadata = &self.state.metadata;
        let partition = metadata
            .partition(names::CONSUMER_OFFSETS, metadata.offsets_partition(group_id))
            .map_err(|_| ResponseError::NotCoordinator)?;
        let epoch = partition.with(|it| match it.replication.leader() {
            Some(_) if it.replication.is_led_by(self.node) => Ok(it.replication.epoch()),
            Some(_) => Err(ResponseError::NotCoordinator),
            None => Err(ResponseError::CoordinatorNotAvailable),
        })?;
        if self.state.groups.is_unloaded(partition.index) {
            return Err(ResponseError::CoordinatorLoadInProgress);
        }
        Ok((partition, epoch))
    }

    /// Finds the partition in which this node coordinates the transactional id, and its leader
    /// epoch.
    fn transaction_coordinator(&self, id: &str) -> Result<(Arc<Partition>, i32), ResponseError> {
        if id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        let partition = self.state.metadata.transaction_partition(id);
        let partition = partition.map_err(|_| ResponseError::NotCoordinator)?;
        let epoch = partition
            .with(|it| it.replication.is_led_by(self.node).then(|| it.replication.epoch()));
        let epoch = epoch.ok_or(ResponseError::NotCoordinator)?;
        if self.state.transactions.is_unloaded(partition.index) {
            return Err(ResponseError::CoordinatorLoadInProgress);
        }
        Ok((partition, epoch))
    }

    /// Waits until everything that this node's coordinators have written, for this request or
    /// before it, is replicated and outlives the leader. Undisturbed, it is at once.
    ///
    /// # Errors
    /// As in Kafka: `NOT_COORDINATOR` if another node became the coordinator,
    /// `COORDINATOR_NOT_AVAILABLE` if too few replicas have the write in time
    /// (`offsets.commit.timeout.ms`).
    pub(super) async fn until_replicated(&self) -> Result<(), ResponseError> {
        let written = std::mem::take(&mut *self.written.lock());
        for (coordinator, epoch) in written {
            let (partition, is_closed) = match &coordinator {
                Coordinator::Groups(it) => (it, self.state.groups.is_unloaded(it.index)),
                Coordinator::Transactions(it) => {
                    (it, self.state.transactions.is_unloaded(it.index))
                }
            };
            if is_closed {
                return Err(ResponseError::NotCoordinator);
            }
            let end = partition.with(|it| it.log.end_offset());
            let position = Position { end, epoch };
            let deadline = tokio::time::Instant::now() + COORDINATOR_WRITE_TIMEOUT;
            let decided = || partition.with(|it| it.coordinator_outcome(&position));
            match wait_for(&[&partition.changed], Some(deadline), decided).await {
                Some(Ok(())) => {}
                Some(Err(ResponseError::NotLeaderOrFollower)) => {
                    return Err(ResponseError::NotCoordinator);
                }
                Some(Err(_)) | None => return Err(ResponseError::CoordinatorNotAvailable),
            }
        }
        Ok(())
    }
}
