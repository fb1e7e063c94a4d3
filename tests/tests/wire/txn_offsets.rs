//! TxnOffsetCommit, request by request: who may commit offsets in a transaction (KIP-447), and what
//! every client sees of them before and after it ends.

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    LeaveGroupRequest, OffsetCommitRequest, OffsetFetchRequest, ProducerId, TransactionalId,
    TxnOffsetCommitRequest,
};
use workshop_tests::errors::{
    CONCURRENT_TRANSACTIONS, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, INVALID_GROUP_ID,
    NOT_COORDINATOR, OFFSET_METADATA_TOO_LARGE, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID,
    UNKNOWN_TOPIC_OR_PARTITION, UNSTABLE_OFFSET_COMMIT,
};
use workshop_tests::group::{join_alone, join_request, new_member_id, sync_request};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{group_id, text, topic_name};
use workshop_tests::transactions::{Producer, Transactional, add_offsets};
use workshop_tests::{TestCluster, eventually};

/// No offset.
const NOTHING: (i16, i64) = (0, -1);

/// The response to a request for stable offsets only.
const UNSTABLE: (i16, i64) = (UNSTABLE_OFFSET_COMMIT, -1);

struct Fixture {
    cluster: TestCluster,
    topic: String,
    group: String,
    groups: RawClient,
    transactional: Transactional,
    producer: Producer,
}

impl Fixture {
    async fn new() -> Fixture {
        let cluster = TestCluster::start().await;
        let (topic, group) = (cluster.create_topic(2), cluster.group_name());
        let groups = cluster.connect_to_coordinator(&group);
        let mut transactional = Transactional::new(&cluster);
        let producer = transactional.producer();
        Fixture { cluster, topic, group, groups, transactional, producer }
    }

    /// Opens a transaction that commits offsets of the group.
    fn begin(&mut self) {
        begin(&mut self.transactional, self.producer, &self.group);
    }

    /// Ends the transaction, and waits until the group's log has its marker.
    fn end(&mut self, commit: bool) {
        assert_eq!(self.transactional.end(3, self.producer, commit), 0);
        eventually("nothing is pending", || (self.stable() != UNSTABLE).then_some(()));
    }

    /// TxnOffsetCommit for partition 0, from outside of the group's membership.
    fn request(&self, offset: i64) -> TxnOffsetCommitRequest {
        self.request_by(&self.transactional.id, self.producer, offset)
    }

    fn request_by(&self, id: &str, producer: Producer, offset: i64) -> TxnOffsetCommitRequest {
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(offset)
            .with_committed_metadata(Some(text("")));
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partitions(vec![partition]);
        TxnOffsetCommitRequest::default()
            .with_transactional_id(TransactionalId(text(id)))
            .with_group_id(group_id(&self.group))
            .with_producer_id(ProducerId(producer.0))
            .with_producer_epoch(producer.1)
            .with_generation_id(-1)
            .with_topics(vec![topic])
    }

    fn commit(&mut self, version: i16, request: &TxnOffsetCommitRequest) -> i16 {
        self.groups.call(version, request).topics[0].partitions[0].error_code
    }

    /// The same by a member of the group.
    fn commit_as(&mut self, generation: i32, member: &str, instance: Option<&str>) -> i16 {
        let request = self.request(7).with_generation_id(generation).with_member_id(text(member));
        self.commit(3, &request.with_group_instance_id(instance.map(text)))
    }

    /// OffsetCommit for partition 0.
    fn commit_plainly(&mut self, generation: i32, member: &str, offset: i64) -> i16 {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(offset)
            .with_committed_metadata(Some(text("")));
        let topic = OffsetCommitRequestTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group_id(&self.group))
            .with_generation_id_or_member_epoch(generation)
            .with_member_id(text(member))
            .with_topics(vec![topic]);
        self.groups.call(8, &request).topics[0].partitions[0].error_code
    }

    /// Error and offset of partition 0, stable or not.
    fn fetch(&mut self, require_stable: bool) -> (i16, i64) {
        let topic = OffsetFetchRequestTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partition_indexes(vec![0]);
        let request = OffsetFetchRequest::default()
            .with_group_id(group_id(&self.group))
            .with_topics(Some(vec![topic]))
            .with_require_stable(require_stable);
        let answer = self.groups.call(7, &request);
        assert_eq!(answer.error_code, 0);
        let found = &answer.topics[0].partitions[0];
        (found.error_code, found.committed_offset)
    }

    fn stable(&mut self) -> (i16, i64) {
        self.fetch(true)
    }

    fn any(&mut self) -> (i16, i64) {
        self.fetch(false)
    }
}

fn begin(transactional: &mut Transactional, producer: Producer, group: &str) {
    let request = add_offsets(&transactional.id, producer, group);
    eventually("the group is added", || {
        let error = transactional.coordinator.call(3, &request).error_code;
        assert!([0, CONCURRENT_TRANSACTIONS].contains(&error), "error {error}");
        (error == 0).then_some(())
    });
}

#[tokio::test]
async fn offsets_count_once_the_transaction_is_committed() {
    let mut it = Fixture::new().await;
    let mut before = NOTHING;
    for version in 0..=3 {
        for commit in [false, true] {
            let offset = i64::from(version) * 10 + i64::from(commit);
            it.begin();
            let request = it.request(offset);
            assert_eq!(it.commit(version, &request), 0, "version {version}");
            assert_eq!((it.any(), it.stable()), (before, UNSTABLE), "version {version}");
            it.end(commit);
            if commit {
                before = (0, offset);
            }
            assert_eq!((it.any(), it.stable()), (before, before), "version {version}");
        }
    }
}

#[tokio::test]
async fn every_version_that_asks_for_stable_offsets_has_to_wait() {
    let mut it = Fixture::new().await;
    it.begin();
    let request = it.request(7);
    assert_eq!(it.commit(3, &request), 0);
    // Partition 1 has nothing pending, and is answered.
    for version in 8..=9 {
        let topic = OffsetFetchRequestTopics::default()
            .with_name(topic_name(&it.topic))
            .with_partition_indexes(vec![0, 1]);
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(group_id(&it.group))
            .with_topics(Some(vec![topic]));
        let request =
            OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(true);
        let answer = it.groups.call(version, &request);
        assert_eq!(answer.groups[0].error_code, 0);
        let found = answer.groups[0].topics[0].partitions.iter();
        let found: Vec<_> = found.map(|it| (it.error_code, it.committed_offset)).collect();
        assert_eq!(found, [UNSTABLE, NOTHING], "version {version}");
    }
    // A request for all offsets returns only those that are committed.
    let all = OffsetFetchRequest::default().with_group_id(group_id(&it.group)).with_topics(None);
    assert!(it.groups.call(7, &all.with_require_stable(true)).topics.is_empty());
    it.end(true);
}

#[tokio::test]
async fn a_member_commits_in_its_own_generation_alone() {
    let mut it = Fixture::new().await;
    let (member, generation) = join_alone(&mut it.groups, &it.group);
    it.begin();
    for (generation, member, error) in [
        (generation, member.as_str(), 0),
        (generation - 1, &member, ILLEGAL_GENERATION),
        (generation + 1, &member, ILLEGAL_GENERATION),
        (-1, &member, ILLEGAL_GENERATION),
        (generation, "stranger", UNKNOWN_MEMBER_ID),
        (generation, "", UNKNOWN_MEMBER_ID),
        (-1, "stranger", UNKNOWN_MEMBER_ID),
        // Who names neither is trusted, as are all clients before version 3.
        (-1, "", 0),
    ] {
        assert_eq!(it.commit_as(generation, member, None), error, "{generation} {member}");
    }
    for version in 0..=2 {
        let request = it.request(7);
        assert_eq!(it.commit(version, &request), 0, "version {version}");
    }
    it.end(true);
    assert_eq!(it.stable(), (0, 7));
}

#[tokio::test]
async fn a_static_member_that_was_replaced_commits_nothing() {
    let mut it = Fixture::new().await;
    let instance = Some("gate-7");
    let request = join_request(&it.group, "").with_group_instance_id(instance.map(text));
    let former = it.groups.call(9, &request);
    assert_eq!(former.error_code, 0);
    let former_id = former.member_id.to_string();
    let sync = sync_request(&it.group, &former, &[(&former_id, "all")]);
    let synced = it.groups.call(5, &sync.with_group_instance_id(instance.map(text)));
    assert_eq!(synced.error_code, 0);
    let present = it.groups.call(9, &request);
    assert_eq!((present.error_code, present.generation_id), (0, former.generation_id));
    it.begin();
    let generation = present.generation_id;
    for (member, instance, error) in [
        (former_id.as_str(), instance, FENCED_INSTANCE_ID),
        ("stranger", instance, FENCED_INSTANCE_ID),
        (&former_id, None, UNKNOWN_MEMBER_ID),
        (&present.member_id, Some("gate-8"), UNKNOWN_MEMBER_ID),
        (&present.member_id, instance, 0),
        (&present.member_id, None, 0),
    ] {
        assert_eq!(it.commit_as(generation, member, instance), error, "{member} {instance:?}");
    }
    assert_eq!(it.commit_as(generation - 1, &present.member_id, instance), ILLEGAL_GENERATION);
    it.end(false);
    assert_eq!(it.stable(), NOTHING);
}

#[tokio::test]
async fn a_group_without_members_takes_offsets_from_outside_alone() {
    let mut it = Fixture::new().await;
    it.begin();
    assert_eq!(it.commit_as(0, "someone", None), ILLEGAL_GENERATION, "no such group");
    assert_eq!(it.commit_as(-1, "", None), 0);
    let (member, generation) = join_alone(&mut it.groups, &it.group);
    let leave = LeaveGroupRequest::default()
        .with_group_id(group_id(&it.group))
        .with_member_id(text(&member));
    assert_eq!(it.groups.call(2, &leave).error_code, 0);
    assert_eq!(it.commit_as(generation, &member, None), UNKNOWN_MEMBER_ID);
    assert_eq!(it.commit_as(-1, "", None), 0);
    it.end(true);
    assert_eq!(it.stable(), (0, 7));
}

#[tokio::test]
async fn a_rebalance_holds_up_plain_commits_but_not_those_of_a_transaction() {
    let mut it = Fixture::new().await;
    let member = new_member_id(&mut it.groups, &it.group);
    let joined = it.groups.call(9, &join_request(&it.group, &member));
    assert_eq!(joined.error_code, 0);
    it.begin();
    let generation = joined.generation_id;
    assert_eq!(it.commit_plainly(generation, &member, 1), REBALANCE_IN_PROGRESS);
    assert_eq!(it.commit_as(generation, &member, None), 0);
    it.end(true);
    assert_eq!(it.stable(), (0, 7));
}

#[tokio::test]
async fn the_commit_that_was_written_last_counts_whenever_its_transaction_ends() {
    let mut it = Fixture::new().await;
    for commit in [true, false] {
        it.begin();
        let request = it.request(10);
        assert_eq!(it.commit(3, &request), 0);
        assert_eq!(it.commit_plainly(-1, "", 20), 0);
        assert_eq!((it.any(), it.stable()), ((0, 20), UNSTABLE));
        it.end(commit);
        assert_eq!(it.stable(), (0, 20));
    }
    let mut second = Transactional::new(&it.cluster);
    let producer = second.producer();
    it.begin();
    begin(&mut second, producer, &it.group);
    let (first, behind) = (it.request(30), it.request_by(&second.id, producer, 40));
    assert_eq!((it.commit(3, &first), it.commit(3, &behind)), (0, 0));
    assert_eq!(second.end(3, producer, true), 0);
    eventually("the second one counts", || (it.any() == (0, 40)).then_some(()));
    assert_eq!(it.stable(), UNSTABLE, "the first one is open");
    it.end(true);
    assert_eq!(it.stable(), (0, 40));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let mut it = Fixture::new().await;
    it.begin();
    let elsewhere = it.cluster.addresses();
    let elsewhere = elsewhere.iter().find(|address| *address != it.groups.address());
    let mut elsewhere = RawClient::connect(elsewhere.expect("there are three nodes"));
    for version in 0..=3 {
        let answer = elsewhere.call(version, &it.request(7));
        assert_eq!(answer.topics[0].partitions[0].error_code, NOT_COORDINATOR);
        let mut request = it.request(7);
        request.topics[0].partitions[0].committed_metadata = Some(text(&"x".repeat(5_000)));
        assert_eq!(it.commit(version, &request), OFFSET_METADATA_TOO_LARGE);
        let mut request = it.request(7);
        request.topics[0].partitions[0].partition_index = 2;
        assert_eq!(it.commit(version, &request), UNKNOWN_TOPIC_OR_PARTITION);
        request.topics[0].name = topic_name(&format!("{}-missing", it.topic));
        assert_eq!(it.commit(version, &request), UNKNOWN_TOPIC_OR_PARTITION);
    }
    assert_eq!(it.stable(), NOTHING);
    let request = it.request(7).with_group_id(group_id(""));
    for address in it.cluster.addresses() {
        let answer = RawClient::connect(&address).call(3, &request);
        assert_eq!(answer.topics[0].partitions[0].error_code, INVALID_GROUP_ID, "at any node");
    }
    assert_eq!(it.transactional.end(3, it.producer, false), 0);
}
