//! OffsetCommit, OffsetFetch and OffsetDelete, request by request.

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::{
    DeleteGroupsRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
};
use workshop_tests::errors::{
    GROUP_ID_NOT_FOUND, GROUP_SUBSCRIBED_TO_TOPIC, ILLEGAL_GENERATION, NOT_COORDINATOR,
    OFFSET_METADATA_TOO_LARGE, UNKNOWN_MEMBER_ID, UNKNOWN_TOPIC_OR_PARTITION,
};
use workshop_tests::group::{join_request, new_member_id, subscription, sync_request};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{delete_topic, describe_group, group_id, text, topic_name};
use workshop_tests::{TestCluster, eventually};

struct Fixture {
    cluster: TestCluster,
    topic: String,
    group: String,
    coordinator: RawClient,
}

impl Fixture {
    async fn new() -> Fixture {
        let cluster = TestCluster::start().await;
        let topic = cluster.create_topic(2);
        let group = cluster.group_name();
        let coordinator = cluster.connect_to_coordinator(&group);
        Fixture { cluster, topic, group, coordinator }
    }

    /// A commit of partition 0 from outside of the group's membership.
    fn commit(&self, offset: i64, metadata: Option<&str>) -> OffsetCommitRequest {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(offset)
            .with_committed_metadata(metadata.map(text));
        let topic = OffsetCommitRequestTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partitions(vec![partition]);
        OffsetCommitRequest::default()
            .with_group_id(group_id(&self.group))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![topic])
    }

    fn committed(&mut self, request: &OffsetCommitRequest) -> i16 {
        self.coordinator.call(8, request).topics[0].partitions[0].error_code
    }

    /// (error, offset, metadata) of what is committed for partition 0.
    fn fetched(&mut self) -> (i16, i64, String) {
        let topic = OffsetFetchRequestTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partition_indexes(vec![0]);
        let request = OffsetFetchRequest::default()
            .with_group_id(group_id(&self.group))
            .with_topics(Some(vec![topic]));
        let answer = self.coordinator.call(7, &request);
        assert_eq!(answer.error_code, 0);
        let found = &answer.topics[0].partitions[0];
        let metadata = found.metadata.as_ref().map(ToString::to_string);
        (found.error_code, found.committed_offset, metadata.expect("metadata is never null"))
    }

    /// Joins as the only member, subscribed to the topic; returns the member id.
    fn join(&mut self) -> String {
        let member = new_member_id(&mut self.coordinator, &self.group);
        let mut request = join_request(&self.group, &member);
        request.protocols[0].metadata = subscription(&[&self.topic]);
        let joined = self.coordinator.call(9, &request);
        let sync = sync_request(&self.group, &joined, &[(&member, "all")]);
        assert_eq!(self.coordinator.call(5, &sync).error_code, 0);
        member
    }

    fn delete(&mut self, partition: i32) -> (i16, Option<i16>) {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(partition);
        let topic = OffsetDeleteRequestTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partitions(vec![partition]);
        let request = OffsetDeleteRequest::default()
            .with_group_id(group_id(&self.group))
            .with_topics(vec![topic]);
        let answer = self.coordinator.call(0, &request);
        let partition = answer.topics.first().map(|it| it.partitions[0].error_code);
        (answer.error_code, partition)
    }
}

#[tokio::test]
async fn every_version_of_commit_is_seen_by_every_version_of_fetch() {
    let mut it = Fixture::new().await;
    for version in 2..=9 {
        let mut request = it.commit(i64::from(version) * 10, Some("note"));
        if version < 5 {
            request.retention_time_ms = -1;
        }
        let answer = it.coordinator.call(version, &request);
        assert_eq!(answer.topics[0].partitions[0].error_code, 0, "version {version}");
        assert_eq!(it.fetched(), (0, i64::from(version) * 10, "note".to_owned()));
    }
    for version in 1..=7 {
        let topic = OffsetFetchRequestTopic::default()
            .with_name(topic_name(&it.topic))
            .with_partition_indexes(vec![0, 1]);
        let request = OffsetFetchRequest::default()
            .with_group_id(group_id(&it.group))
            .with_topics(Some(vec![topic]));
        let answer = it.coordinator.call(version, &request);
        let offsets: Vec<_> =
            answer.topics[0].partitions.iter().map(|it| it.committed_offset).collect();
        assert_eq!(offsets, [90, -1], "version {version}");
    }
}

#[tokio::test]
async fn several_groups_are_fetched_at_once_from_version_8_on() {
    let mut it = Fixture::new().await;
    assert_eq!(it.committed(&it.commit(7, Some(""))), 0);
    for version in [8, 9] {
        let topics = OffsetFetchRequestTopics::default()
            .with_name(topic_name(&it.topic))
            .with_partition_indexes(vec![0]);
        let mut group = OffsetFetchRequestGroup::default()
            .with_group_id(group_id(&it.group))
            .with_topics(Some(vec![topics]));
        if version >= 9 {
            group.member_id = None;
            group.member_epoch = -1;
        }
        let all = group.clone().with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![group, all]);
        let answer = it.coordinator.call(version, &request);
        for group in &answer.groups {
            assert_eq!(group.error_code, 0);
            assert_eq!(group.topics[0].partitions[0].committed_offset, 7);
        }
        assert_eq!(answer.groups.len(), 2, "version {version}");
    }
}

#[tokio::test]
async fn null_topics_fetch_every_committed_partition() {
    let mut it = Fixture::new().await;
    assert_eq!(it.committed(&it.commit(7, None)), 0);
    let request =
        OffsetFetchRequest::default().with_group_id(group_id(&it.group)).with_topics(None);
    for version in 2..=7 {
        let answer = it.coordinator.call(version, &request);
        assert_eq!(answer.topics.len(), 1);
        assert_eq!(answer.topics[0].name, topic_name(&it.topic));
        assert_eq!(answer.topics[0].partitions.len(), 1, "partition 1 has none");
    }
}

#[tokio::test]
async fn a_group_without_commits_has_offset_minus_1_and_no_error() {
    let mut it = Fixture::new().await;
    assert_eq!(it.fetched(), (0, -1, String::new()));
}

#[tokio::test]
async fn null_metadata_comes_back_empty() {
    let mut it = Fixture::new().await;
    assert_eq!(it.committed(&it.commit(1, None)), 0);
    assert_eq!(it.fetched(), (0, 1, String::new()));
}

#[tokio::test]
async fn metadata_above_4096_bytes_is_too_large() {
    let mut it = Fixture::new().await;
    let error = it.committed(&it.commit(1, Some(&"x".repeat(4_097))));
    assert_eq!(error, OFFSET_METADATA_TOO_LARGE);
    assert_eq!(it.committed(&it.commit(1, Some(&"x".repeat(4_096)))), 0);
}

#[tokio::test]
async fn a_commit_for_a_topic_or_partition_that_is_not_there_is_refused() {
    let mut it = Fixture::new().await;
    let mut request = it.commit(1, None);
    request.topics[0].partitions[0].partition_index = 99;
    assert_eq!(it.committed(&request), UNKNOWN_TOPIC_OR_PARTITION);
    request.topics[0].name = topic_name(&it.cluster.topic_name());
    assert_eq!(it.committed(&request), UNKNOWN_TOPIC_OR_PARTITION);
}

#[tokio::test]
async fn a_commit_with_a_generation_needs_a_member_of_it() {
    let mut it = Fixture::new().await;
    let with = |it: &Fixture, member: &str, generation| {
        it.commit(1, None)
            .with_member_id(text(member))
            .with_generation_id_or_member_epoch(generation)
    };
    let before = it.committed(&with(&it, "made-up", 1));
    assert_eq!(before, ILLEGAL_GENERATION, "there is no group yet");
    let member = it.join();
    assert_eq!(it.committed(&with(&it, &member, 1)), 0);
    assert_eq!(it.committed(&with(&it, &member, 2)), ILLEGAL_GENERATION);
    assert_eq!(it.committed(&with(&it, "made-up", 1)), UNKNOWN_MEMBER_ID);
    let outside = it.commit(1, None);
    assert_eq!(it.committed(&outside), UNKNOWN_MEMBER_ID, "a group with members owns its offsets");
}

#[tokio::test]
async fn another_node_is_not_the_coordinator() {
    let it = Fixture::new().await;
    let other = it.cluster.addresses().into_iter().find(|other| other != it.coordinator.address());
    let mut other = RawClient::connect(&other.expect("three nodes"));
    let answer = other.call(8, &it.commit(1, None));
    assert_eq!(answer.topics[0].partitions[0].error_code, NOT_COORDINATOR);
    let request =
        OffsetFetchRequest::default().with_group_id(group_id(&it.group)).with_topics(None);
    assert_eq!(other.call(7, &request).error_code, NOT_COORDINATOR);
}

#[tokio::test]
async fn commits_make_a_group_that_is_empty() {
    let mut it = Fixture::new().await;
    assert_eq!(it.committed(&it.commit(1, None)), 0);
    let described = it.coordinator.call(5, &describe_group(&it.group));
    assert_eq!(described.groups[0].group_state.as_str(), "Empty");
    assert_eq!(described.groups[0].protocol_type.as_str(), "");
}

#[tokio::test]
async fn a_deleted_group_has_lost_its_offsets() {
    let mut it = Fixture::new().await;
    assert_eq!(it.committed(&it.commit(1, None)), 0);
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group_id(&it.group)]);
    assert_eq!(it.coordinator.call(2, &delete).results[0].error_code, 0);
    assert_eq!(it.fetched().1, -1);
}

#[tokio::test]
async fn offsets_are_deleted_but_not_under_a_subscriber() {
    let mut it = Fixture::new().await;
    assert_eq!(it.delete(0), (GROUP_ID_NOT_FOUND, None));
    assert_eq!(it.committed(&it.commit(1, None)), 0);
    assert_eq!(it.delete(99), (0, Some(UNKNOWN_TOPIC_OR_PARTITION)));
    it.join();
    assert_eq!(it.delete(0), (0, Some(GROUP_SUBSCRIBED_TO_TOPIC)));
    assert_eq!(it.fetched().1, 1);
}

#[tokio::test]
async fn deleted_offsets_of_an_empty_group_are_gone() {
    let mut it = Fixture::new().await;
    assert_eq!(it.committed(&it.commit(1, None)), 0);
    assert_eq!(it.delete(0), (0, Some(0)));
    assert_eq!(it.fetched().1, -1);
}

#[tokio::test]
async fn a_deleted_topic_takes_its_committed_offsets_along() {
    let mut it = Fixture::new().await;
    assert_eq!(it.committed(&it.commit(1, None)), 0);
    let request = delete_topic(&it.topic);
    assert_eq!(it.cluster.connect().call(5, &request).responses[0].error_code, 0);
    eventually("the offset is gone", || (it.fetched().1 == -1).then_some(()));
}
