//! What librdkafka sees while nodes stop, die and come back, on every engine.
//!
//! On the embedded one by default; `WORKSHOP_ENGINE=apache cargo test --test failover_engines` runs
//! the same on three processes of Apache Kafka. What takes the switchboard is in
//! embedded/failover.rs, and transactions whose coordinators die are too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use engines::{Engine, Options};
use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use workshop_tests::requests::{create_topic, find_coordinator, metadata};
use workshop_tests::{DEADLINE, TestCluster, assert_as_recorded_while_nodes_stop, eventually};

/// Held by the test that has a cluster: three Java processes are enough at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const TURN_OF_POLL: Duration = Duration::from_millis(10);

/// Without it librdkafka waits for up to ten seconds before it asks a node again that was down.
const RECONNECT_SOON: (&str, &str) = ("reconnect.backoff.max.ms", "200");

/// The default of clients, and more than the nine seconds and an election for which a group has no
/// coordinator. A member with a shorter one gives itself up meanwhile and joins again, next to its
/// former self, which the next coordinator keeps and waits for until its session ends.
const LONG_SESSION: (&str, &str) = ("session.timeout.ms", "45000");

/// A cluster whose nodes may go.
struct Nodes {
    engine: Box<dyn engines::Cluster>,
    clients: TestCluster,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

impl Nodes {
    async fn start() -> Nodes {
        let turn = TURN.lock().await;
        let engine = Engine::from_environment().expect("WORKSHOP_ENGINE names an engine");
        let cluster = engine.start(&Options::default()).await;
        let cluster = cluster.unwrap_or_else(|error| panic!("{error}"));
        let clients = TestCluster::at(cluster.bootstrap_servers());
        Nodes { engine: cluster, clients, _turn: turn }
    }

    /// A topic of one partition on these nodes.
    fn topic_on(&self, nodes: &[i32], configs: &[(&str, &str)]) -> String {
        let topic = self.clients.topic_name();
        let mut request = create_topic(&topic, -1, -1, configs);
        let nodes = nodes.iter().copied().map(BrokerId).collect();
        let assignment = CreatableReplicaAssignment::default().with_broker_ids(nodes);
        request.topics[0].assignments = vec![assignment];
        assert_eq!(self.clients.connect_to_any().call(7, &request).topics[0].error_code, 0);
        self.clients.wait_for_leaders(&topic, 1);
        topic
    }

    fn partition(&self, topic: &str) -> Option<MetadataResponsePartition> {
        let answer = self.clients.connect_to_any().try_call(12, &metadata(&[topic])).ok()?;
        answer.topics.first()?.partitions.first().cloned()
    }

    fn wait_for(
        &self,
        topic: &str,
        what: &str,
        is_so: impl Fn(&MetadataResponsePartition) -> bool,
    ) -> MetadataResponsePartition {
        eventually(what, || self.partition(topic).filter(&is_so))
    }

    async fn kill(&self, node: i32) {
        self.engine.kill_node(node).await.expect("it runs");
    }

    async fn stop(&self, node: i32) {
        self.engine.stop_node(node).await.expect("it runs");
    }

    async fn start_again(&self, node: i32) {
        self.engine.start_node(node).await.expect("it is down");
    }

    async fn end(self) {
        drop(self.clients);
        self.engine.stop().await.expect("it ends");
    }
}

async fn send(producer: &FutureProducer, topic: &str, number: usize) -> Result<(), KafkaError> {
    let payload = number.to_string();
    let record = FutureRecord::<(), _>::to(topic).payload(&payload);
    producer.send(record, DEADLINE).await.map(drop).map_err(|(error, _)| error)
}

/// Reads a topic's only partition from the beginning to its end.
fn read(clients: &TestCluster, topic: &str) -> Vec<usize> {
    let consumer = clients.consumer(&clients.group_name(), &[RECONNECT_SOON]);
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(topic, 0, Offset::Beginning).expect("it is new");
    consumer.assign(&all).expect("it is known");
    let end = eventually("the end is known", || {
        consumer.fetch_watermarks(topic, 0, Duration::from_secs(2)).ok().map(|(_, end)| end)
    });
    let mut numbers = Vec::new();
    eventually("all is read", || {
        while let Some(Ok(message)) = consumer.poll(TURN_OF_POLL) {
            let payload = std::str::from_utf8(message.payload()?).ok()?;
            numbers.push(payload.parse().ok()?);
        }
        let position = consumer.position().ok()?;
        (position.find_partition(topic, 0)?.offset() == Offset::Offset(end)).then_some(())
    });
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_idempotent_producer_delivers_each_record_once_while_leaders_go() {
    let nodes = Nodes::start().await;
    let topic = nodes.topic_on(&[1, 2, 3], &[("min.insync.replicas", "2")]);
    let producer = nodes.clients.producer(&[("enable.idempotence", "true"), RECONNECT_SOON]);
    let (delivered, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, until, name) = (Arc::clone(&delivered), Arc::clone(&is_over), topic.clone());
    let sending = tokio::spawn(async move {
        while !until.load(Ordering::Relaxed) {
            send(&producer, &name, count.load(Ordering::Relaxed)).await.expect("it goes on");
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    for is_killed in [true, false] {
        let before = delivered.load(Ordering::Relaxed);
        eventually("records are delivered", || {
            (delivered.load(Ordering::Relaxed) > before + 10).then_some(())
        });
        let leader = nodes.wait_for(&topic, "someone leads", |it| it.leader_id.0 > 0).leader_id.0;
        if is_killed {
            nodes.kill(leader).await;
        } else {
            nodes.stop(leader).await;
        }
        nodes.wait_for(&topic, "another leads", |it| ![leader, -1].contains(&it.leader_id.0));
        nodes.start_again(leader).await;
        nodes.wait_for(&topic, "all are in sync", |it| it.isr_nodes.len() == 3);
    }
    is_over.store(true, Ordering::Relaxed);
    sending.await.expect("every record was delivered");
    let expected: Vec<usize> = (0..delivered.load(Ordering::Relaxed)).collect();
    assert_eq!(read(&nodes.clients, &topic), expected);
    nodes.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_partition_is_offline_while_its_only_node_is_down() {
    let nodes = Nodes::start().await;
    let topic = nodes.topic_on(&[2], &[]);
    let producer = nodes.clients.producer(&[("message.timeout.ms", "2000"), RECONNECT_SOON]);
    send(&producer, &topic, 0).await.expect("the node runs");
    nodes.stop(2).await;
    let partition = nodes.wait_for(&topic, "no one leads", |it| it.leader_id == -1);
    assert_eq!((partition.error_code, partition.offline_replicas), (5, vec![BrokerId(2)]));
    let refused = send(&producer, &topic, 1).await.expect_err("no one takes it");
    let timed_out = KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut);
    assert_eq!(refused, timed_out);
    nodes.start_again(2).await;
    nodes.wait_for(&topic, "it leads again", |it| it.leader_id == 2);
    eventually("it takes records again", || {
        let sending = send(&producer, &topic, 2);
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(sending)).ok()
    });
    assert_eq!(read(&nodes.clients, &topic), [0, 2]);
    nodes.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_eligible_to_lead_is_as_recorded_while_nodes_stop_and_die() {
    let _turn = TURN.lock().await;
    assert_as_recorded_while_nodes_stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn too_few_in_sync_refuse_acks_all_and_hide_what_acks_1_wrote() {
    let nodes = Nodes::start().await;
    let topic = nodes.topic_on(&[1, 3], &[("min.insync.replicas", "2")]);
    let strict = nodes.clients.producer(&[("acks", "all"), ("retries", "0"), RECONNECT_SOON]);
    let lax = nodes.clients.producer(&[("acks", "1"), RECONNECT_SOON]);
    send(&strict, &topic, 0).await.expect("both are in sync");
    nodes.stop(3).await;
    nodes.wait_for(&topic, "one is in sync", |it| it.isr_nodes == [BrokerId(1)]);
    let refused = send(&strict, &topic, 1).await.expect_err("one is too few");
    let not_enough = KafkaError::MessageProduction(RDKafkaErrorCode::NotEnoughReplicas);
    assert_eq!(refused, not_enough);
    send(&lax, &topic, 2).await.expect("the leader takes it");
    assert_eq!(read(&nodes.clients, &topic), [0], "the high watermark stands still (KIP-966)");
    nodes.start_again(3).await;
    nodes.wait_for(&topic, "both are in sync", |it| it.isr_nodes.len() == 2);
    send(&strict, &topic, 3).await.expect("both are in sync again");
    assert_eq!(read(&nodes.clients, &topic), [0, 2, 3]);
    nodes.end().await;
}

/// The offsets of the next records that a consumer is given.
fn take(consumer: &BaseConsumer, count: usize) -> Vec<i64> {
    let mut taken = Vec::new();
    eventually("records come", || {
        if let Some(Ok(message)) = consumer.poll(TURN_OF_POLL) {
            taken.push(message.offset());
        }
        (taken.len() == count).then_some(())
    });
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_goes_on_where_it_was_when_its_coordinator_dies() {
    let nodes = Nodes::start().await;
    let topic = nodes.topic_on(&[1, 2, 3], &[]);
    let producer = nodes.clients.producer(&[RECONNECT_SOON]);
    for number in 0..6 {
        send(&producer, &topic, number).await.expect("all run");
    }
    let group = nodes.clients.group_name();
    let consumer = nodes.clients.consumer(&group, &[RECONNECT_SOON, LONG_SESSION]);
    consumer.subscribe(&[&topic]).expect("it is a name");
    assert_eq!(take(&consumer, 3), [0, 1, 2]);
    let mut committed = TopicPartitionList::new();
    committed.add_partition_offset(&topic, 0, Offset::Offset(3)).expect("it is new");
    consumer.commit(&committed, CommitMode::Sync).expect("the group is stable");
    let coordinator = eventually("the group has a coordinator", || {
        let answer =
            nodes.clients.connect_to_any().try_call(4, &find_coordinator(&[&group])).ok()?;
        let found = &answer.coordinators[0];
        (found.error_code == 0).then_some(found.node_id.0)
    });
    nodes.kill(coordinator).await;
    assert_eq!(take(&consumer, 3), [3, 4, 5], "reading takes no coordinator");
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(&topic, 0, Offset::Offset(6)).expect("it is new");
    // It is still the member that it was: an unknown one would be refused.
    consumer.commit(&all, CommitMode::Sync).expect("the next coordinator knows the member");
    let found = eventually("the next coordinator answers", || {
        let found = consumer.committed_offsets(committed.clone(), Duration::from_secs(2)).ok()?;
        Some(found.find_partition(&topic, 0)?.offset())
    });
    assert_eq!(found, Offset::Offset(6));
    drop(consumer);
    nodes.end().await;
}
