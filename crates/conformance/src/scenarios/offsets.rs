//! The start and the end of a partition, the offsets for times and leader epochs, and the deletion
//! of records.

use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{
    BrokerId, DeleteRecordsRequest, ListOffsetsRequest, OffsetForLeaderEpochRequest,
};
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use wire_client::batch::{Batch, now};
use wire_client::raw::RawClient;
use wire_client::requests::{list_offsets, metadata, produce, topic_name};

use crate::client::PATIENCE;
use crate::failure::Failure;
use crate::names::{name, name_of};
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("offsets":
    latest,
    earliest,
    latest_of_an_empty_partition,
    of_the_greatest_timestamp,
    of_the_greatest_timestamp_of_an_empty_partition,
    earliest_local,
    latest_tiered,
    of_an_unknown_special_timestamp,
    at_a_time,
    between_two_times,
    after_all_times,
    before_all_times,
    of_an_unknown_topic,
    of_an_unknown_partition,
    of_a_follower,
    of_a_partition_named_twice,
    of_an_older_leader_epoch,
    of_a_newer_leader_epoch,
    of_an_unknown_isolation_level,
    watermarks_of_a_client,
    times_of_a_client,
    deleted_below,
    deleted_up_to_the_end,
    deleted_beyond_the_end,
    deleted_below_a_negative_offset,
    deleted_backwards,
    deleted_of_an_unknown_partition,
    deleted_at_a_follower,
    deleted_of_a_compacted_topic,
    deleted_by_a_client,
    end_of_the_leader_epoch,
    end_of_a_newer_leader_epoch,
    end_of_an_unknown_leader_epoch,
    end_of_a_leader_epoch_of_an_unknown_partition,
    end_of_a_leader_epoch_at_a_follower,
);

/// Returns the time of the first record; each of the others is a second later.
fn noon() -> i64 {
    now() - 1_000_000
}

/// Creates a topic of one partition with three records, a second apart, and returns the time of the
/// first.
fn three(scene: &Scene) -> Result<(RawClient, String, i64), Failure> {
    let topic = scene.topic(1)?;
    let mut leader = scene.leader(&topic, 0)?;
    let first = noon();
    for (index, value) in ["one", "two", "three"].iter().enumerate() {
        let batch = Batch::at(&[value], first + 1_000 * index as i64);
        leader.try_call(9, &produce(&topic, 0, -1, batch.encode()))?;
    }
    Ok((leader, topic, first))
}

/// Returns the error, the offset, and the time of the record relative to `first`.
fn asked(node: &mut RawClient, version: i16, request: &ListOffsetsRequest, first: i64) -> Outcome {
    let answer = node.try_call(version, request)?;
    let of = &answer.topics[0].partitions[0];
    let time = match of.timestamp {
        -1 => "no time".to_owned(),
        time => format!("{} ms later", time - first),
    };
    Ok(format!("{}, offset {}, {time}", name(of.error_code), of.offset))
}

/// Returns the response for a timestamp, which can depend on the time of the first record.
fn at(scene: &Scene, timestamp: impl FnOnce(i64) -> i64) -> Outcome {
    let (mut leader, topic, first) = three(scene)?;
    asked(&mut leader, 7, &list_offsets(&topic, 0, timestamp(first)), first)
}

fn latest(scene: &Scene) -> Outcome {
    at(scene, |_| -1)
}

fn earliest(scene: &Scene) -> Outcome {
    at(scene, |_| -2)
}

fn latest_of_an_empty_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    asked(&mut scene.leader(&topic, 0)?, 7, &list_offsets(&topic, 0, -1), 0)
}

fn of_the_greatest_timestamp(scene: &Scene) -> Outcome {
    at(scene, |_| -3)
}

fn of_the_greatest_timestamp_of_an_empty_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    asked(&mut scene.leader(&topic, 0)?, 7, &list_offsets(&topic, 0, -3), 0)
}

fn earliest_local(scene: &Scene) -> Outcome {
    at(scene, |_| -4)
}

fn latest_tiered(scene: &Scene) -> Outcome {
    at(scene, |_| -5)
}

fn of_an_unknown_special_timestamp(scene: &Scene) -> Outcome {
    at(scene, |_| -9)
}

fn at_a_time(scene: &Scene) -> Outcome {
    at(scene, |first| first + 1_000)
}

fn between_two_times(scene: &Scene) -> Outcome {
    at(scene, |first| first + 1_001)
}

fn after_all_times(scene: &Scene) -> Outcome {
    at(scene, |first| first + 2_001)
}

fn before_all_times(scene: &Scene) -> Outcome {
    at(scene, |_| 0)
}

fn of_an_unknown_topic(scene: &Scene) -> Outcome {
    asked(&mut scene.node()?, 7, &list_offsets(&scene.name("topic"), 0, -1), 0)
}

fn of_an_unknown_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    asked(&mut scene.leader(&topic, 0)?, 7, &list_offsets(&topic, 7, -1), 0)
}

fn of_a_follower(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    asked(&mut scene.follower(&topic, 0)?, 7, &list_offsets(&topic, 0, -1), 0)
}

fn of_a_partition_named_twice(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let mut request = list_offsets(&topic, 0, -1);
    let again = request.topics[0].partitions[0].clone();
    request.topics[0].partitions.push(again);
    asked(&mut scene.leader(&topic, 0)?, 7, &request, 0)
}

/// Requests the latest offset with a leader epoch.
fn with_epoch(scene: &Scene, epoch: impl FnOnce(i32) -> i32) -> Outcome {
    let (mut leader, topic, first) = three(scene)?;
    let mut request = list_offsets(&topic, 0, -1);
    request.topics[0].partitions[0].current_leader_epoch = epoch(current(&mut leader, &topic)?);
    asked(&mut leader, 7, &request, first)
}

/// Returns the epoch of the leader of partition 0.
fn current(node: &mut RawClient, topic: &str) -> Result<i32, Failure> {
    Ok(node.try_call(12, &metadata(&[topic]))?.topics[0].partitions[0].leader_epoch)
}

fn of_an_older_leader_epoch(scene: &Scene) -> Outcome {
    with_epoch(scene, |_| -2)
}

fn of_a_newer_leader_epoch(scene: &Scene) -> Outcome {
    with_epoch(scene, |current| current + 1)
}

fn of_an_unknown_isolation_level(scene: &Scene) -> Outcome {
    let (mut leader, topic, first) = three(scene)?;
    asked(&mut leader, 7, &list_offsets(&topic, 0, -1).with_isolation_level(7), first)
}

fn watermarks_of_a_client(scene: &Scene) -> Outcome {
    let (_, topic, _) = three(scene)?;
    let consumer = scene.consumer(&scene.name("reader"), &[])?;
    let (low, high) = consumer.fetch_watermarks(&topic, 0, PATIENCE)?;
    Ok(format!("{low} to {high}"))
}

fn times_of_a_client(scene: &Scene) -> Outcome {
    let (_, topic, first) = three(scene)?;
    let consumer = scene.consumer(&scene.name("reader"), &[])?;
    let mut found = Vec::new();
    for time in [0, 1_000, 1_500, 9_000] {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, Offset::Offset(first + time))?;
        let answer = consumer.offsets_for_times(list, PATIENCE)?;
        let offset = answer.elements().first().map(TopicPartitionListElem::offset);
        found.push(offset.map_or("none".to_owned(), |it| format!("{it:?}")));
    }
    Ok(found.join(", "))
}

/// Sends DeleteRecords below an offset of one partition, and returns the error and the new start.
fn delete(node: &mut RawClient, topic: &str, partition: i32, offset: i64) -> Outcome {
    let partition =
        DeleteRecordsPartition::default().with_partition_index(partition).with_offset(offset);
    let topic =
        DeleteRecordsTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000);
    let answer = node.try_call(2, &request)?;
    let of = &answer.topics[0].partitions[0];
    Ok(format!("{}, start {}", name(of.error_code), of.low_watermark))
}

fn deleted_at(scene: &Scene, offset: i64) -> Outcome {
    let (mut leader, topic, _) = three(scene)?;
    delete(&mut leader, &topic, 0, offset)
}

fn deleted_below(scene: &Scene) -> Outcome {
    deleted_at(scene, 2)
}

fn deleted_up_to_the_end(scene: &Scene) -> Outcome {
    deleted_at(scene, -1)
}

fn deleted_beyond_the_end(scene: &Scene) -> Outcome {
    deleted_at(scene, 4)
}

fn deleted_below_a_negative_offset(scene: &Scene) -> Outcome {
    deleted_at(scene, -2)
}

fn deleted_backwards(scene: &Scene) -> Outcome {
    let (mut leader, topic, _) = three(scene)?;
    let first = delete(&mut leader, &topic, 0, 2)?;
    Ok(format!("{first}; {}", delete(&mut leader, &topic, 0, 1)?))
}

fn deleted_of_an_unknown_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    delete(&mut scene.leader(&topic, 0)?, &topic, 7, 0)
}

fn deleted_at_a_follower(scene: &Scene) -> Outcome {
    let (_, topic, _) = three(scene)?;
    delete(&mut scene.follower(&topic, 0)?, &topic, 0, 1)
}

fn deleted_of_a_compacted_topic(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("cleanup.policy", "compact")])?;
    delete(&mut scene.leader(&topic, 0)?, &topic, 0, 0)
}

fn deleted_by_a_client(scene: &Scene) -> Outcome {
    let (_, topic, _) = three(scene)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(1))?;
    let (admin, options) = scene.admin()?;
    let deleted = scene.wait(admin.delete_records(&list, &options))?;
    let of = deleted.elements();
    let of = of.first().ok_or(Failure::Missing("partition"))?;
    Ok(match of.error() {
        Ok(()) => format!("ok, start {:?}", of.offset()),
        Err(error) => error.rdkafka_error_code().map_or(error.to_string(), name_of),
    })
}

/// Sends OffsetForLeaderEpoch for one partition, and returns the epoch that was found, and its end.
fn end_of(node: &mut RawClient, topic: &str, partition: i32, epoch: i32) -> Outcome {
    let partition = OffsetForLeaderPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(-1)
        .with_leader_epoch(epoch);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(topic_name(topic))
        .with_partitions(vec![partition]);
    let request = OffsetForLeaderEpochRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![topic]);
    let answer = node.try_call(4, &request)?;
    let of = &answer.topics[0].partitions[0];
    let known = if of.leader_epoch < 0 { "no epoch" } else { "an epoch" };
    Ok(format!("{}, {known}, end {}", name(of.error_code), of.end_offset))
}

fn end_of_the_leader_epoch(scene: &Scene) -> Outcome {
    let (mut leader, topic, _) = three(scene)?;
    let epoch = current(&mut leader, &topic)?;
    end_of(&mut leader, &topic, 0, epoch)
}

fn end_of_a_newer_leader_epoch(scene: &Scene) -> Outcome {
    let (mut leader, topic, _) = three(scene)?;
    end_of(&mut leader, &topic, 0, 99)
}

fn end_of_an_unknown_leader_epoch(scene: &Scene) -> Outcome {
    let (mut leader, topic, _) = three(scene)?;
    end_of(&mut leader, &topic, 0, -1)
}

fn end_of_a_leader_epoch_of_an_unknown_partition(scene: &Scene) -> Outcome {
    let (mut leader, topic, _) = three(scene)?;
    end_of(&mut leader, &topic, 7, 0)
}

fn end_of_a_leader_epoch_at_a_follower(scene: &Scene) -> Outcome {
    let (_, topic, _) = three(scene)?;
    end_of(&mut scene.follower(&topic, 0)?, &topic, 0, 0)
}
