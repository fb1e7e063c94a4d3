//! What the tests of transactions share: a transactional producer that sends one request at a time.

use kafka_protocol::messages::FindCoordinatorRequest;
pub use wire_client::transactions::{
    Producer, add_offsets, add_partitions, commit, end, initialize,
};

use crate::errors::CONCURRENT_TRANSACTIONS;
use crate::raw::RawClient;
use crate::requests::text;
use crate::{TestCluster, eventually};

/// A transactional id that no one else uses.
pub fn transactional_id() -> String {
    format!("test-{}", uuid::Uuid::new_v4().simple())
}

/// A transactional id and a connection to the node that coordinates it.
#[derive(Debug)]
pub struct Transactional {
    /// The id.
    pub id: String,
    /// A connection to its coordinator.
    pub coordinator: RawClient,
    /// A connection to another node.
    pub elsewhere: RawClient,
}

impl Transactional {
    /// A new id and its coordinator.
    pub fn new(cluster: &TestCluster) -> Transactional {
        let id = transactional_id();
        let mut client = cluster.connect();
        let request = FindCoordinatorRequest::default()
            .with_key_type(1)
            .with_coordinator_keys(vec![text(&id)]);
        let address = eventually("the transactional id has a coordinator", || {
            let found = client.call(4, &request).coordinators.remove(0);
            (found.error_code == 0).then(|| format!("{}:{}", found.host.as_str(), found.port))
        });
        let other = cluster.addresses().into_iter().find(|it| *it != address);
        let elsewhere = RawClient::connect(&other.expect("there are three nodes"));
        let mut it = Transactional { id, coordinator: RawClient::connect(&address), elsewhere };
        // Right after __transaction_state was created its leaders are still reading it.
        let (id, none) = (it.id.clone(), (-1, -1));
        eventually("the coordinator has loaded its transactions", || {
            let answer = it.coordinator.call(3, &end(&id, none, true)).error_code;
            (![14, 15, 16].contains(&answer)).then_some(())
        });
        it
    }

    /// InitProducerId; answers with the error and the producer.
    pub fn init(&mut self, version: i16, timeout_ms: i32, expected: Producer) -> (i16, Producer) {
        let request = initialize(&self.id, timeout_ms, expected);
        let answer = self.coordinator.call(version, &request);
        (answer.error_code, (answer.producer_id.0, answer.producer_epoch))
    }

    /// InitProducerId until no transaction is in the way.
    pub fn producer(&mut self) -> Producer {
        eventually("the producer has its id", || {
            let (error, producer) = self.init(4, 60_000, (-1, -1));
            assert!([0, CONCURRENT_TRANSACTIONS].contains(&error), "error {error}");
            (error == 0).then_some(producer)
        })
    }

    /// AddPartitionsToTxn; answers with the errors in the order of the partitions.
    pub fn add(&mut self, version: i16, producer: Producer, topics: &[(&str, &[i32])]) -> Vec<i16> {
        let request = add_partitions(&self.id, producer, topics);
        let answer = self.coordinator.call(version, &request);
        let topics = answer.results_by_topic_v3_and_below.iter();
        let results = topics.flat_map(|topic| &topic.results_by_partition);
        let mut results: Vec<_> =
            results.map(|it| (it.partition_index, it.partition_error_code)).collect();
        results.sort_unstable();
        results.into_iter().map(|(_, error)| error).collect()
    }

    /// AddPartitionsToTxn until the transaction before is complete.
    pub fn begin(&mut self, producer: Producer, topics: &[(&str, &[i32])]) {
        eventually("the partitions are added", || {
            let errors = self.add(3, producer, topics);
            assert!(
                errors.iter().all(|it| [0, CONCURRENT_TRANSACTIONS].contains(it)),
                "{errors:?}"
            );
            errors.iter().all(|it| *it == 0).then_some(())
        });
    }

    /// EndTxn; answers with the error.
    pub fn end(&mut self, version: i16, producer: Producer, commit: bool) -> i16 {
        self.coordinator.call(version, &end(&self.id, producer, commit)).error_code
    }

    /// EndTxn until the markers are written.
    pub fn ended(&mut self, producer: Producer, commit: bool) -> i16 {
        eventually("the transaction is complete", || {
            let error = self.end(3, producer, commit);
            (error != CONCURRENT_TRANSACTIONS).then_some(error)
        })
    }
}
