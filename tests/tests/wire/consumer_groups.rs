//! The new group protocol (KIP-848), heartbeat by heartbeat: who joins, who gives up what, who is
//! fenced, and what is shown of it.
//!
//! Apache Kafka computes an assignment once a second at most, so what follows from one is waited
//! for.

use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    DeleteGroupsRequest, LeaveGroupRequest, ListGroupsRequest, OffsetCommitRequest,
    OffsetFetchRequest, consumer_group_describe_response, leave_group_request,
    offset_commit_request, offset_fetch_request,
};
use uuid::Uuid;
use workshop_tests::errors::{
    FENCED_INSTANCE_ID, FENCED_MEMBER_EPOCH, GROUP_ID_NOT_FOUND, INVALID_REGULAR_EXPRESSION,
    INVALID_REQUEST, NON_EMPTY_GROUP, STALE_MEMBER_EPOCH, UNKNOWN_MEMBER_ID,
    UNRELEASED_INSTANCE_ID, UNSUPPORTED_ASSIGNOR, UNSUPPORTED_VERSION,
};
use workshop_tests::group::{heartbeat, join_request};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{describe_group, group_id, metadata, text, topic_name};
use workshop_tests::{TestCluster, eventually};

/// A group, and a connection to its coordinator.
struct Scene {
    _cluster: TestCluster,
    group: String,
    topic: String,
    topic_id: Uuid,
    coordinator: RawClient,
}

impl Scene {
    async fn with_partitions(partitions: i32) -> Self {
        let cluster = TestCluster::start().await;
        let (topic, group) = (cluster.create_topic(partitions), cluster.group_name());
        let mut coordinator = cluster.connect_to_coordinator(&group);
        // In Apache Kafka each node learns of a topic by itself.
        let topic_id = eventually("the coordinator knows the topic", || {
            let known = coordinator.call(12, &metadata(&[&topic])).topics.remove(0);
            (known.error_code == 0).then_some(known.topic_id)
        });
        let mut scene = Self { _cluster: cluster, group, topic, topic_id, coordinator };
        // And its coordinator learns of it later still, and assigns nothing of it until then.
        eventually("the coordinator assigns the topic", || scene.assigns().then_some(()));
        scene
    }

    /// Whether who joins is given partitions. The group is as it was before: not there.
    fn assigns(&mut self) -> bool {
        let answer = self.send(&self.joining("first"));
        self.send(&self.beating("first", -1));
        let delete = DeleteGroupsRequest::default().with_groups_names(vec![group_id(&self.group)]);
        assert_eq!(self.coordinator.call(2, &delete).results[0].error_code, 0);
        !partitions(&answer).is_empty()
    }

    fn joining(&self, member: &str) -> ConsumerGroupHeartbeatRequest {
        self.beating(member, 0)
            .with_rebalance_timeout_ms(60_000)
            .with_subscribed_topic_names(Some(vec![topic_name(&self.topic)]))
            .with_topic_partitions(Some(vec![]))
    }

    fn beating(&self, member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(&self.group))
            .with_member_id(text(member))
            .with_member_epoch(epoch)
            .with_rebalance_timeout_ms(-1)
    }

    fn owning(&self, member: &str, epoch: i32, owned: &[i32]) -> ConsumerGroupHeartbeatRequest {
        let owned =
            TopicPartitions::default().with_topic_id(self.topic_id).with_partitions(owned.to_vec());
        self.beating(member, epoch).with_topic_partitions(Some(vec![owned]))
    }

    fn send(&mut self, request: &ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
        self.coordinator.call(1, request)
    }

    fn error(&mut self, request: &ConsumerGroupHeartbeatRequest) -> (i16, String) {
        let answer = self.send(request);
        (answer.error_code, answer.error_message.unwrap_or_default().to_string())
    }

    /// Sends heartbeats until the member gets partitions.
    fn told(&mut self, member: &str, epoch: i32) -> (i32, Vec<i32>) {
        eventually("the member gets another assignment", || {
            let answer = self.send(&self.beating(member, epoch));
            assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
            answer.assignment.is_some().then(|| (answer.member_epoch, partitions(&answer)))
        })
    }

    /// Two members, in epoch 3, with three partitions each.
    fn share(&mut self) {
        assert_eq!(partitions(&self.send(&self.joining("a"))), [0, 1, 2, 3, 4, 5]);
        assert_eq!(partitions(&self.send(&self.joining("b"))), [0; 0]);
        assert_eq!(self.told("a", 2), (2, vec![0, 1, 2]));
        let answer = self.send(&self.owning("a", 2, &[0, 1, 2]));
        assert_eq!((answer.member_epoch, answer.assignment), (3, None));
        let described = self.described();
        let second = described.members.iter().find(|it| &*it.member_id == "b");
        let epoch = second.expect("a member").member_epoch;
        assert_eq!(self.told("b", epoch), (3, vec![3, 4, 5]));
    }

    fn described(&mut self) -> consumer_group_describe_response::DescribedGroup {
        let request =
            ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(&self.group)]);
        self.coordinator.call(1, &request).groups.remove(0)
    }

    fn commit(&mut self, version: i16, member: &str, epoch: i32) -> i16 {
        let partition =
            offset_commit_request::OffsetCommitRequestPartition::default().with_committed_offset(5);
        let topic = offset_commit_request::OffsetCommitRequestTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group_id(&self.group))
            .with_member_id(text(member))
            .with_generation_id_or_member_epoch(epoch)
            .with_topics(vec![topic]);
        self.coordinator.call(version, &request).topics[0].partitions[0].error_code
    }

    /// The group's error, or the committed offset.
    fn fetch(&mut self, member: Option<&str>, epoch: i32) -> Result<i64, i16> {
        let topic = offset_fetch_request::OffsetFetchRequestTopics::default()
            .with_name(topic_name(&self.topic))
            .with_partition_indexes(vec![0]);
        let group = offset_fetch_request::OffsetFetchRequestGroup::default()
            .with_group_id(group_id(&self.group))
            .with_member_id(member.map(text))
            .with_member_epoch(epoch)
            .with_topics(Some(vec![topic]));
        let request = OffsetFetchRequest::default().with_groups(vec![group]);
        let answer = self.coordinator.call(9, &request).groups.remove(0);
        match answer.error_code {
            0 => Ok(answer.topics[0].partitions[0].committed_offset),
            error => Err(error),
        }
    }

    /// Type and state as ListGroups has them.
    fn listed(&mut self) -> Option<(String, String)> {
        let groups = self.coordinator.call(5, &ListGroupsRequest::default()).groups;
        let listed = groups.into_iter().find(|it| it.group_id.as_str() == self.group)?;
        assert_eq!(&*listed.protocol_type, "consumer");
        Some((listed.group_type.to_string(), listed.group_state.to_string()))
    }
}

fn partitions(answer: &ConsumerGroupHeartbeatResponse) -> Vec<i32> {
    let assigned = answer.assignment.as_ref().expect("an assignment");
    let mut all: Vec<_> =
        assigned.topic_partitions.iter().flat_map(|topic| topic.partitions.clone()).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let mut scene = Scene::with_partitions(1).await;
    let joins = scene.joining("a");
    let rows = [
        (scene.joining(""), "MemberId can't be empty."),
        (scene.beating("", 1), "MemberId can't be empty."),
        (joins.clone().with_group_id(group_id("")), "GroupId can't be empty."),
        (joins.clone().with_instance_id(Some(text(""))), "InstanceId can't be empty."),
        (joins.clone().with_rack_id(Some(text(""))), "RackId can't be empty."),
        (
            joins.clone().with_rebalance_timeout_ms(-1),
            "RebalanceTimeoutMs must be provided in first request.",
        ),
        (
            joins.clone().with_subscribed_topic_names(None),
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when \
             (re-)joining.",
        ),
        (
            joins.clone().with_topic_partitions(None),
            "TopicPartitions must be empty when (re-)joining.",
        ),
        (scene.beating("a", -2), "InstanceId can't be null."),
        (scene.beating("a", -3), "MemberEpoch is invalid."),
    ];
    for (request, message) in rows {
        assert_eq!(scene.error(&request), (INVALID_REQUEST, message.to_owned()));
    }
    let sticky = joins.clone().with_server_assignor(Some(text("sticky")));
    let message =
        "ServerAssignor sticky is not supported. Supported assignors: uniform, range.".to_owned();
    assert_eq!(scene.error(&sticky), (UNSUPPORTED_ASSIGNOR, message));
    let broken = joins.with_subscribed_topic_regex(Some(text("[")));
    assert_eq!(scene.error(&broken).0, INVALID_REGULAR_EXPRESSION);
}

#[tokio::test]
async fn a_group_without_a_first_member_is_not_found() {
    let mut scene = Scene::with_partitions(1).await;
    let group = scene.group.clone();
    let rows = [
        (1, format!("Consumer group {group} not found.")),
        (-1, format!("Group {group} not found.")),
    ];
    for (epoch, message) in rows {
        let error = scene.error(&scene.beating("a", epoch));
        assert_eq!(error, (GROUP_ID_NOT_FOUND, message));
    }
    let described = scene.described();
    assert_eq!(described.error_code, GROUP_ID_NOT_FOUND);
    let message = format!("Group {group} not found.");
    assert_eq!(described.error_message.as_deref(), Some(message.as_str()));
    assert_eq!(scene.commit(9, "a", 2), GROUP_ID_NOT_FOUND);
    assert_eq!(scene.fetch(Some("a"), 2), Ok(-1));
}

#[tokio::test]
async fn in_version_0_the_coordinator_names_the_member() {
    let mut scene = Scene::with_partitions(1).await;
    let answer = scene.coordinator.call(0, &scene.joining(""));
    assert_eq!((answer.error_code, answer.member_epoch), (0, 2));
    assert!(answer.member_id.is_some_and(|id| id.len() >= 22), "a random id");
    assert!(answer.heartbeat_interval_ms > 0);
}

#[tokio::test]
async fn partitions_are_given_up_before_they_are_given_away() {
    let mut scene = Scene::with_partitions(6).await;
    assert_eq!(partitions(&scene.send(&scene.joining("a"))), [0, 1, 2, 3, 4, 5]);
    let epoch = scene.send(&scene.joining("b")).member_epoch;
    assert_eq!(scene.told("a", 2), (2, vec![0, 1, 2]));
    // It still owns all, and so there is nothing for the other.
    let all = scene.owning("a", 2, &[0, 1, 2, 3, 4, 5]);
    assert_eq!(scene.send(&all).member_epoch, 2);
    let other = scene.send(&scene.beating("b", epoch));
    assert!(other.assignment.is_none_or(|it| it.topic_partitions.is_empty()));
    assert_eq!(scene.described().group_state.as_str(), "Reconciling");
    let rest = scene.owning("a", 2, &[0, 1, 2]);
    assert_eq!(scene.send(&rest).member_epoch, 3);
    assert_eq!(scene.told("b", 3), (3, vec![3, 4, 5]));
    let described = scene.described();
    assert_eq!((described.group_epoch, described.assignment_epoch), (3, 3));
    assert_eq!((&*described.group_state, &*described.assignor_name), ("Stable", "uniform"));
    for member in &described.members {
        assert_eq!(member.member_epoch, 3);
        assert_eq!(member.member_type, 1);
        assert_eq!(member.subscribed_topic_regex.as_deref(), Some(""));
        assert_eq!(member.assignment, member.target_assignment);
        assert_eq!(member.assignment.topic_partitions[0].topic_name.as_str(), scene.topic);
    }
}

#[tokio::test]
async fn epochs_that_are_not_the_members_are_fenced() {
    let mut scene = Scene::with_partitions(6).await;
    scene.share();
    let unknown = format!("Member x is not a member of group {}.", scene.group);
    assert_eq!(scene.error(&scene.beating("x", 3)), (UNKNOWN_MEMBER_ID, unknown));
    let (error, message) = scene.error(&scene.beating("a", 9));
    assert_eq!(error, FENCED_MEMBER_EPOCH);
    assert!(message.contains("a greater member epoch (9) than the one known"), "{message}");
    let (error, message) = scene.error(&scene.beating("a", 2));
    assert_eq!(error, FENCED_MEMBER_EPOCH);
    assert!(message.contains("a smaller member epoch (2) than the one known"), "{message}");
    // The answer with the new epoch may have been lost: who owns only its own is let through.
    let answer = scene.send(&scene.owning("a", 2, &[0, 1]));
    assert_eq!((answer.error_code, answer.member_epoch), (0, 3));
    let answer = scene.send(&scene.joining("a"));
    assert_eq!((answer.member_epoch, partitions(&answer)), (3, vec![0, 1, 2]));
}

#[tokio::test]
async fn who_leaves_makes_room() {
    let mut scene = Scene::with_partitions(6).await;
    scene.share();
    let answer = scene.send(&scene.beating("b", -1));
    assert_eq!((answer.error_code, answer.member_epoch), (0, -1));
    assert_eq!(answer.heartbeat_interval_ms, 0);
    assert_eq!(scene.error(&scene.beating("b", -1)).0, UNKNOWN_MEMBER_ID);
    assert_eq!(scene.told("a", 3), (4, vec![0, 1, 2, 3, 4, 5]));
}

#[tokio::test]
async fn a_static_member_keeps_its_place_while_it_is_away() {
    let mut scene = Scene::with_partitions(6).await;
    let instance =
        |request: ConsumerGroupHeartbeatRequest| request.with_instance_id(Some(text("gate-1")));
    scene.send(&instance(scene.joining("s1")));
    let taken = |id: &str| {
        format!(
            "Static member {id} with instance id gate-1 cannot join the group because the instance \
             id is owned by s1 member."
        )
    };
    for id in ["s1", "s2"] {
        let error = scene.error(&instance(scene.joining(id)));
        assert_eq!(error, (UNRELEASED_INSTANCE_ID, taken(id)));
    }
    let error = scene.error(&instance(scene.beating("s2", 2)));
    let fenced = "Static member s2 with instance id gate-1 was fenced by member s1.".to_owned();
    assert_eq!(error, (FENCED_INSTANCE_ID, fenced));
    let stranger = scene.beating("s1", 2).with_instance_id(Some(text("stranger")));
    let unknown = "Instance id stranger is unknown.".to_owned();
    assert_eq!(scene.error(&stranger), (UNKNOWN_MEMBER_ID, unknown));
    for _ in 0..2 {
        let answer = scene.send(&instance(scene.beating("s1", -2)));
        assert_eq!((answer.error_code, answer.member_epoch), (0, -2));
    }
    assert_eq!(scene.error(&instance(scene.beating("s1", 2))).0, FENCED_MEMBER_EPOCH);
    let answer = scene.send(&instance(scene.joining("s2")));
    assert_eq!((answer.member_epoch, partitions(&answer)), (2, vec![0, 1, 2, 3, 4, 5]));
    let answer = scene.send(&instance(scene.beating("s2", -1)));
    assert_eq!((answer.error_code, answer.member_epoch), (0, -1));
    assert_eq!(scene.described().group_state.as_str(), "Empty");
}

#[tokio::test]
async fn only_members_of_the_epoch_commit_and_fetch() {
    let mut scene = Scene::with_partitions(1).await;
    scene.send(&scene.joining("a"));
    let rows = [
        (9, "a", 2, 0),
        (8, "a", 2, UNSUPPORTED_VERSION),
        (9, "a", 1, STALE_MEMBER_EPOCH),
        (9, "a", 3, STALE_MEMBER_EPOCH),
        (9, "b", 2, UNKNOWN_MEMBER_ID),
        (9, "", -1, UNKNOWN_MEMBER_ID),
    ];
    for (version, member, epoch, error) in rows {
        assert_eq!(scene.commit(version, member, epoch), error, "{member} {epoch} v{version}");
    }
    assert_eq!(scene.fetch(Some("a"), 2), Ok(5));
    assert_eq!(scene.fetch(Some("a"), 1), Err(STALE_MEMBER_EPOCH));
    assert_eq!(scene.fetch(Some("b"), 2), Err(UNKNOWN_MEMBER_ID));
    assert_eq!(scene.fetch(None, -1), Ok(5));
}

#[tokio::test]
async fn range_gives_each_member_a_row_of_partitions() {
    let mut scene = Scene::with_partitions(5).await;
    for member in ["c", "a", "b"] {
        let joins = scene.joining(member).with_server_assignor(Some(text("range")));
        assert_eq!(scene.send(&joins).error_code, 0);
    }
    let described = eventually("the target is for all three", || {
        scene.send(&scene.beating("c", 2));
        let described = scene.described();
        (described.assignment_epoch == 4).then_some(described)
    });
    assert_eq!(described.assignor_name.as_str(), "range");
    let target = |id: &str| {
        let member = described.members.iter().find(|it| it.member_id.as_str() == id);
        member.expect("a member").target_assignment.topic_partitions[0].partitions.clone()
    };
    assert_eq!((target("a"), target("b"), target("c")), (vec![0, 1], vec![2, 3], vec![4]));
}

#[tokio::test]
async fn a_regular_expression_finds_topics_by_their_whole_names() {
    let mut scene = Scene::with_partitions(2).await;
    let matching = |scene: &Scene, epoch, regex: &str| {
        scene
            .joining("a")
            .with_member_epoch(epoch)
            .with_subscribed_topic_names(None)
            .with_subscribed_topic_regex(Some(text(regex)))
    };
    let whole = format!("{}.*", &scene.topic[..20]);
    let epoch = scene.send(&matching(&scene, 0, &whole)).member_epoch;
    let told = eventually("the topic is found", || {
        let answer = scene.send(&matching(&scene, 0, &whole));
        (answer.assignment.as_ref()?.topic_partitions.len() == 1).then_some(answer)
    });
    assert_eq!(partitions(&told), [0, 1]);
    assert!(told.member_epoch >= epoch);
    let described = scene.described();
    let regex = described.members[0].subscribed_topic_regex.as_deref();
    assert_eq!(regex, Some(whole.as_str()));
}

#[tokio::test]
async fn the_classic_requests_about_groups_know_what_is_not_theirs() {
    let mut scene = Scene::with_partitions(1).await;
    scene.send(&scene.joining("a"));
    let group = scene.group.clone();
    assert_eq!(scene.listed(), Some(("consumer".into(), "Stable".into())));
    let described = scene.coordinator.call(5, &describe_group(&group)).groups.remove(0);
    assert_eq!((described.error_code, &*described.group_state), (0, "Dead"));
    let beat = scene.coordinator.call(4, &heartbeat(&group, "a", 2));
    assert_eq!(beat.error_code, UNKNOWN_MEMBER_ID);
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group_id(&group)]);
    assert_eq!(scene.coordinator.call(2, &delete).results[0].error_code, NON_EMPTY_GROUP);
    let member = leave_group_request::MemberIdentity::default().with_member_id(text("a"));
    let leave =
        LeaveGroupRequest::default().with_group_id(group_id(&group)).with_members(vec![member]);
    assert_eq!(scene.coordinator.call(5, &leave).members[0].error_code, 0);
    assert_eq!(scene.coordinator.call(2, &delete).results[0].error_code, 0);
    assert_eq!(scene.listed(), None);
}

#[tokio::test]
async fn an_empty_group_changes_its_protocol_and_keeps_its_offsets() {
    let mut scene = Scene::with_partitions(1).await;
    let group = scene.group.clone();
    scene.send(&scene.joining("a"));
    assert_eq!(scene.commit(9, "a", 2), 0);
    scene.send(&scene.beating("a", -1));
    assert_eq!(scene.listed(), Some(("consumer".into(), "Empty".into())));
    let joined = scene.coordinator.call(3, &join_request(&group, ""));
    assert_eq!(joined.error_code, 0);
    // Apache Kafka lists what it has written, a moment later.
    eventually("the group is a classic one", || {
        (scene.listed() == Some(("classic".into(), "CompletingRebalance".into()))).then_some(())
    });
    assert_eq!(scene.fetch(None, -1), Ok(5));
    let message = format!("Group {group} is not a consumer group.");
    for epoch in [2, -1] {
        let error = scene.error(&scene.beating("a", epoch));
        assert_eq!(error, (GROUP_ID_NOT_FOUND, message.clone()));
    }
    assert_eq!(scene.described().error_message.as_deref(), Some(message.as_str()));
    let leave = LeaveGroupRequest::default()
        .with_group_id(group_id(&group))
        .with_member_id(joined.member_id);
    assert_eq!(scene.coordinator.call(2, &leave).error_code, 0);
    assert_eq!(scene.send(&scene.joining("a")).error_code, 0);
    eventually("the group is one of the consumer protocol", || {
        (scene.listed()?.0 == "consumer").then_some(())
    });
    assert_eq!(scene.fetch(None, -1), Ok(5));
}
