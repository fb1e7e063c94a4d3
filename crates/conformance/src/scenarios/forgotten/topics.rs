//! Deletes and creates the topics of the coordinators.

use kafka_protocol::messages::MetadataRequest;
use wire_client::raw::RawClient;
use wire_client::requests::{create_topic, delete_topic, metadata};

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::Outcome;
use crate::scene::Scene;

/// The topic with the state of group coordinators.
pub(super) const OFFSETS: &str = "__consumer_offsets";

/// The topic with the state of transaction coordinators.
pub(super) const TRANSACTIONS: &str = "__transaction_state";

/// Deletes a topic, and waits until no node knows it.
pub(super) fn delete(scene: &Scene, topic: &str) -> Outcome {
    let answer = scene.node()?.try_call(5, &delete_topic(topic))?;
    for address in scene.bootstrap_servers().split(',') {
        let mut node = RawClient::try_connect(address)?;
        scene.until("no node knows the topic", || {
            let answer = node.try_call(12, &metadata(&[topic]))?;
            Ok((answer.topics[0].error_code == 3).then_some(()))
        })?;
    }
    Ok(name(answer.responses[0].error_code))
}

/// Repeats a request until the node responds that it is not the coordinator: it learns of the
/// topic's deletion asynchronously.
pub(super) fn until_no_coordinator(
    scene: &Scene,
    mut ask: impl FnMut() -> Outcome,
) -> Result<(), Failure> {
    scene.until("the node coordinates nothing", || {
        Ok(ask()?.starts_with("NOT_COORDINATOR").then_some(()))
    })
}

/// Creates a topic as an administrator does, and waits until its leaders serve it.
pub(super) fn create(scene: &Scene, topic: &str, partitions: i32) -> Outcome {
    let settings = [("cleanup.policy", "compact")];
    let answer = scene.node()?.try_call(7, &create_topic(topic, partitions, 3, &settings))?;
    scene.wait_for_leaders(topic, partitions)?;
    Ok(name(answer.topics[0].error_code))
}

/// Returns the number of partitions of a topic.
pub(super) fn partitions(scene: &Scene, topic: &str) -> Result<usize, Failure> {
    let request: MetadataRequest = metadata(&[topic]);
    Ok(scene.node()?.try_call(12, &request)?.topics[0].partitions.len())
}

/// Formats requests, each with its response.
pub(super) fn told(answers: &[(&str, String)]) -> String {
    let told = answers.iter().map(|(asked, answer)| format!("{asked} {answer}"));
    told.collect::<Vec<_>>().join("; ")
}
