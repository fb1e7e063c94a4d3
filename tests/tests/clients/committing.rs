//! Storing and committing with the helpers: what a commit tells, when it comes, and what the unsafe
//! settings do instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use helpers::{
    CommitEvery, CommitOnRevoke, Committed, ConsumerBuilder, Error, commit_stored,
    commit_stored_within, group_lag, store_processed, store_through,
};
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, LeaveGroupRequest,
};
use rdkafka::ClientContext;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, DefaultConsumerContext, StreamConsumer,
};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use workshop_tests::batch::Batch;
use workshop_tests::members::TURN;
use workshop_tests::requests::{describe_group, group_id, produce, produced, text};
use workshop_tests::{DEADLINE, TestCluster, eventually};

const RECORDS: i64 = 1000;
const PROCESSED: i64 = 10;

fn append(cluster: &TestCluster, topic: &str, records: i64) {
    let values: Vec<String> = (0..records).map(|number| number.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let mut leader = cluster.connect_to_leader(topic, 0);
    let answer = leader.call(9, &produce(topic, 0, -1, Batch::of(&values).encode()));
    assert_eq!(produced(&answer).error_code, 0);
}

fn builder(cluster: &TestCluster, group: &str) -> ConsumerBuilder {
    ConsumerBuilder::new(cluster.bootstrap_servers(), group).set("fetch.wait.max.ms", "100")
}

/// What the group has committed in partition 0, if anything.
fn committed(cluster: &TestCluster, group: &str, topic: &str) -> Option<i64> {
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, 0);
    let answer = cluster.consumer(group, &[]).committed_offsets(asked, DEADLINE).expect("answered");
    match answer.elements()[0].offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

/// Reads ten of a thousand records and drops the consumer; what is committed then. Whether the
/// program stores them, or a poll does, is among the settings.
async fn committed_by_a_drop<C: ConsumerContext>(
    cluster: &TestCluster,
    topic: &str,
    context: C,
    settings: &[(&str, &str)],
) -> Option<i64> {
    let group = cluster.group_name();
    let builder =
        settings.iter().fold(builder(cluster, &group), |it, (key, value)| it.set(*key, *value));
    let consumer = builder.build_polled_with(context).await.expect("the cluster answers");
    consumer.subscribe(&[topic]).expect("subscribed");
    tokio::task::block_in_place(|| {
        for expected in 0..PROCESSED {
            let message = eventually("a record comes", || consumer.poll(TURN)).expect("a record");
            assert_eq!(message.offset(), expected);
            if !settings.contains(&("enable.auto.offset.store", "true")) {
                assert!(store_processed(&consumer, &message).expect("stored"));
            }
        }
        drop(consumer);
        committed(cluster, &group, topic)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_commits_what_was_processed_and_with_auto_store_what_was_not() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    append(&cluster, &topic, RECORDS);
    let by_itself = ("enable.auto.commit", "true");
    for _ in 0..3 {
        let by_callback = committed_by_a_drop(&cluster, &topic, CommitOnRevoke, &[]).await;
        assert_eq!(by_callback, Some(PROCESSED));
        let by_itself =
            committed_by_a_drop(&cluster, &topic, DefaultConsumerContext, &[by_itself]).await;
        assert_eq!(by_itself, Some(PROCESSED));
    }
    // The unsafe way. How much of what was fetched the drop still polls is left to chance.
    let polled = ("enable.auto.offset.store", "true");
    let by_callback =
        async || committed_by_a_drop(&cluster, &topic, CommitOnRevoke, &[polled]).await;
    println!("auto store, a revoke callback commits: {:?}", until_it_loses(by_callback).await);
    let settings = [polled, by_itself];
    let by_itself =
        async || committed_by_a_drop(&cluster, &topic, DefaultConsumerContext, &settings).await;
    println!("auto store, auto commit: {:?}", until_it_loses(by_itself).await);
}

/// What each of the runs commits, up to the first that commits what no one has processed.
async fn until_it_loses(run: impl AsyncFn() -> Option<i64>) -> Vec<Option<i64>> {
    let mut seen = Vec::new();
    while seen.iter().flatten().all(|offset: &i64| *offset <= PROCESSED) {
        assert!(seen.len() < 100, "a drop polls no more? {seen:?}");
        seen.push(run().await);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_anything_stored_is_nothing_and_one_offset_is_the_next_one() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    append(&cluster, &topic, RECORDS);
    let consumer = Arc::new(builder(&cluster, &group).build().await.unwrap());
    consumer.subscribe(&[&topic]).unwrap();
    let message = consumer.recv().await.unwrap();
    let commit = async || commit_stored_within(&consumer, DEADLINE).await.unwrap();
    assert_eq!(commit().await, Committed::Nothing, "what is read is not stored");
    assert!(store_processed(&*consumer, &message).unwrap());
    assert_eq!(commit().await, Committed::Done);
    assert_eq!(committed(&cluster, &group, &topic), Some(1));
    assert_eq!(commit().await, Committed::Nothing, "it is committed already");
    assert!(store_through(&*consumer, &topic, 0, 6).unwrap());
    assert_eq!(commit().await, Committed::Done);
    assert_eq!(committed(&cluster, &group, &topic), Some(7));

    // What is no longer this member's is no error, and is not stored.
    drop(message);
    consumer.unsubscribe();
    let stored = async || {
        let _ = tokio::time::timeout(TURN, consumer.recv()).await;
        store_through(&*consumer, &topic, 0, 8).unwrap()
    };
    while stored().await {}
    assert!(!store_through(&*consumer, "never-heard-of", 0, 8).unwrap());
    assert_eq!(committed(&cluster, &group, &topic), Some(7));
}

/// Has the member of the group removed, as an administrator does, without its knowledge.
fn remove(cluster: &TestCluster, group: &str, protocol: &str) {
    let mut coordinator = cluster.connect_to_coordinator(group);
    if protocol == "consumer" {
        let asked = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(group)]);
        let member = coordinator.call(1, &asked).groups[0].members[0].member_id.clone();
        let leaves = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(group))
            .with_member_id(member)
            .with_member_epoch(-1);
        assert_eq!(coordinator.call(1, &leaves).error_code, 0);
        return;
    }
    let member = coordinator.call(5, &describe_group(group)).groups[0].members[0].member_id.clone();
    let member = MemberIdentity::default().with_member_id(member).with_reason(Some(text("test")));
    let leaves =
        LeaveGroupRequest::default().with_group_id(group_id(group)).with_members(vec![member]);
    assert_eq!(coordinator.call(5, &leaves).members[0].error_code, 0);
}

async fn a_removed_member_goes_on(protocol: &str) {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    append(&cluster, &topic, RECORDS);
    let builder = match protocol {
        "consumer" => builder(&cluster, &group).set("group.protocol", protocol),
        strategy => builder(&cluster, &group).set("partition.assignment.strategy", strategy),
    };
    let consumer = builder.build_polled_with(CommitOnRevoke).await.expect("the cluster answers");
    consumer.subscribe(&[&topic]).expect("subscribed");
    tokio::task::block_in_place(|| {
        let message = eventually("a record comes", || consumer.poll(TURN)).expect("a record");
        assert!(store_processed(&consumer, &message).expect("stored"));
        remove(&cluster, &group, protocol);
        let refused = commit_stored(&consumer, CommitMode::Sync).expect("it passes");
        assert_eq!(refused, Committed::Later(RDKafkaErrorCode::UnknownMemberId));

        // It joins again by itself, and what was not committed comes again.
        let mut expected = message.offset() + 1;
        eventually("it reads on and commits", || {
            if let Some(Ok(message)) = consumer.poll(TURN) {
                expected = if message.offset() == 0 { 0 } else { expected };
                assert_eq!(message.offset(), expected, "nothing is skipped");
                expected += 1;
                store_processed(&consumer, &message).expect("stored");
            }
            let done =
                commit_stored(&consumer, CommitMode::Sync).expect("it passes") == Committed::Done;
            done.then_some(())
        });
        assert_eq!(committed(&cluster, &group, &topic), Some(expected));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_a_member_that_was_removed_is_for_later_and_it_goes_on_eagerly() {
    a_removed_member_goes_on("range").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_a_member_that_was_removed_is_for_later_and_it_goes_on_cooperatively() {
    a_removed_member_goes_on("cooperative-sticky").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_a_member_that_was_removed_is_for_later_in_the_consumer_protocol() {
    a_removed_member_goes_on("consumer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_can_never_succeed_is_an_error() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    append(&cluster, &topic, RECORDS);
    let build = || {
        builder(&cluster, &group)
            .set("group.instance.id", "gate-12")
            .set("session.timeout.ms", "6000")
    };
    let first = build().build_polled().await.unwrap();
    first.subscribe(&[&topic]).unwrap();
    let message = tokio::task::block_in_place(|| {
        eventually("a record comes", || first.poll(TURN)).unwrap().offset()
    });
    let second = build().build_polled().await.unwrap();
    second.subscribe(&[&topic]).unwrap();
    tokio::task::block_in_place(|| {
        eventually("the second one has its place", || second.poll(TURN)).unwrap();
        store_through(&first, &topic, 0, message).unwrap();
        let refused = commit_stored(&first, CommitMode::Sync).unwrap_err();
        let codes = [RDKafkaErrorCode::FencedInstanceId, RDKafkaErrorCode::Fatal];
        assert!(
            matches!(refused, Error::CommitRejected { code } if codes.contains(&code)),
            "{refused}"
        );
        // A client that has failed is closed all the same.
        drop((first, second));
    });
}

/// Counts the answers to commits that rdkafka tells.
#[derive(Default)]
struct Told(AtomicUsize);

impl ClientContext for Told {}
impl ConsumerContext for Told {
    fn commit_callback(&self, _: KafkaResult<()>, _: &TopicPartitionList) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rdkafka_does_not_report_the_result_of_an_asynchronous_commit() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    append(&cluster, &topic, RECORDS);
    let consumer = builder(&cluster, &group).build_polled_with(Told::default()).await.unwrap();
    consumer.subscribe(&[&topic]).unwrap();
    tokio::task::block_in_place(|| {
        let message = eventually("a record comes", || consumer.poll(TURN)).unwrap();
        store_processed(&consumer, &message).unwrap();
        assert_eq!(commit_stored(&consumer, CommitMode::Async).unwrap(), Committed::Done);
        eventually("it is committed", || {
            let _ = consumer.poll(TURN);
            committed(&cluster, &group, &topic)
        });
        // The answer to a later, synchronous one has come after it.
        store_through(&consumer, &topic, 0, 1).unwrap();
        assert_eq!(commit_stored(&consumer, CommitMode::Sync).unwrap(), Committed::Done);
        let _ = consumer.poll(TURN);
        assert_eq!(consumer.context().0.load(Ordering::Relaxed), 0, "the docs say never");
    });
}

/// Reads as the docs of [`CommitEvery`] show.
async fn read(consumer: &Arc<StreamConsumer>, mut commits: CommitEvery) -> Result<(), Error> {
    loop {
        tokio::select! {
            polled = consumer.recv() => {
                store_processed(&**consumer, &polled?)?;
                commits.stored();
            }
            () = commits.due() => {
                commits.committed(commit_stored_within(consumer, DEADLINE).await?);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_traffic_stops_no_lag_remains() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    append(&cluster, &topic, RECORDS + 3);
    let consumer = Arc::new(builder(&cluster, &group).build().await.unwrap());
    consumer.subscribe(&[&topic]).unwrap();
    let commits = CommitEvery::new(RECORDS as usize, Duration::from_millis(200));
    let lag_is_gone = async {
        while committed(&cluster, &group, &topic) != Some(RECORDS + 3) {
            tokio::time::sleep(TURN).await;
        }
    };
    tokio::select! {
        ended = read(&consumer, commits) => panic!("{ended:?}"),
        gone = tokio::time::timeout(DEADLINE, lag_is_gone) => gone.expect("it is committed by time"),
    }
    let lag = group_lag(cluster.bootstrap_servers(), &group, &topic).await.unwrap();
    assert_eq!(lag.lag(), Some(0));
}

/// A call that takes or gives a list, and whether the list holds on to the client afterwards.
type Call = (&'static str, bool, fn(&BaseConsumer, TopicPartitionList) -> TopicPartitionList);

const CALLS: [Call; 10] = [
    ("store_offsets", true, |consumer, list| {
        consumer.store_offsets(&list).expect("stored");
        list
    }),
    ("pause", true, |consumer, list| {
        consumer.pause(&list).expect("paused");
        list
    }),
    ("position", true, |consumer, _| consumer.position().expect("known")),
    ("assignment", true, |consumer, _| consumer.assignment().expect("known")),
    ("committed", true, |consumer, _| consumer.committed(DEADLINE).expect("answered")),
    ("store_through", false, |consumer, list| {
        assert!(store_through(consumer, list.elements()[0].topic(), 0, 0).expect("stored"));
        list
    }),
    ("commit", false, |consumer, list| {
        consumer.commit(&list, CommitMode::Sync).expect("committed");
        list
    }),
    ("committed_offsets", false, |it, list| {
        it.committed_offsets(list, DEADLINE).expect("answered")
    }),
    ("seek_partitions", false, |it, list| it.seek_partitions(list, DEADLINE).expect("sought")),
    ("offsets_for_times", false, |it, list| it.offsets_for_times(list, DEADLINE).expect("known")),
];

/// Drops the consumer of each call while its list is still there.
fn dropped_before_its_list(consumer: BaseConsumer, topic: &str, (name, holds, call): Call) {
    consumer.subscribe(&[topic]).expect("subscribed");
    eventually("a record comes", || consumer.poll(TURN)).expect("a record");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(1)).expect("it is new");
    let list = call(&consumer, list);
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(consumer);
        tell.send(()).expect("someone waits for it");
    });
    if holds {
        told.recv_timeout(Duration::from_millis(500)).expect_err(name);
        drop(list);
    }
    told.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("{name}: the drop hangs"));
}

/// rust-rdkafka#453: librdkafka caches its partitions in a list, and a client whose partitions are
/// held does not end.
#[tokio::test(flavor = "multi_thread")]
async fn a_drop_waits_for_the_lists_that_hold_partitions_and_storing_needs_none() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    append(&cluster, &topic, RECORDS);
    let mut consumers = Vec::new();
    for call in CALLS {
        let group = cluster.group_name();
        consumers.push((builder(&cluster, &group).build_polled().await.unwrap(), call));
    }
    std::thread::scope(|scope| {
        for (consumer, call) in consumers {
            let topic = topic.as_str();
            scope.spawn(move || dropped_before_its_list(consumer, topic, call));
        }
    });
}
