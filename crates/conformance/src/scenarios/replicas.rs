//! Clients that claim to be a node of the cluster, or a debugger of one (the replica id of
//! ListOffsets, Fetch, and OffsetForLeaderEpoch), and offsets that only newer versions support.

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{
    ApiKey, BrokerId, ListOffsetsResponse, OffsetForLeaderEpochRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable};
use wire_client::batch::Batch;
use wire_client::raw::RawClient;
use wire_client::requests::{fetch, list_offsets, produce, topic_name};

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("replicas":
    offsets_for_a_debugger_at_the_leader,
    offsets_for_a_debugger_at_a_follower,
    offsets_for_a_debugger_by_all_versions,
    offsets_for_a_debugger_of_an_unknown_partition,
    offsets_for_a_debugger_where_no_replica_is,
    offsets_for_a_debugger_at_a_follower_with_a_newer_epoch,
    offsets_at_a_time_for_a_debugger_at_a_follower,
    offsets_for_a_node_at_the_leader,
    offsets_for_a_node_at_a_follower,
    offsets_for_an_unknown_node,
    offsets_for_an_unknown_negative_node,
    records_for_a_debugger_at_the_leader,
    records_for_a_debugger_at_a_follower,
    records_for_a_debugger_at_a_follower_of_old,
    records_for_an_unknown_node,
    epochs_for_a_debugger_at_a_follower,
    local_offsets_by_all_versions,
    tiered_offsets_by_all_versions,
    offsets_to_be_tiered_by_all_versions,
    latest_offsets_by_all_versions,
);

/// The replica id of a debugger.
const DEBUGGER: i32 = -2;

/// Creates a topic of one partition with three records, which all replicas have.
fn three(scene: &Scene) -> Result<String, Failure> {
    let topic = scene.topic(1)?;
    let request = produce(&topic, 0, -1, Batch::of(&["one", "two", "three"]).encode());
    let mut leader = scene.leader(&topic, 0)?;
    leader.try_call(9, &request)?;
    // Followers learn of the high watermark with their next fetch.
    let mut follower = scene.follower(&topic, 0)?;
    scene.until("the follower knows the end", || {
        let answer = follower.try_call(12, &fetch(&topic, 0, 0))?;
        Ok((answer.responses[0].partitions[0].high_watermark == 3).then_some(()))
    })?;
    Ok(topic)
}

fn asked(node: &mut RawClient, version: i16, topic: &str, replica: i32, at: i64) -> Outcome {
    let request = list_offsets(topic, 0, at).with_replica_id(BrokerId(replica));
    let answer = node.try_call(version, &request)?;
    let it = &answer.topics[0].partitions[0];
    Ok(format!("{}, offset {}", name(it.error_code), it.offset))
}

fn offsets_for_a_debugger_at_the_leader(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    asked(&mut scene.leader(&topic, 0)?, 7, &topic, DEBUGGER, -1)
}

fn offsets_for_a_debugger_at_a_follower(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    asked(&mut scene.follower(&topic, 0)?, 7, &topic, DEBUGGER, -1)
}

fn offsets_for_a_debugger_by_all_versions(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    let mut node = scene.follower(&topic, 0)?;
    let all: Result<Vec<_>, _> =
        (1..=7).map(|version| asked(&mut node, version, &topic, DEBUGGER, -2)).collect();
    Ok(all?.join("; "))
}

fn offsets_for_a_debugger_of_an_unknown_partition(scene: &Scene) -> Outcome {
    asked(&mut scene.node()?, 7, &scene.name("none"), DEBUGGER, -1)
}

fn offsets_for_a_debugger_where_no_replica_is(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 1, &[])?;
    asked(&mut scene.follower(&topic, 0)?, 7, &topic, DEBUGGER, -1)
}

fn offsets_for_a_debugger_at_a_follower_with_a_newer_epoch(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    let mut request = list_offsets(&topic, 0, -1).with_replica_id(BrokerId(DEBUGGER));
    request.topics[0].partitions[0].current_leader_epoch = 100_000;
    let answer = scene.follower(&topic, 0)?.try_call(7, &request)?;
    Ok(name(answer.topics[0].partitions[0].error_code))
}

fn offsets_at_a_time_for_a_debugger_at_a_follower(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    let mut node = scene.follower(&topic, 0)?;
    let first = asked(&mut node, 7, &topic, DEBUGGER, 1)?;
    let last = asked(&mut node, 7, &topic, DEBUGGER, i64::MAX)?;
    let greatest = asked(&mut node, 7, &topic, DEBUGGER, -3)?;
    Ok(format!("{first}; {last}; {greatest}"))
}

fn offsets_for_a_node_at_the_leader(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    asked(&mut scene.leader(&topic, 0)?, 7, &topic, 2, -1)
}

fn offsets_for_a_node_at_a_follower(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    asked(&mut scene.follower(&topic, 0)?, 7, &topic, 2, -1)
}

fn offsets_for_an_unknown_node(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    asked(&mut scene.leader(&topic, 0)?, 7, &topic, 77, -1)
}

fn offsets_for_an_unknown_negative_node(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    let leader = asked(&mut scene.leader(&topic, 0)?, 7, &topic, -3, -1)?;
    let follower = asked(&mut scene.follower(&topic, 0)?, 7, &topic, -3, -1)?;
    Ok(format!("{leader}; at a follower: {follower}"))
}

/// Returns the error and the high watermark of a fetch, and whether there are records.
fn fetched(node: &mut RawClient, version: i16, topic: &str, replica: i32) -> Outcome {
    let request = fetch(topic, 0, 0).with_replica_id(BrokerId(replica));
    let answer = node.try_call(version, &request)?;
    let it = &answer.responses[0].partitions[0];
    let records = it.records.as_ref().is_some_and(|it| !it.is_empty());
    Ok(format!("{}, up to {}, records: {records}", name(it.error_code), it.high_watermark))
}

fn records_for_a_debugger_at_the_leader(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    fetched(&mut scene.leader(&topic, 0)?, 12, &topic, DEBUGGER)
}

fn records_for_a_debugger_at_a_follower(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    fetched(&mut scene.follower(&topic, 0)?, 12, &topic, DEBUGGER)
}

fn records_for_a_debugger_at_a_follower_of_old(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    fetched(&mut scene.follower(&topic, 0)?, 10, &topic, DEBUGGER)
}

fn records_for_an_unknown_node(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    fetched(&mut scene.leader(&topic, 0)?, 12, &topic, 77)
}

fn epochs_for_a_debugger_at_a_follower(scene: &Scene) -> Outcome {
    let topic = three(scene)?;
    let mut told = Vec::new();
    for replica in [-1, DEBUGGER, 1] {
        let partition =
            OffsetForLeaderPartition::default().with_current_leader_epoch(-1).with_leader_epoch(0);
        let topic = OffsetForLeaderTopic::default()
            .with_topic(topic_name(&topic))
            .with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default()
            .with_replica_id(BrokerId(replica))
            .with_topics(vec![topic]);
        let answer = scene.follower(&scene.name("topic-0"), 0)?.try_call(4, &request)?;
        told.push(name(answer.topics[0].partitions[0].error_code));
    }
    Ok(told.join(", "))
}

/// Returns the response of each version from 7 on for a special timestamp. The codec does not know
/// the last version, which has the same fields as the one before.
fn by_all_versions(scene: &Scene, at: i64) -> Outcome {
    let topic = three(scene)?;
    let request = list_offsets(&topic, 0, at);
    let mut told = Vec::new();
    for version in 7..=11_i16 {
        let mut node = scene.leader(&topic, 0)?;
        let mut frame = BytesMut::new();
        frame.put_i16(ApiKey::ListOffsets as i16);
        frame.put_i16(version);
        frame.put_i32(1);
        frame.put_i16(-1);
        frame.put_u8(0);
        request.encode(&mut frame, version.min(10)).map_err(std::io::Error::other)?;
        node.send_frame(&frame)?;
        let frame = node.receive_frame()?;
        let answer = ListOffsetsResponse::decode(&mut frame.slice(5..), version.min(10));
        let answer = answer.map_err(std::io::Error::other)?;
        let it = &answer.topics[0].partitions[0];
        told.push(format!("{} {}", name(it.error_code), it.offset));
    }
    Ok(told.join(", "))
}

fn local_offsets_by_all_versions(scene: &Scene) -> Outcome {
    by_all_versions(scene, -4)
}

fn tiered_offsets_by_all_versions(scene: &Scene) -> Outcome {
    by_all_versions(scene, -5)
}

fn offsets_to_be_tiered_by_all_versions(scene: &Scene) -> Outcome {
    by_all_versions(scene, -6)
}

fn latest_offsets_by_all_versions(scene: &Scene) -> Outcome {
    by_all_versions(scene, -1)
}
