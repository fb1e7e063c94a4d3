//! Moves replicas to another directory of their node (AlterReplicaLogDirs, KIP-113). A node with
//! one directory has no other place for them.

use kafka_protocol::messages::alter_replica_log_dirs_request::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic,
};
use kafka_protocol::messages::{AlterReplicaLogDirsRequest, DescribeLogDirsRequest};
use wire_client::raw::RawClient;
use wire_client::requests::{text, topic_name};

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("log_dirs":
    moved_to_where_it_is,
    moved_to_where_it_is_by_the_oldest_version,
    moved_to_an_unknown_directory,
    moved_to_a_relative_path,
    moved_to_no_path,
    moved_of_an_unknown_topic,
    moved_of_an_unknown_partition,
    moved_of_an_unknown_topic_to_an_unknown_directory,
    moved_of_a_node_without_a_replica,
    moved_of_nothing,
    moved_of_no_partitions,
    moved_to_two_directories,
);

/// Returns the directory of a node.
fn directory(node: &mut RawClient) -> Result<String, Failure> {
    let answer = node.try_call(4, &DescribeLogDirsRequest::default().with_topics(Some(vec![])))?;
    Ok(answer.results[0].log_dir.to_string())
}

fn to(path: &str, topic: &str, partitions: &[i32]) -> AlterReplicaLogDir {
    let topic = AlterReplicaLogDirTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(partitions.to_vec());
    AlterReplicaLogDir::default().with_path(text(path)).with_topics(vec![topic])
}

/// Returns the errors, partition by partition.
fn moved(node: &mut RawClient, version: i16, dirs: Vec<AlterReplicaLogDir>) -> Outcome {
    let answer = node.try_call(version, &AlterReplicaLogDirsRequest::default().with_dirs(dirs))?;
    let mut told: Vec<String> = Vec::new();
    for topic in &answer.results {
        let mut all: Vec<_> = topic.partitions.iter().collect();
        all.sort_by_key(|it| it.partition_index);
        told.extend(
            all.iter().map(|it| format!("{}: {}", it.partition_index, name(it.error_code))),
        );
    }
    Ok(format!("{} topics [{}]", answer.results.len(), told.join(", ")))
}

/// Creates a topic of two partitions with a replica on every node, and returns it with the node
/// that leads the first partition.
fn set(scene: &Scene) -> Result<(RawClient, String, String), Failure> {
    let topic = scene.topic(2)?;
    let mut node = scene.leader(&topic, 0)?;
    let path = directory(&mut node)?;
    Ok((node, topic, path))
}

fn moved_to_where_it_is(scene: &Scene) -> Outcome {
    let (mut node, topic, path) = set(scene)?;
    moved(&mut node, 2, vec![to(&path, &topic, &[0])])
}

fn moved_to_where_it_is_by_the_oldest_version(scene: &Scene) -> Outcome {
    let (mut node, topic, path) = set(scene)?;
    moved(&mut node, 1, vec![to(&path, &topic, &[0])])
}

fn moved_to_an_unknown_directory(scene: &Scene) -> Outcome {
    let (mut node, topic, _) = set(scene)?;
    moved(&mut node, 2, vec![to("/no/such/directory", &topic, &[0])])
}

fn moved_to_a_relative_path(scene: &Scene) -> Outcome {
    let (mut node, topic, _) = set(scene)?;
    moved(&mut node, 2, vec![to("directory", &topic, &[0])])
}

fn moved_to_no_path(scene: &Scene) -> Outcome {
    let (mut node, topic, _) = set(scene)?;
    moved(&mut node, 2, vec![to("", &topic, &[0])])
}

fn moved_of_an_unknown_topic(scene: &Scene) -> Outcome {
    let mut node = scene.node()?;
    let path = directory(&mut node)?;
    moved(&mut node, 2, vec![to(&path, &scene.name("none"), &[0])])
}

fn moved_of_an_unknown_partition(scene: &Scene) -> Outcome {
    let (mut node, topic, path) = set(scene)?;
    moved(&mut node, 2, vec![to(&path, &topic, &[0, 7, -1])])
}

fn moved_of_an_unknown_topic_to_an_unknown_directory(scene: &Scene) -> Outcome {
    let topic = scene.name("none");
    moved(&mut scene.node()?, 2, vec![to("/no/such/directory", &topic, &[0])])
}

fn moved_of_a_node_without_a_replica(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 1, &[])?;
    let mut node = scene.follower(&topic, 0)?;
    let path = directory(&mut node)?;
    moved(&mut node, 2, vec![to(&path, &topic, &[0])])
}

fn moved_of_nothing(scene: &Scene) -> Outcome {
    moved(&mut scene.node()?, 2, vec![])
}

fn moved_of_no_partitions(scene: &Scene) -> Outcome {
    let (mut node, topic, path) = set(scene)?;
    moved(&mut node, 2, vec![to(&path, &topic, &[])])
}

fn moved_to_two_directories(scene: &Scene) -> Outcome {
    let (mut node, topic, path) = set(scene)?;
    moved(&mut node, 2, vec![to("/no/such/directory", &topic, &[0]), to(&path, &topic, &[0, 1])])
}
