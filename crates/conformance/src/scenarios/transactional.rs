//! A transactional id, and the requests to its coordinator.

use wire_client::raw::RawClient;
use wire_client::transactions::{Producer, add_partitions, end, initialize};

use crate::failure::Failure;
use crate::names::{name, names};
use crate::scenario::Outcome;
use crate::scene::Scene;

/// The producer id and epoch of a client that has no producer yet.
pub(super) const NO_PRODUCER: Producer = (-1, -1);

/// A transactional id and its coordinator.
pub(super) struct Transactional {
    pub(super) id: String,
    pub(super) coordinator: RawClient,
}

impl Transactional {
    pub(super) fn new(scene: &Scene) -> Result<Self, Failure> {
        let id = scene.name("id");
        let address = scene.coordinator_address(1, &id)?;
        let mut coordinator = RawClient::try_connect(&address)?;
        // Right after __transaction_state was created, its leaders are still loading it.
        scene.until("the coordinator has loaded its transactions", || {
            let answer = coordinator.try_call(3, &end(&id, NO_PRODUCER, true))?.error_code;
            Ok((![14, 15, 16].contains(&answer)).then_some(()))
        })?;
        Ok(Self { id, coordinator })
    }

    /// Sends InitProducerId, and returns the error and the producer.
    pub(super) fn init(
        &mut self,
        timeout: i32,
        expected: Producer,
    ) -> Result<(String, Producer), Failure> {
        let answer = self.coordinator.try_call(4, &initialize(&self.id, timeout, expected))?;
        Ok((name(answer.error_code), (answer.producer_id.0, answer.producer_epoch)))
    }

    /// Returns the producer, once no transaction is in progress.
    pub(super) fn producer(&mut self, scene: &Scene, timeout: i32) -> Result<Producer, Failure> {
        scene.until("the producer has its id", || {
            let (error, producer) = self.init(timeout, NO_PRODUCER)?;
            Ok((error == "ok").then_some(producer))
        })
    }

    /// Sends AddPartitionsToTxn, and returns the errors by partition.
    pub(super) fn add(
        &mut self,
        version: i16,
        producer: Producer,
        topics: &[(&str, &[i32])],
    ) -> Outcome {
        let request = add_partitions(&self.id, producer, topics);
        let answer = self.coordinator.try_call(version, &request)?;
        let topics = answer.results_by_topic_v3_and_below.iter();
        let mut all: Vec<_> = topics.flat_map(|it| &it.results_by_partition).collect();
        all.sort_by_key(|it| it.partition_index);
        Ok(names(all.iter().map(|it| it.partition_error_code)))
    }

    /// Sends EndTxn.
    pub(super) fn end(&mut self, version: i16, producer: Producer, commit: bool) -> Outcome {
        let answer = self.coordinator.try_call(version, &end(&self.id, producer, commit))?;
        Ok(name(answer.error_code))
    }
}
