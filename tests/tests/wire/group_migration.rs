//! Groups that change their protocol while their members go on (KIP-848): a member of the consumer
//! protocol joins classic ones, they are led next to each other, and the last of the new ones
//! leaves.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    DeleteGroupsRequest, JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, SyncGroupRequest,
    consumer_group_describe_response, leave_group_request,
};
use uuid::Uuid;
use workshop_tests::errors::{
    GROUP_ID_NOT_FOUND, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, MEMBER_ID_REQUIRED,
    REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID,
};
use workshop_tests::group::{heartbeat, join_request, subscription};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{describe_group, group_id, metadata, text, topic_name};
use workshop_tests::{TestCluster, eventually};

/// A classic group, and a connection to its coordinator.
struct Scene {
    cluster: TestCluster,
    group: String,
    topic: String,
    topic_id: Uuid,
    coordinator: RawClient,
    /// The classic member.
    member: String,
}

/// Lists of partitions by topic, as subscriptions and assignments have them.
fn named(topic: &str, partitions: &[i32]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i32(1);
    bytes.put_i16(topic.len() as i16);
    bytes.put_slice(topic.as_bytes());
    bytes.put_i32(partitions.len() as i32);
    partitions.iter().for_each(|partition| bytes.put_i32(*partition));
    bytes.freeze()
}

/// The partitions of an assignment of one topic.
fn assigned(mut bytes: &[u8]) -> Vec<i32> {
    use bytes::Buf;
    bytes.advance(2);
    if bytes.get_i32() == 0 {
        return Vec::new();
    }
    let name = usize::from(bytes.get_u16());
    bytes.advance(name);
    (0..bytes.get_i32()).map(|_| bytes.get_i32()).collect()
}

impl Scene {
    /// A classic member that has all four partitions, in generation 1.
    async fn classic() -> Self {
        let cluster = TestCluster::start().await;
        let (topic, group) = (cluster.create_topic(4), cluster.group_name());
        let mut coordinator = cluster.connect_to_coordinator(&group);
        let topic_id = eventually("the coordinator knows the topic", || {
            let known = coordinator.call(12, &metadata(&[&topic])).topics.remove(0);
            (known.error_code == 0).then_some(known.topic_id)
        });
        let member = String::new();
        let mut scene = Self { cluster, group, topic, topic_id, coordinator, member };
        scene.wait_until_assigned();
        let required = scene.join("", &[]);
        assert_eq!(required.error_code, MEMBER_ID_REQUIRED);
        scene.member = required.member_id.to_string();
        assert_eq!(scene.rejoin(&[]).generation_id, 1);
        assert_eq!(scene.sync(1, &[0, 1, 2, 3]), Ok(vec![0, 1, 2, 3]));
        scene
    }

    /// In Apache Kafka a coordinator learns of a topic by itself, and assigns nothing of it before.
    fn wait_until_assigned(&mut self) {
        let group = self.group.clone();
        eventually("the coordinator assigns the topic", || {
            let answer = self.join_new("probe");
            self.beat("probe", -1);
            let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(&group)]);
            assert_eq!(self.coordinator.call(2, &request).results[0].error_code, 0);
            (!partitions(&answer).is_empty()).then_some(())
        });
    }

    fn join(&mut self, member: &str, owned: &[i32]) -> JoinGroupResponse {
        let topics = subscription(&[&self.topic]);
        let mut bytes = BytesMut::from(&[0, 1][..]);
        bytes.put_slice(&topics[2..]);
        bytes.put_slice(&named(&self.topic, owned));
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(text("cooperative-sticky"))
            .with_metadata(bytes.freeze());
        let request = join_request(&self.group, member).with_protocols(vec![protocol]);
        self.coordinator.call(5, &request)
    }

    /// The classic member joins again.
    fn rejoin(&mut self, owned: &[i32]) -> JoinGroupResponse {
        let joined = self.join(&self.member.clone(), owned);
        assert_eq!(joined.error_code, 0);
        joined
    }

    fn sync(&mut self, generation: i32, assigns: &[i32]) -> Result<Vec<i32>, i16> {
        let mut bytes = BytesMut::from(&[0, 1][..]);
        bytes.put_slice(&named(&self.topic, assigns));
        bytes.put_i32(-1);
        let assignment = SyncGroupRequestAssignment::default()
            .with_member_id(text(&self.member))
            .with_assignment(bytes.freeze());
        let request = SyncGroupRequest::default()
            .with_group_id(group_id(&self.group))
            .with_generation_id(generation)
            .with_member_id(text(&self.member))
            .with_assignments(vec![assignment]);
        let answer = self.coordinator.call(3, &request);
        if answer.error_code == 0 {
            Ok(assigned(&answer.assignment))
        } else {
            Err(answer.error_code)
        }
    }

    fn classic_beat(&mut self, generation: i32) -> i16 {
        let request = heartbeat(&self.group, &self.member, generation);
        self.coordinator.call(3, &request).error_code
    }

    fn join_new(&mut self, member: &str) -> ConsumerGroupHeartbeatResponse {
        let request = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(&self.group))
            .with_member_id(text(member))
            .with_rebalance_timeout_ms(60_000)
            .with_subscribed_topic_names(Some(vec![topic_name(&self.topic)]))
            .with_topic_partitions(Some(vec![]));
        self.coordinator.call(1, &request)
    }

    fn beat(&mut self, member: &str, epoch: i32) -> ConsumerGroupHeartbeatResponse {
        let request = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(&self.group))
            .with_member_id(text(member))
            .with_member_epoch(epoch)
            .with_rebalance_timeout_ms(-1);
        self.coordinator.call(1, &request)
    }

    fn owning(
        &mut self,
        member: &str,
        epoch: i32,
        owned: &[i32],
    ) -> ConsumerGroupHeartbeatResponse {
        let owned =
            TopicPartitions::default().with_topic_id(self.topic_id).with_partitions(owned.to_vec());
        let request = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(&self.group))
            .with_member_id(text(member))
            .with_member_epoch(epoch)
            .with_rebalance_timeout_ms(-1)
            .with_topic_partitions(Some(vec![owned]));
        self.coordinator.call(1, &request)
    }

    fn described(&mut self) -> consumer_group_describe_response::DescribedGroup {
        let request =
            ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(&self.group)]);
        self.coordinator.call(1, &request).groups.remove(0)
    }

    /// Waits until ListGroups has it so: Apache Kafka lists what it has written.
    fn is_listed_as(&mut self, kind: &str, state: &str) {
        eventually("the group is listed as what it is", || {
            let groups = self.coordinator.call(5, &ListGroupsRequest::default()).groups;
            let listed = groups.into_iter().find(|it| it.group_id.as_str() == self.group)?;
            (&*listed.group_type == kind && &*listed.group_state == state).then_some(())
        });
    }

    /// A member of the consumer protocol joins, and both have two partitions.
    fn share(&mut self) {
        assert_eq!(self.join_new("new").member_epoch, 2);
        assert_eq!(self.rejoin(&[0, 1, 2, 3]).generation_id, 1);
        assert_eq!(self.rejoin(&[0, 1]).generation_id, 2);
        assert_eq!(self.sync(2, &[]), Ok(vec![0, 1]));
        let told = self.beat("new", 2);
        assert_eq!((told.member_epoch, partitions(&told)), (2, vec![2, 3]));
    }
}

fn partitions(answer: &ConsumerGroupHeartbeatResponse) -> Vec<i32> {
    let topics = answer.assignment.iter().flat_map(|it| &it.topic_partitions);
    topics.flat_map(|topic| topic.partitions.clone()).collect()
}

#[tokio::test]
async fn a_classic_group_becomes_a_consumer_group_and_its_member_continues() {
    let mut scene = Scene::classic().await;
    scene.is_listed_as("classic", "Stable");
    let joined = scene.join_new("new");
    assert_eq!((joined.error_code, joined.member_epoch), (0, 2));
    assert_eq!(partitions(&joined), [0; 0]);
    scene.is_listed_as("consumer", "Reconciling");
    let types = scene.described().members.iter().map(|it| it.member_type).collect::<Vec<_>>();
    assert!(types.contains(&0) && types.contains(&1), "{types:?}");
    assert_eq!(scene.classic_beat(1), REBALANCE_IN_PROGRESS);
    assert_eq!(scene.sync(1, &[]), Err(REBALANCE_IN_PROGRESS));
    let joined = scene.rejoin(&[0, 1, 2, 3]);
    assert_eq!((joined.generation_id, &*joined.leader), (1, ""));
    assert_eq!(joined.protocol_name.as_deref(), Some("cooperative-sticky"));
    assert_eq!(joined.members.len(), 0);
    assert_eq!(scene.sync(1, &[]), Ok(vec![0, 1]));
    assert_eq!(scene.classic_beat(1), REBALANCE_IN_PROGRESS);
    assert_eq!(scene.beat("new", 2).assignment, None);
    // Now it has given up the other two.
    assert_eq!(scene.rejoin(&[0, 1]).generation_id, 2);
    assert_eq!(scene.sync(2, &[]), Ok(vec![0, 1]));
    assert_eq!(scene.classic_beat(2), 0);
    let told = scene.beat("new", 2);
    assert_eq!((told.member_epoch, partitions(&told)), (2, vec![2, 3]));
    scene.is_listed_as("consumer", "Stable");
}

#[tokio::test]
async fn classic_requests_to_a_mixed_group_are_checked() {
    let mut scene = Scene::classic().await;
    scene.share();
    assert_eq!(scene.classic_beat(9), ILLEGAL_GENERATION);
    assert_eq!(scene.sync(9, &[]), Err(ILLEGAL_GENERATION));
    let group = scene.group.clone();
    let stranger = scene.coordinator.call(3, &heartbeat(&group, "stranger", 2));
    assert_eq!(stranger.error_code, UNKNOWN_MEMBER_ID);
    // One of the consumer protocol has no generation.
    let other = scene.coordinator.call(3, &heartbeat(&group, "new", 2));
    assert_eq!(other.error_code, UNKNOWN_MEMBER_ID);
    let worker = join_request(&group, "").with_protocol_type(text("connect"));
    let refused = scene.coordinator.call(5, &worker);
    assert_eq!(refused.error_code, INCONSISTENT_GROUP_PROTOCOL);
    // The assignor must be one that all classic members have.
    let range = scene.coordinator.call(5, &join_request(&group, ""));
    assert_eq!(range.error_code, INCONSISTENT_GROUP_PROTOCOL);
    let described = scene.coordinator.call(4, &describe_group(&group)).groups.remove(0);
    assert_eq!((described.error_code, &*described.group_state), (0, "Dead"));
}

#[tokio::test]
async fn another_classic_member_joins_a_mixed_group() {
    let mut scene = Scene::classic().await;
    scene.share();
    let required = scene.join("", &[]);
    assert_eq!(required.error_code, MEMBER_ID_REQUIRED);
    let joined = scene.join(&required.member_id, &[]);
    assert_eq!((joined.error_code, joined.generation_id >= 2), (0, true));
    // Who has to give one up is the assignor's choice.
    eventually("each is to have its share", || {
        scene.beat("new", 2);
        let targets = scene.described().members.into_iter().map(|it| it.target_assignment);
        let sizes =
            targets.map(|it| it.topic_partitions.iter().map(|it| it.partitions.len()).sum());
        let mut sizes: Vec<usize> = sizes.collect();
        sizes.sort_unstable();
        (sizes == [1, 1, 2]).then_some(())
    });
    assert_eq!(scene.classic_beat(2), REBALANCE_IN_PROGRESS);
}

#[tokio::test]
async fn without_members_of_the_consumer_protocol_the_group_is_a_classic_one_again() {
    let mut scene = Scene::classic().await;
    scene.share();
    assert_eq!(scene.owning("new", 2, &[2, 3]).error_code, 0);
    assert_eq!(scene.beat("new", -1).error_code, 0);
    scene.is_listed_as("classic", "PreparingRebalance");
    assert_eq!(scene.classic_beat(2), REBALANCE_IN_PROGRESS);
    let message = format!("Group {} is not a consumer group.", scene.group);
    let described = scene.described();
    assert_eq!(described.error_code, GROUP_ID_NOT_FOUND);
    assert_eq!(described.error_message.as_deref(), Some(message.as_str()));
    let joined = scene.rejoin(&[0, 1]);
    assert_eq!((joined.generation_id, joined.leader.as_str() == scene.member), (3, true));
    assert_eq!(scene.sync(3, &[0, 1, 2, 3]), Ok(vec![0, 1, 2, 3]));
    assert_eq!(scene.classic_beat(3), 0);
    scene.is_listed_as("classic", "Stable");
}

#[tokio::test]
async fn without_classic_members_the_group_stays_a_consumer_group() {
    let mut scene = Scene::classic().await;
    scene.share();
    let member = leave_group_request::MemberIdentity::default().with_member_id(text(&scene.member));
    let leave = LeaveGroupRequest::default()
        .with_group_id(group_id(&scene.group))
        .with_members(vec![member]);
    assert_eq!(scene.coordinator.call(5, &leave).members[0].error_code, 0);
    let told = eventually("the other one gets all", || {
        let answer = scene.beat("new", 2);
        answer.assignment.is_some().then_some(answer)
    });
    assert_eq!((told.member_epoch, partitions(&told)), (3, vec![0, 1, 2, 3]));
    scene.is_listed_as("consumer", "Stable");
}

#[tokio::test]
async fn a_group_that_holds_no_consumers_does_not_change() {
    let mut scene = Scene::classic().await;
    let group = scene.cluster.group_name();
    scene.coordinator = scene.cluster.connect_to_coordinator(&group);
    scene.group = group;
    let worker = join_request(&scene.group, "").with_protocol_type(text("connect"));
    assert_eq!(scene.coordinator.call(3, &worker).error_code, 0);
    let refused = scene.join_new("new");
    let message = format!(
        "Cannot upgrade classic group {} to consumer group because the group does not use the \
         consumer embedded protocol.",
        scene.group
    );
    assert_eq!(refused.error_code, GROUP_ID_NOT_FOUND);
    assert_eq!(refused.error_message.as_deref(), Some(message.as_str()));
}
