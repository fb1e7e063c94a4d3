//! A producer in a transaction, and its readers.

use rdkafka::producer::Producer;
use wire_client::requests::fetch;

use crate::client::{PATIENCE, Sender};
use crate::failure::Failure;
use crate::scenario::Outcome;
use crate::scene::Scene;

impl Scene {
    /// Creates a transactional producer that has its id.
    pub(crate) fn transactional(&self, id: &str) -> Result<Sender, Failure> {
        let producer = self.producer(&[("transactional.id", id)])?;
        producer.init_transactions(PATIENCE)?;
        Ok(producer)
    }
}

/// A topic of two partitions, and a producer in a transaction that has sent one record.
pub(super) struct Open {
    pub(super) topic: String,
    pub(super) id: String,
    pub(super) producer: Sender,
}

impl Open {
    pub(super) fn new(scene: &Scene) -> Result<Self, Failure> {
        let (topic, id) = (scene.topic(2)?, scene.name("id"));
        let producer = scene.transactional(&id)?;
        producer.begin_transaction()?;
        scene.send(&producer, &topic, 0, &["one"]);
        Ok(Self { topic, id, producer })
    }

    pub(super) fn committed(scene: &Scene) -> Result<Self, Failure> {
        let open = Self::new(scene)?;
        open.producer.commit_transaction(PATIENCE)?;
        Ok(open)
    }

    /// Returns what readers of both isolation levels see in partition 0, once it is `ended`.
    pub(super) fn read(&self, scene: &Scene) -> Outcome {
        let committed = scene.values(&self.topic, 0, "read_committed")?;
        let all = scene.values(&self.topic, 0, "read_uncommitted")?;
        Ok(format!("{committed}; all: {all}"))
    }
}

/// Waits until readers of committed records may read up to `end`. The client receives its response
/// when the end of a transaction is decided, and a partition learns of it a little later.
pub(super) fn wait_for_the_end(scene: &Scene, open: &Open, end: i64) -> Result<(), Failure> {
    let mut leader = scene.leader(&open.topic, 0)?;
    scene.until("the partition has the marker", || {
        let answer = leader.try_call(12, &fetch(&open.topic, 0, 0))?;
        Ok((answer.responses[0].partitions[0].last_stable_offset == end).then_some(()))
    })
}
