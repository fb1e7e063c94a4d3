//! Every error in every field of every response is shown, with the member or producer that got it.

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_group_describe_response::{DescribedGroup, Member};
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions as Owned;
use kafka_protocol::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions};
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::protocol::buf::ByteBuf;

use super::{apis, served_versions};
use crate::api::words::Asked;
use crate::api::{
    consumer_group_describe, consumer_group_heartbeat, end_txn, heartbeat, metadata, offset_commit,
    produce,
};

/// An error that nothing else in a response looks like.
const ERROR: ResponseError = ResponseError::InvalidRecord;

/// Endless bytes, from which the codec builds a response that has one element in each list. All its
/// 16-bit numbers, including the errors, are 0, except one.
#[derive(Default)]
pub(in crate::api) struct Endless {
    /// The index of the 16-bit number that is the error.
    error_at: Option<usize>,
    /// The number of 16-bit numbers that were read.
    read: usize,
}

impl Buf for Endless {
    fn remaining(&self) -> usize {
        usize::MAX
    }

    fn chunk(&self) -> &[u8] {
        &[b'a'; 64]
    }

    fn advance(&mut self, _: usize) {}

    /// Gives a list with its length as a varint one element. A tagged field is one of two.
    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        Ok(2)
    }

    /// Makes an optional structure present.
    fn try_get_i8(&mut self) -> Result<i8, TryGetError> {
        Ok(1)
    }

    fn try_get_i16(&mut self) -> Result<i16, TryGetError> {
        let is_error = self.error_at == Some(self.read);
        self.read += 1;
        Ok(if is_error { ERROR.code() } else { 0 })
    }

    /// Gives a list with its length as a number one element.
    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        Ok(1)
    }

    fn try_get_i64(&mut self) -> Result<i64, TryGetError> {
        Ok(1)
    }
}

impl ByteBuf for Endless {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        vec![b'a'; range.len()].into()
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        vec![b'a'; size].into()
    }
}

#[test]
fn every_error_in_every_response_is_shown() {
    let shown = format!("{ERROR} ({})", ERROR.code());
    for (api, codec) in apis() {
        for version in served_versions(api, codec) {
            let name = api.name;
            let mut all = Endless::default();
            let (_, words) = (codec.shown)(version, &mut all);
            assert!(!words.contains(&shown), "{name} v{version}: {words}");
            let mut errors = 0;
            for at in 0..all.read {
                let mut bytes = Endless { error_at: Some(at), read: 0 };
                let (fields, words) = (codec.shown)(version, &mut bytes);
                if !fields.contains(&format!("error_code: {}", ERROR.code())) {
                    // A producer's epoch, or the length of a text.
                    continue;
                }
                errors += 1;
                assert!(words.contains(&shown), "{name} v{version} hides {fields}: {words}");
            }
            assert!(errors > 0, "{name} v{version} has no error at all");
        }
    }
}

#[test]
fn an_error_is_shown_before_what_went_well() {
    let partitions = (0..20).map(|index| {
        let code = if index == 19 { ERROR.code() } else { 0 };
        PartitionProduceResponse::default().with_index(index).with_error_code(code)
    });
    let topic = TopicProduceResponse::default()
        .with_name(TopicName(StrBytes::from_static_str("flights")))
        .with_partition_responses(partitions.collect());
    let produced = ProduceResponse::default().with_responses(vec![topic]);
    let words = produce::outcomes(&produced).in_words(&Asked::default());
    assert!(words.starts_with("flights/19: InvalidRecord (87), offset 0, "), "{words}");
    assert!(words.ends_with(", and 14 more"), "{words}");
}

#[test]
fn a_rejected_commit_says_so_with_the_member_and_its_generation() {
    let asked = offset_commit::describe(
        &OffsetCommitRequest::default()
            .with_group_id(GroupId(StrBytes::from_static_str("airlines")))
            .with_member_id(StrBytes::from_static_str("m-1"))
            .with_generation_id_or_member_epoch(3),
    );
    let partition = |index| OffsetCommitResponsePartition::default().with_partition_index(index);
    let topic = OffsetCommitResponseTopic::default()
        .with_name(TopicName(StrBytes::from_static_str("flights")));
    let rejected = partition(0).with_error_code(ResponseError::IllegalGeneration.code());
    let one = topic.clone().with_partitions(vec![rejected.clone()]);
    let one = OffsetCommitResponse::default().with_topics(vec![one]);
    let who = "member m-1, generation or epoch 3";
    assert_eq!(
        offset_commit::outcomes(&one).in_words(&asked),
        format!("IllegalGeneration (22), {who}")
    );
    let two = topic.clone().with_partitions(vec![rejected, partition(1)]);
    let two = OffsetCommitResponse::default().with_topics(vec![two]);
    assert_eq!(
        offset_commit::outcomes(&two).in_words(&asked),
        format!("flights/0: IllegalGeneration (22), {who}")
    );
    let fine = topic.with_partitions(vec![partition(0)]);
    let fine = OffsetCommitResponse::default().with_topics(vec![fine]);
    assert_eq!(offset_commit::outcomes(&fine).in_words(&asked), "");
}

#[test]
fn a_request_is_of_a_member_or_a_producer() {
    let heartbeat = HeartbeatRequest::default()
        .with_member_id(StrBytes::from_static_str("m-1"))
        .with_group_instance_id(Some(StrBytes::from_static_str("gate-1")))
        .with_generation_id(3);
    let beat = ConsumerGroupHeartbeatRequest::default()
        .with_member_id(StrBytes::from_static_str("m-1"))
        .with_member_epoch(-1);
    let end = EndTxnRequest::default().with_producer_id(ProducerId(7)).with_producer_epoch(2);
    let rows = [
        (heartbeat::describe(&heartbeat), "member m-1, instance gate-1, generation 3"),
        (consumer_group_heartbeat::describe(&beat), "member m-1, epoch -1"),
        (end_txn::describe(&end), "producer 7, epoch 2"),
        (metadata::describe(&MetadataRequest::default()), ""),
    ];
    for (asked, who) in rows {
        assert_eq!(asked.who, who);
    }
}

#[test]
fn a_heartbeat_of_the_consumer_protocol_says_what_has_changed() {
    let group = GroupId(StrBytes::from_static_str("airlines"));
    let flights = StrBytes::from_static_str("flights");
    let beat = ConsumerGroupHeartbeatRequest::default().with_group_id(group.clone());
    let owned = Owned::default().with_partitions(vec![0, 2]);
    let rows = [
        (
            beat.clone()
                .with_subscribed_topic_names(Some(vec![TopicName(flights)]))
                .with_topic_partitions(Some(Vec::new())),
            "group airlines member epoch 0 (joins), wants flights, has 0 partition(s)",
        ),
        (beat.clone().with_member_epoch(3), "group airlines member epoch 3"),
        (
            beat.clone().with_member_epoch(4).with_topic_partitions(Some(vec![owned])),
            "group airlines member epoch 4, has 2 partition(s)",
        ),
        (beat.with_member_epoch(-1), "group airlines member epoch -1 (leaves)"),
    ];
    for (beat, words) in rows {
        assert_eq!(consumer_group_heartbeat::describe(&beat).words, words);
    }
    let asked = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group]);
    assert_eq!(consumer_group_describe::describe(&asked).words, "group airlines");
}

#[test]
fn a_response_of_the_consumer_protocol_has_the_epochs_of_member_and_group() {
    let asked = Asked::default();
    let words = |beat: &_| consumer_group_heartbeat::outcomes(beat).in_words(&asked);
    let beat = ConsumerGroupHeartbeatResponse::default().with_member_epoch(3);
    assert_eq!(words(&beat), "member epoch 3, no new assignment");
    let topic = TopicPartitions::default().with_partitions(vec![1, 2]);
    let assignment = Assignment::default().with_topic_partitions(vec![topic]);
    let assigned = beat.clone().with_assignment(Some(assignment));
    assert_eq!(words(&assigned), "member epoch 3, 2 partition(s) assigned");
    let fenced = ResponseError::FencedMemberEpoch;
    let rejected = beat.with_error_code(fenced.code());
    assert_eq!(words(&rejected), format!("{fenced} ({})", fenced.code()));

    let group = DescribedGroup::default()
        .with_group_state(StrBytes::from_static_str("Stable"))
        .with_group_epoch(2)
        .with_members(vec![Member::default()]);
    let described = ConsumerGroupDescribeResponse::default().with_groups(vec![group]);
    let words = consumer_group_describe::outcomes(&described).in_words(&asked);
    assert_eq!(words, "Stable, group epoch 2, 1 member(s)");
}
