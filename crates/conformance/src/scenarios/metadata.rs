//! Metadata of topics and of the cluster.

use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeTopicPartitionsRequest, MetadataRequest,
};
use rdkafka::consumer::Consumer;
use uuid::Uuid;
use wire_client::requests::{metadata, topic_name};

use crate::client::PATIENCE;
use crate::failure::Failure;
use crate::names::{name, names};
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("metadata":
    of_a_topic,
    of_an_unknown_topic,
    of_an_invalid_name,
    of_an_empty_name,
    of_no_topic,
    of_a_topic_named_twice,
    of_a_topic_by_its_id,
    of_an_unknown_id,
    of_an_internal_topic,
    of_the_cluster_as_a_client_sees_it,
    operations_that_are_allowed,
    operations_that_are_allowed_on_an_unknown_topic,
    operations_that_are_allowed_on_the_cluster,
    operations_that_are_allowed_on_the_described_cluster,
    operations_that_are_allowed_on_a_described_topic,
    creates_a_topic,
    creates_no_topic_of_an_invalid_name,
    creates_no_topic_of_a_colliding_name,
    cluster,
    cluster_of_controllers,
    partitions_of_a_topic,
    partitions_of_an_unknown_topic,
    partitions_of_an_invalid_name,
    partitions_up_to_a_limit,
    partitions_from_a_cursor,
    partitions_from_a_cursor_below_zero,
    partitions_within_a_limit_of_none,
);

fn errors(scene: &Scene, version: i16, request: &MetadataRequest) -> Outcome {
    let answer = scene.node()?.try_call(version, request)?;
    let errors = names(answer.topics.iter().map(|it| it.error_code));
    Ok(if answer.topics.is_empty() { "no topics".to_owned() } else { errors })
}

fn of_a_topic(scene: &Scene) -> Outcome {
    let topic = scene.topic(2)?;
    let answer = scene.node()?.try_call(12, &metadata(&[&topic]))?;
    let partitions = answer.topics[0].partitions.iter();
    let described: Vec<String> = partitions
        .map(|it| format!("{} replicas, {} in sync", it.replica_nodes.len(), it.isr_nodes.len()))
        .collect();
    Ok(format!("{} nodes; {}", answer.brokers.len(), described.join("; ")))
}

fn of_an_unknown_topic(scene: &Scene) -> Outcome {
    errors(scene, 12, &metadata(&[&scene.name("topic")]))
}

fn of_an_invalid_name(scene: &Scene) -> Outcome {
    errors(scene, 12, &metadata(&["a/b"]))
}

fn of_an_empty_name(scene: &Scene) -> Outcome {
    errors(scene, 12, &metadata(&[""]))
}

fn of_no_topic(scene: &Scene) -> Outcome {
    errors(scene, 12, &metadata(&[]))
}

fn of_a_topic_named_twice(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    errors(scene, 12, &metadata(&[&topic, &topic]))
}

/// Builds a Metadata request with a topic's id.
fn by_id(id: Uuid) -> MetadataRequest {
    let topic = MetadataRequestTopic::default().with_topic_id(id).with_name(None);
    metadata(&[]).with_topics(Some(vec![topic]))
}

fn of_a_topic_by_its_id(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let id = scene.node()?.try_call(12, &metadata(&[&topic]))?.topics[0].topic_id;
    let answer = scene.node()?.try_call(12, &by_id(id))?;
    let named = answer.topics[0].name == Some(topic_name(&topic));
    let error = name(answer.topics[0].error_code);
    Ok(format!("{error}, {}", if named { "named" } else { "not named" }))
}

fn of_an_unknown_id(scene: &Scene) -> Outcome {
    errors(scene, 12, &by_id(Uuid::new_v4()))
}

fn of_an_internal_topic(scene: &Scene) -> Outcome {
    let answer = scene.node()?.try_call(12, &metadata(&["__consumer_offsets"]))?;
    let topic = &answer.topics[0];
    Ok(format!("{}, internal: {}", name(topic.error_code), topic.is_internal))
}

fn of_the_cluster_as_a_client_sees_it(scene: &Scene) -> Outcome {
    let topic = scene.topic(4)?;
    let consumer = scene.consumer(&scene.name("group"), &[])?;
    let metadata = consumer.fetch_metadata(Some(&topic), PATIENCE)?;
    let partitions = metadata.topics().first().map_or(0, |it| it.partitions().len());
    Ok(format!("{} nodes, {partitions} partitions", metadata.brokers().len()))
}

fn operations_that_are_allowed(scene: &Scene) -> Outcome {
    let request = metadata(&[&scene.topic(1)?]).with_include_topic_authorized_operations(true);
    let answer = scene.node()?.try_call(12, &request)?;
    Ok(format!("{:#b}", answer.topics[0].topic_authorized_operations))
}

fn operations_that_are_allowed_on_an_unknown_topic(scene: &Scene) -> Outcome {
    let request = metadata(&[&scene.name("topic")]);
    let request = request.with_include_topic_authorized_operations(true);
    let answer = scene.node()?.try_call(12, &request)?;
    Ok(format!("{:#b}", answer.topics[0].topic_authorized_operations))
}

fn operations_that_are_allowed_on_the_cluster(scene: &Scene) -> Outcome {
    let request = metadata(&[]).with_include_cluster_authorized_operations(true);
    let answer = scene.node()?.try_call(10, &request)?;
    Ok(format!("{:#b}", answer.cluster_authorized_operations))
}

fn operations_that_are_allowed_on_the_described_cluster(scene: &Scene) -> Outcome {
    let asked = DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
    let asked = scene.node()?.try_call(1, &asked)?.cluster_authorized_operations;
    let unasked = scene.node()?.try_call(1, &DescribeClusterRequest::default())?;
    Ok(format!("{asked:#b}, not asked for {:#b}", unasked.cluster_authorized_operations))
}

fn operations_that_are_allowed_on_a_described_topic(scene: &Scene) -> Outcome {
    let answer = scene.node()?.try_call(0, &partitions(&scene.topic(1)?, 10))?;
    Ok(format!("{:#b}", answer.topics[0].topic_authorized_operations))
}

/// Builds a Metadata request that creates its topic.
fn creating(topic: &str) -> MetadataRequest {
    metadata(&[topic]).with_allow_auto_topic_creation(true)
}

fn creates_a_topic(scene: &Scene) -> Outcome {
    let topic = scene.topic_name("topic");
    let mut node = scene.node()?;
    let first = node.try_call(12, &creating(&topic))?.topics.remove(0);
    let first = match name(first.error_code).as_str() {
        // At first, Apache Kafka responds that the topic, or its leader, does not exist yet.
        "ok" | "UNKNOWN_TOPIC_OR_PARTITION" | "LEADER_NOT_AVAILABLE" => "created".to_owned(),
        other => other.to_owned(),
    };
    let partitions = scene.until("the topic is there", || {
        let found = node.try_call(12, &metadata(&[&topic]))?.topics.remove(0);
        Ok((found.error_code == 0).then_some(found.partitions))
    })?;
    let replicas = partitions.first().map_or(0, |it| it.replica_nodes.len());
    Ok(format!("{first}, {} partitions, {replicas} replicas", partitions.len()))
}

fn creates_no_topic_of_an_invalid_name(scene: &Scene) -> Outcome {
    errors(scene, 12, &creating("a/b"))
}

fn creates_no_topic_of_a_colliding_name(scene: &Scene) -> Outcome {
    let dotted = scene.topic_name("a.b");
    scene.until("the first topic is there", || {
        let found = scene.node()?.try_call(12, &creating(&dotted))?.topics.remove(0);
        Ok((found.error_code == 0).then_some(()))
    })?;
    errors(scene, 12, &creating(&scene.topic_name("a_b")))
}

fn cluster(scene: &Scene) -> Outcome {
    let answer = scene.node()?.try_call(1, &DescribeClusterRequest::default())?;
    let error = name(answer.error_code);
    let controlled = answer.brokers.iter().any(|it| it.broker_id == answer.controller_id);
    Ok(format!("{error}, {} nodes, one controls: {controlled}", answer.brokers.len()))
}

fn cluster_of_controllers(scene: &Scene) -> Outcome {
    let request = DescribeClusterRequest::default().with_endpoint_type(2);
    Ok(name(scene.node()?.try_call(1, &request)?.error_code))
}

/// Builds DescribeTopicPartitions for one topic, with at most `limit` of its partitions.
fn partitions(topic: &str, limit: i32) -> DescribeTopicPartitionsRequest {
    let topic = TopicRequest::default().with_name(topic_name(topic));
    DescribeTopicPartitionsRequest::default()
        .with_topics(vec![topic])
        .with_response_partition_limit(limit)
}

fn described(scene: &Scene, request: &DescribeTopicPartitionsRequest) -> Outcome {
    let answer = scene.node()?.try_call(0, request)?;
    let topic = answer.topics.first().ok_or(Failure::Missing("topic"))?;
    let mut indexes: Vec<i32> = topic.partitions.iter().map(|it| it.partition_index).collect();
    indexes.sort_unstable();
    let next = answer.next_cursor.map(|it| it.partition_index);
    Ok(format!("{}, {indexes:?}, next {next:?}", name(topic.error_code)))
}

fn partitions_of_a_topic(scene: &Scene) -> Outcome {
    described(scene, &partitions(&scene.topic(3)?, 2_000))
}

fn partitions_of_an_unknown_topic(scene: &Scene) -> Outcome {
    described(scene, &partitions(&scene.name("topic"), 2_000))
}

fn partitions_of_an_invalid_name(scene: &Scene) -> Outcome {
    described(scene, &partitions("a/b", 2_000))
}

fn partitions_up_to_a_limit(scene: &Scene) -> Outcome {
    described(scene, &partitions(&scene.topic(3)?, 2))
}

/// Describes the partitions from this one on.
fn from(scene: &Scene, partition: i32) -> Outcome {
    let topic = scene.topic(3)?;
    let cursor = Cursor::default().with_topic_name(topic_name(&topic));
    let cursor = cursor.with_partition_index(partition);
    described(scene, &partitions(&topic, 2_000).with_cursor(Some(cursor)))
}

fn partitions_from_a_cursor(scene: &Scene) -> Outcome {
    from(scene, 1)
}

fn partitions_from_a_cursor_below_zero(scene: &Scene) -> Outcome {
    from(scene, -1)
}

fn partitions_within_a_limit_of_none(scene: &Scene) -> Outcome {
    described(scene, &partitions(&scene.topic(3)?, 0))
}
