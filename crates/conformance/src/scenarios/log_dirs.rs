//! Describes the replicas on a node (DescribeLogDirs).

use kafka_protocol::messages::DescribeLogDirsRequest;
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use wire_client::raw::RawClient;
use wire_client::requests::topic_name;

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("log_dirs":
    of_an_empty_partition,
    of_a_partition_with_records,
    of_a_follower,
    of_a_node_without_a_replica,
    of_some_partitions,
    of_an_unknown_partition,
    of_an_unknown_topic,
    of_no_partitions,
    of_no_topics,
    of_a_partition_named_twice,
    of_everything,
    of_everything_by_the_oldest_version,
    after_records_are_deleted,
    of_a_deleted_topic,
);

/// Describes a topic's partitions on a node, in their order; all partitions if `asked` is `None`.
fn told(
    node: &mut RawClient,
    version: i16,
    topic: &str,
    asked: Option<Vec<DescribableLogDirTopic>>,
) -> Outcome {
    let request = DescribeLogDirsRequest::default().with_topics(asked);
    let answer = node.try_call(version, &request)?;
    let mut replicas = Vec::new();
    for directory in &answer.results {
        let topics = directory.topics.iter().filter(|it| **it.name == *topic);
        for it in topics.flat_map(|topic| &topic.partitions) {
            let future = if it.is_future_key { ", moving" } else { "" };
            let (partition, bytes, lag) = (it.partition_index, it.partition_size, it.offset_lag);
            replicas.push(format!("{partition}: {bytes} bytes, {lag} behind{future}"));
        }
    }
    replicas.sort_unstable();
    if replicas.is_empty() {
        replicas.push("nothing".to_owned());
    }
    let errors = answer.results.iter().map(|it| name(it.error_code)).collect::<Vec<_>>();
    Ok(format!("{} [{}]: {}", name(answer.error_code), errors.join(", "), replicas.join("; ")))
}

fn asked(topic: &str, partitions: &[i32]) -> Vec<DescribableLogDirTopic> {
    let topic = DescribableLogDirTopic::default().with_topic(topic_name(topic));
    vec![topic.with_partitions(partitions.to_vec())]
}

/// Describes these partitions on the leader of partition 0.
fn of(scene: &Scene, topic: &str, partitions: &[i32]) -> Outcome {
    told(&mut scene.leader(topic, 0)?, 4, topic, Some(asked(topic, partitions)))
}

/// Creates a topic of one partition with three records, each in its own batch.
fn written(scene: &Scene, replicas: i16) -> Result<String, Failure> {
    let topic = scene.topic_with(1, replicas, &[])?;
    let producer = scene.producer(&[])?;
    for value in ["EHAM", "KSEA", "KJFK"] {
        scene.send(&producer, &topic, 0, &[value]);
    }
    Ok(topic)
}

fn of_an_empty_partition(scene: &Scene) -> Outcome {
    of(scene, &scene.topic(1)?, &[0])
}

fn of_a_partition_with_records(scene: &Scene) -> Outcome {
    of(scene, &written(scene, 1)?, &[0])
}

fn of_a_follower(scene: &Scene) -> Outcome {
    let topic = written(scene, 3)?;
    let leader = of(scene, &topic, &[0])?;
    // It has fetched everything, and learns of the high watermark with its next fetch.
    scene.until("the follower tells what the leader does", || {
        let mut follower = scene.follower(&topic, 0)?;
        let follower = told(&mut follower, 4, &topic, Some(asked(&topic, &[0])))?;
        Ok((follower == leader).then_some(follower))
    })
}

fn of_a_node_without_a_replica(scene: &Scene) -> Outcome {
    let topic = written(scene, 1)?;
    told(&mut scene.follower(&topic, 0)?, 4, &topic, Some(asked(&topic, &[0])))
}

fn of_some_partitions(scene: &Scene) -> Outcome {
    let topic = scene.topic(4)?;
    once_made(scene, 2, || of(scene, &topic, &[3, 1]))
}

/// Repeats the request until the node has created this many replicas. A leader serves its
/// partitions before a follower has created any.
fn once_made(scene: &Scene, partitions: usize, mut tell: impl FnMut() -> Outcome) -> Outcome {
    scene.until("the node has made its replicas", || {
        let told = tell()?;
        Ok((told.matches("bytes").count() >= partitions).then_some(told))
    })
}

fn of_an_unknown_partition(scene: &Scene) -> Outcome {
    of(scene, &scene.topic(1)?, &[0, 7, -1])
}

fn of_an_unknown_topic(scene: &Scene) -> Outcome {
    let topic = scene.name("topic");
    told(&mut scene.node()?, 4, &topic, Some(asked(&topic, &[0])))
}

fn of_no_partitions(scene: &Scene) -> Outcome {
    of(scene, &scene.topic(1)?, &[])
}

fn of_no_topics(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    told(&mut scene.node()?, 4, &topic, Some(Vec::new()))
}

fn of_a_partition_named_twice(scene: &Scene) -> Outcome {
    of(scene, &scene.topic(1)?, &[0, 0])
}

fn of_everything(scene: &Scene) -> Outcome {
    let topic = scene.topic(2)?;
    once_made(scene, 2, || told(&mut scene.node()?, 4, &topic, None))
}

fn of_everything_by_the_oldest_version(scene: &Scene) -> Outcome {
    let topic = scene.topic(2)?;
    once_made(scene, 2, || told(&mut scene.node()?, 1, &topic, None))
}

fn after_records_are_deleted(scene: &Scene) -> Outcome {
    let topic = written(scene, 1)?;
    let mut all = rdkafka::TopicPartitionList::new();
    all.add_partition_offset(&topic, 0, rdkafka::Offset::Offset(2))?;
    let (admin, options) = scene.admin()?;
    let deleted = crate::names::result(&scene.wait(admin.delete_records(&all, &options)));
    Ok(format!("{deleted}, {}", of(scene, &topic, &[0])?))
}

fn of_a_deleted_topic(scene: &Scene) -> Outcome {
    let topic = written(scene, 1)?;
    let mut leader = scene.leader(&topic, 0)?;
    let (admin, options) = scene.admin()?;
    scene.wait(admin.delete_topics(&[&topic], &options))?;
    scene.until("no node describes it", || {
        let told = told(&mut leader, 4, &topic, Some(asked(&topic, &[0])))?;
        Ok((!told.contains("bytes")).then_some(told))
    })
}
