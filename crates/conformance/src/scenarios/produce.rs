//! Writes records: which batches a partition rejects.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ProduceRequest, TransactionalId};
use wire_client::batch::{Batch, now, with_right_crc};
use wire_client::raw::RawClient;
use wire_client::requests::{produce, produced, text};

use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("produce":
    acknowledged_by_all,
    acknowledged_by_the_leader,
    not_acknowledged,
    acknowledged_by_two,
    to_an_unknown_topic,
    to_an_unknown_partition,
    to_a_negative_partition,
    to_a_follower,
    to_an_internal_topic,
    to_one_good_and_one_bad_partition,
    within_no_time,
    with_too_few_in_sync_replicas,
    with_too_few_in_sync_replicas_for_the_leader_alone,
    nothing,
    no_records,
    two_batches,
    a_batch_without_records,
    a_batch_that_is_too_large,
    a_batch_that_is_cut_short,
    a_batch_with_a_wrong_checksum,
    a_batch_that_counts_too_many_records,
    a_batch_whose_last_offset_is_wrong,
    a_batch_that_starts_at_7,
    a_batch_of_an_old_format,
    a_batch_of_an_unknown_format,
    a_batch_of_an_unknown_compression,
    a_batch_of_control_records,
    a_transactional_batch_without_a_producer,
    a_transactional_batch_of_nobody,
    a_record_without_a_key,
    a_record_without_a_key_on_a_compacted_topic,
    a_record_of_the_past,
    a_record_of_too_long_ago,
    a_record_of_the_future,
    a_record_of_the_future_stamped_by_the_broker,
    a_record_with_no_timestamp,
    a_version_without_an_answer,
    by_a_client,
    by_a_client_compressed_with_gzip,
    by_a_client_compressed_with_snappy,
    by_a_client_compressed_with_lz4,
    by_a_client_to_an_unknown_partition,
    by_a_client_what_the_topic_does_not_take,
);

/// Returns the error and the base offset of a produce to partition 0 of a topic.
fn to(leader: &mut RawClient, topic: &str, acks: i16, records: Bytes) -> Outcome {
    answered(leader, &produce(topic, 0, acks, records))
}

fn answered(node: &mut RawClient, request: &ProduceRequest) -> Outcome {
    let answer = node.try_call(9, request)?;
    let answer = produced(&answer);
    Ok(format!("{} at {}", name(answer.error_code), answer.base_offset))
}

/// Returns the response of a new topic with these settings to records.
fn on(scene: &Scene, settings: &[(&str, &str)], records: Bytes) -> Outcome {
    let topic = scene.topic_with(1, 3, settings)?;
    to(&mut scene.leader(&topic, 0)?, &topic, -1, records)
}

fn two() -> Bytes {
    Batch::of(&["one", "two"]).encode()
}

/// Makes a changed batch of two records, with a correct checksum.
fn changed(change: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut batch = BytesMut::from(&two()[..]);
    change(&mut batch);
    with_right_crc(batch)
}

/// Produces twice, so that the second offset shows whether the first batch was written.
fn twice(scene: &Scene, acks: i16) -> Outcome {
    let topic = scene.topic(1)?;
    let mut leader = scene.leader(&topic, 0)?;
    let first = to(&mut leader, &topic, acks, two())?;
    Ok(format!("{first}, {}", to(&mut leader, &topic, acks, two())?))
}

fn acknowledged_by_all(scene: &Scene) -> Outcome {
    twice(scene, -1)
}

fn acknowledged_by_the_leader(scene: &Scene) -> Outcome {
    twice(scene, 1)
}

fn not_acknowledged(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let mut leader = scene.leader(&topic, 0)?;
    leader.send(9, &produce(&topic, 0, 0, two()))?;
    let silent = leader.is_silent(Duration::from_millis(300));
    let next = to(&mut leader, &topic, -1, two())?;
    Ok(format!("{}, then {next}", if silent { "no answer" } else { "an answer" }))
}

fn acknowledged_by_two(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    to(&mut scene.leader(&topic, 0)?, &topic, 2, two())
}

fn to_an_unknown_topic(scene: &Scene) -> Outcome {
    to(&mut scene.node()?, &scene.name("topic"), -1, two())
}

fn to_an_unknown_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    answered(&mut scene.leader(&topic, 0)?, &produce(&topic, 7, -1, two()))
}

fn to_a_negative_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    answered(&mut scene.leader(&topic, 0)?, &produce(&topic, -1, -1, two()))
}

fn to_a_follower(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    to(&mut scene.follower(&topic, 0)?, &topic, -1, two())
}

fn to_an_internal_topic(scene: &Scene) -> Outcome {
    to(&mut scene.leader("__consumer_offsets", 0)?, "__consumer_offsets", -1, two())
}

fn to_one_good_and_one_bad_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let mut request = produce(&topic, 0, -1, two());
    let bad = produce(&topic, 7, -1, two()).topic_data[0].partition_data[0].clone();
    request.topic_data[0].partition_data.push(bad);
    let answer = scene.leader(&topic, 0)?.try_call(9, &request)?;
    let mut errors: Vec<_> = answer.responses[0]
        .partition_responses
        .iter()
        .map(|it| (it.index, name(it.error_code)))
        .collect();
    errors.sort();
    Ok(format!("{errors:?}"))
}

fn within_no_time(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 1, &[])?;
    let request = produce(&topic, 0, -1, two()).with_timeout_ms(0);
    answered(&mut scene.leader(&topic, 0)?, &request)
}

/// Returns the response of a topic that has one replica but requires two in sync.
fn with_two_wanted(scene: &Scene, acks: i16) -> Outcome {
    let topic = scene.topic_with(1, 1, &[("min.insync.replicas", "2")])?;
    to(&mut scene.leader(&topic, 0)?, &topic, acks, two())
}

fn with_too_few_in_sync_replicas(scene: &Scene) -> Outcome {
    with_two_wanted(scene, -1)
}

fn with_too_few_in_sync_replicas_for_the_leader_alone(scene: &Scene) -> Outcome {
    with_two_wanted(scene, 1)
}

fn nothing(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let mut request = produce(&topic, 0, -1, Bytes::new());
    request.topic_data[0].partition_data[0].records = None;
    let mut leader = scene.leader(&topic, 0)?;
    let id = leader.send(9, &request)?;
    if leader.is_silent(Duration::from_secs(1)) {
        return Ok("no answer".to_owned());
    }
    let answer = leader.receive::<ProduceRequest>(9, id)?;
    Ok(name(produced(&answer).error_code))
}

fn no_records(scene: &Scene) -> Outcome {
    on(scene, &[], Bytes::new())
}

fn two_batches(scene: &Scene) -> Outcome {
    on(scene, &[], [two(), two()].concat().into())
}

fn a_batch_without_records(scene: &Scene) -> Outcome {
    on(scene, &[], Batch::of(&[]).encode())
}

fn a_batch_that_is_too_large(scene: &Scene) -> Outcome {
    let value = "x".repeat(2_000);
    on(scene, &[("max.message.bytes", "1000")], Batch::of(&[&value]).encode())
}

fn a_batch_that_is_cut_short(scene: &Scene) -> Outcome {
    let batch = two();
    on(scene, &[], batch.slice(..batch.len() - 1))
}

fn a_batch_with_a_wrong_checksum(scene: &Scene) -> Outcome {
    let mut batch = BytesMut::from(&two()[..]);
    if let Some(last) = batch.last_mut() {
        *last ^= 1;
    }
    on(scene, &[], batch.freeze())
}

fn a_batch_that_counts_too_many_records(scene: &Scene) -> Outcome {
    on(scene, &[], changed(|batch| batch[57..61].copy_from_slice(&3_i32.to_be_bytes())))
}

fn a_batch_whose_last_offset_is_wrong(scene: &Scene) -> Outcome {
    on(scene, &[], changed(|batch| batch[23..27].copy_from_slice(&5_i32.to_be_bytes())))
}

fn a_batch_that_starts_at_7(scene: &Scene) -> Outcome {
    on(scene, &[], changed(|batch| batch[..8].copy_from_slice(&7_i64.to_be_bytes())))
}

/// Sends a message in the format before record batches (magic 0): checksum, attributes, key, value.
fn a_batch_of_an_old_format(scene: &Scene) -> Outcome {
    let mut message = BytesMut::new();
    message.put_i64(0);
    message.put_i32(17);
    // The checksum of the rest, the same CRC-32 as in gzip.
    message.put_u32(0x0c94_f89c);
    message.put_i8(0);
    message.put_i8(0);
    message.put_i32(-1);
    message.put_i32(3);
    message.put_slice(b"one");
    on(scene, &[], message.freeze())
}

fn a_batch_of_an_unknown_format(scene: &Scene) -> Outcome {
    on(scene, &[], changed(|batch| batch[16] = 3))
}

fn a_batch_of_an_unknown_compression(scene: &Scene) -> Outcome {
    on(scene, &[], Batch::of(&["one"]).with_attributes(6).encode())
}

fn a_batch_of_control_records(scene: &Scene) -> Outcome {
    on(scene, &[], Batch::of(&["one"]).with_attributes(0x20).encode())
}

fn a_transactional_batch_without_a_producer(scene: &Scene) -> Outcome {
    on(scene, &[], Batch::of(&["one"]).with_attributes(0x10).encode())
}

fn a_transactional_batch_of_nobody(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let batch = Batch::of(&["one"]).from_producer(987_654, 0, 0).with_attributes(0x10).encode();
    let id = TransactionalId(text(&scene.name("id")));
    let request = produce(&topic, 0, -1, batch).with_transactional_id(Some(id));
    answered(&mut scene.leader(&topic, 0)?, &request)
}

fn a_record_without_a_key(scene: &Scene) -> Outcome {
    on(scene, &[], Batch::keyed(&[(Some("key"), "one"), (None, "two")]).encode())
}

fn a_record_without_a_key_on_a_compacted_topic(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("cleanup.policy", "compact")])?;
    let records = Batch::keyed(&[(Some("key"), "one"), (None, "two")]).encode();
    let answer = scene.leader(&topic, 0)?.try_call(9, &produce(&topic, 0, -1, records))?;
    let answer = produced(&answer);
    let which: Vec<i32> = answer.record_errors.iter().map(|it| it.batch_index).collect();
    Ok(format!("{} for the records {which:?}", name(answer.error_code)))
}

const HOUR: i64 = 3_600_000;

fn a_record_of_the_past(scene: &Scene) -> Outcome {
    on(scene, &[], Batch::at(&["one"], 0).encode())
}

fn a_record_of_too_long_ago(scene: &Scene) -> Outcome {
    let settings = [("message.timestamp.before.max.ms", "1000")];
    on(scene, &settings, Batch::at(&["one"], now() - HOUR).encode())
}

fn a_record_of_the_future(scene: &Scene) -> Outcome {
    on(scene, &[], Batch::at(&["one"], now() + 2 * HOUR).encode())
}

fn a_record_of_the_future_stamped_by_the_broker(scene: &Scene) -> Outcome {
    let settings = [("message.timestamp.type", "LogAppendTime")];
    on(scene, &settings, Batch::at(&["one"], now() + 2 * HOUR).encode())
}

fn a_record_with_no_timestamp(scene: &Scene) -> Outcome {
    on(scene, &[], Batch::at(&["one"], -1).encode())
}

fn a_version_without_an_answer(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let mut leader = scene.leader(&topic, 0)?;
    // The frame has version 3, which is the lowest, but claims version 2.
    let (frame, _) = leader.frame(3, &produce(&topic, 0, -1, two()));
    let mut frame = BytesMut::from(&frame[..]);
    frame[6..8].copy_from_slice(&2_i16.to_be_bytes());
    leader.send_bytes(&frame)?;
    Ok(if leader.is_closed() { "closed" } else { "answered" }.to_owned())
}

fn by_a_client_with(scene: &Scene, settings: &[(&str, &str)]) -> Outcome {
    let topic = scene.topic(1)?;
    let sent = scene.send(&scene.producer(settings)?, &topic, 0, &["one", "two", "three"]);
    Ok(format!("{sent}: {}", scene.values(&topic, 0, "read_committed")?))
}

fn by_a_client(scene: &Scene) -> Outcome {
    by_a_client_with(scene, &[])
}

fn by_a_client_compressed_with_gzip(scene: &Scene) -> Outcome {
    by_a_client_with(scene, &[("compression.type", "gzip"), ("linger.ms", "20")])
}

fn by_a_client_compressed_with_snappy(scene: &Scene) -> Outcome {
    by_a_client_with(scene, &[("compression.type", "snappy"), ("linger.ms", "20")])
}

fn by_a_client_compressed_with_lz4(scene: &Scene) -> Outcome {
    by_a_client_with(scene, &[("compression.type", "lz4"), ("linger.ms", "20")])
}

fn by_a_client_to_an_unknown_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    Ok(scene.send(&scene.producer(&[("message.timeout.ms", "2000")])?, &topic, 7, &["one"]))
}

fn by_a_client_what_the_topic_does_not_take(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("max.message.bytes", "1000")])?;
    let value = "x".repeat(2_000);
    Ok(scene.send(&scene.producer(&[])?, &topic, 0, &[&value, "small"]))
}
