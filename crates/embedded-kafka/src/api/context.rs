//! What a handler knows beside its request: who asked which node, and whether that node is the
//! coordinator that was meant.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;
use parking_lot::Mutex;

use super::describe::{self, Asked};
use crate::log::Position;
use crate::metadata::{Partition, names};
use crate::state::State;
use crate::time::Timestamp;
use crate::wait::wait_for;

/// How long an answer waits for what a coordinator wrote to be safe (`offsets.commit.timeout.ms`).
const COORDINATOR_WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a handler knows beside the request itself.
pub(crate) struct Context {
    /// The cluster's state, shared by all nodes.
    pub(crate) state: Arc<State>,
    /// The node whose socket the request came in on.
    pub(crate) node: i32,
    /// The client's own name for itself (`client.id`), empty where it gave none.
    pub(crate) client_id: StrBytes,
    /// Where the client connected from.
    pub(crate) client_host: std::net::IpAddr,
    /// When the request was read.
    pub(crate) now: Timestamp,
    /// What this node coordinates of what was asked, with the leader epoch in which it does.
    pub(crate) coordinated: Mutex<Vec<(Coordinated, i32)>>,
}

/// A partition in which a coordinator keeps what it knows.
#[derive(Debug, Clone)]
pub(crate) enum Coordinated {
    Groups(Arc<Partition>),
    Transactions(Arc<Partition>),
}

impl Context {
    /// What a request asks, where somebody listens.
    pub(super) fn in_words(&self, request: &dyn Any) -> Asked {
        if self.state.events.are_heard() { describe::request(request) } else { Asked::default() }
    }

    /// The rack of a node as responses tell it, where it has one (`broker.rack`).
    pub(super) fn rack_of(&self, node: i32) -> Option<StrBytes> {
        self.state.settings.rack(node).map(|rack| StrBytes::from_string(rack.to_owned()))
    }

    /// Whether this node coordinates the group, which must have a name for anyone to join it.
    pub(crate) fn check_members_coordinator(&self, group_id: &str) -> Result<(), ResponseError> {
        if group_id.is_empty() {
            return Err(ResponseError::InvalidGroupId);
        }
        self.check_coordinator(group_id)
    }

    /// Whether this node coordinates the group, and knows all of it.
    pub(crate) fn check_coordinator(&self, group_id: &str) -> Result<(), ResponseError> {
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
        self.coordinated.lock().push((Coordinated::Groups(partition), epoch));
        Ok(())
    }

    /// Whether this node coordinates the transactional id, and knows all of it. An empty one is
    /// nobody's.
    pub(crate) fn check_transaction_coordinator(
        &self,
        transactional_id: &str,
    ) -> Result<(), ResponseError> {
        if transactional_id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        let partition = self.state.metadata.transaction_partition(transactional_id);
        let partition = partition.map_err(|_| ResponseError::NotCoordinator)?;
        let epoch = partition
            .with(|it| it.replication.is_led_by(self.node).then(|| it.replication.epoch()));
        let epoch = epoch.ok_or(ResponseError::NotCoordinator)?;
        if self.state.transactions.is_unloaded(partition.index) {
            return Err(ResponseError::CoordinatorLoadInProgress);
        }
        self.coordinated.lock().push((Coordinated::Transactions(partition), epoch));
        Ok(())
    }

    /// Waits until all that this node's coordinators have written, for this request or before it,
    /// outlives the leader. Undisturbed, it does at once.
    ///
    /// # Errors
    /// As Kafka answers: `NOT_COORDINATOR` where another coordinates meanwhile,
    /// `COORDINATOR_NOT_AVAILABLE` where too few replicas have it in time
    /// (`offsets.commit.timeout.ms`).
    pub(super) async fn written_for_good(&self) -> Result<(), ResponseError> {
        let coordinated = std::mem::take(&mut *self.coordinated.lock());
        for (what, epoch) in coordinated {
            let (partition, is_closed) = match &what {
                Coordinated::Groups(it) => (it, self.state.groups.is_unloaded(it.index)),
                Coordinated::Transactions(it) => {
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
