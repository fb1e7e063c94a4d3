//! Frames that proptest makes up, over a real socket: random bytes, and valid requests of every API
//! with something wrong in them. Each is followed by a proof that the cluster still serves others,
//! and a panic on one of its threads fails the test.
//!
//! The cases are the same in every run.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{BufMut, Bytes, BytesMut};
use embedded_kafka::Cluster;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Encodable, Request};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use workshop_tests::batch::{Batch, with_right_crc};
use workshop_tests::group::{heartbeat, join_request};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{self, group_id, produce, produced, text, topic_name};
use workshop_tests::transactions;

/// The topic that the frames are about. They may well delete it.
const TOPIC: &str = "victim";
/// A topic that stores batches otherwise than they come, so that its records are written again.
const REWRITTEN: &str = "rewritten-victim";
/// The topic of the others, whose name is too far from that to be hit by chance.
const WITNESS: &str = "written-by-those-who-behave";

/// The panics on threads of the cluster, whose tasks would otherwise swallow them.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let inherited = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() == Some("embedded-kafka") {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            inherited(panic);
        }));
    });
}

/// A cluster under attack, and a client that behaves.
struct Attacked {
    _cluster: Cluster,
    address: String,
    witness: std::cell::RefCell<RawClient>,
    written: std::cell::Cell<i64>,
}

impl Attacked {
    fn start() -> Attacked {
        count_panics();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let cluster = runtime.block_on(Cluster::builder().start()).expect("a cluster starts");
        let address = cluster.bootstrap_servers().to_owned();
        let mut witness = RawClient::connect(&address);
        let rewriting = [("compression.type", "uncompressed")];
        for (topic, settings) in [(TOPIC, &[][..]), (WITNESS, &[]), (REWRITTEN, &rewriting)] {
            let answer = witness.call(7, &requests::create_topic(topic, 1, 1, settings));
            assert_eq!(answer.topics[0].error_code, 0);
        }
        let answer = witness.call(4, &requests::find_coordinator(&["group"]));
        assert_eq!(answer.coordinators[0].error_code, 0);
        let (witness, written) = (witness.into(), 0.into());
        Attacked { _cluster: cluster, address, witness, written }
    }

    /// Sends bytes on a connection of their own, and nothing after them: whatever the node makes
    /// of them, it then closes the connection, and waits for nothing any more.
    fn send(&self, bytes: &[u8]) {
        let mut client = RawClient::connect(&self.address);
        // The node may have closed already.
        if client.send_bytes(bytes).is_ok() {
            client.read_to_end().expect("the node closes the connection");
        }
    }

    fn still_serves(&self) {
        let mut witness = self.witness.borrow_mut();
        assert_eq!(witness.call(0, &ApiVersionsRequest::default()).error_code, 0);
        let answer = witness.call(9, &produce(WITNESS, 0, -1, Batch::of(&["a record"]).encode()));
        let answer = (produced(&answer).error_code, produced(&answer).base_offset);
        assert_eq!(answer, (0, self.written.get()), "no one else writes there");
        self.written.set(self.written.get() + 1);
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "the cluster panicked");
    }
}

/// Runs `cases` of `strategy` against one cluster.
fn attack<S: Strategy>(cases: u32, strategy: &S, bytes: impl Fn(S::Value) -> Bytes) {
    let attacked = Attacked::start();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(strategy, |value| {
        attacked.send(&bytes(value));
        attacked.still_serves();
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// A request with its header and without its length.
fn encode<R: Request>(version: i16, request: &R) -> Bytes {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(1)
        .with_client_id(Some("fuzz".into()));
    let mut body = BytesMut::new();
    header.encode(&mut body, R::header_version(version)).expect("the header is complete");
    request.encode(&mut body, version).expect("the request fits its version");
    body.freeze()
}

/// The same as a version that the codec does not know, with its fields before the tagged ones: none
/// of these, which is one byte.
fn as_version(version: i16, request: Bytes, fields: &[u8]) -> Bytes {
    let mut changed = request.to_vec();
    changed[2..4].copy_from_slice(&version.to_be_bytes());
    let tags = changed.len() - 1;
    changed.splice(tags..tags, fields.iter().copied());
    changed.into()
}

fn framed(body: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(body.len() + 4);
    frame.put_i32(body.len() as i32);
    frame.put_slice(body);
    frame.freeze()
}

/// A valid request of every API that the cluster serves, most at an old and a new version.
fn samples() -> Vec<Bytes> {
    let mut samples = data_samples();
    samples.extend(group_samples());
    samples.extend(admin_samples());
    samples.extend(transaction_samples());
    samples
}

fn transaction_samples() -> Vec<Bytes> {
    let (id, producer) = ("transactional", (7, 0));
    let partitions = transactions::add_partitions(id, producer, &[(TOPIC, &[0, 1])]);
    let partition = txn_offset_commit_request::TxnOffsetCommitRequestPartition::default();
    let topic = txn_offset_commit_request::TxnOffsetCommitRequestTopic::default()
        .with_name(topic_name(TOPIC))
        .with_partitions(vec![partition]);
    let offsets = TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(text(id)))
        .with_group_id(group_id("group"))
        .with_producer_id(ProducerId(7))
        .with_topics(vec![topic]);
    let topic = describe_producers_request::TopicRequest::default()
        .with_name(topic_name(TOPIC))
        .with_partition_indexes(vec![0, 1]);
    let ids = vec![TransactionalId(text(id))];
    let by_pattern =
        ListTransactionsRequest::default().with_transactional_id_pattern(Some(text("tr.*")));
    let batched = add_partitions_to_txn_request::AddPartitionsToTxnTransaction::default()
        .with_transactional_id(TransactionalId(text(id)))
        .with_topics(partitions.v3_and_below_topics.clone());
    let batched = AddPartitionsToTxnRequest::default().with_transactions(vec![batched]);
    let marked = write_txn_markers_request::WritableTxnMarkerTopic::default()
        .with_name(topic_name(TOPIC))
        .with_partition_indexes(vec![0]);
    let marker = write_txn_markers_request::WritableTxnMarker::default().with_topics(vec![marked]);
    vec![
        encode(4, &transactions::initialize(id, 60_000, (-1, -1))),
        encode(0, &partitions),
        encode(3, &partitions),
        encode(0, &transactions::add_offsets(id, producer, "group")),
        encode(3, &transactions::add_offsets(id, producer, "group")),
        encode(1, &transactions::end(id, producer, true)),
        encode(3, &transactions::end(id, producer, false)),
        encode(0, &offsets),
        encode(3, &offsets),
        encode(0, &DescribeProducersRequest::default().with_topics(vec![topic])),
        encode(0, &DescribeTransactionsRequest::default().with_transactional_ids(ids)),
        encode(0, &ListTransactionsRequest::default().with_state_filters(vec![text("Ongoing")])),
        encode(2, &by_pattern),
        encode(5, &batched),
        encode(1, &WriteTxnMarkersRequest::default().with_markers(vec![marker])),
    ]
}

fn data_samples() -> Vec<Bytes> {
    let batch = Batch::keyed(&[(Some("key"), "value"), (None, "another")]);
    let produce = produce(TOPIC, 0, 1, batch.encode());
    let mut by_id = requests::fetch(TOPIC, 0, 0);
    by_id.topics[0].topic = TopicName::default();
    by_id.topics[0].topic_id = uuid::Uuid::from_u128(7);
    let epochs = offset_for_leader_epoch_request::OffsetForLeaderTopic::default()
        .with_topic(topic_name(TOPIC))
        .with_partitions(vec![Default::default()]);
    let epochs = OffsetForLeaderEpochRequest::default()
        .with_replica_id(BrokerId(-2))
        .with_topics(vec![epochs]);
    let records = delete_records_request::DeleteRecordsTopic::default()
        .with_name(topic_name(TOPIC))
        .with_partitions(vec![Default::default()]);
    let records = DeleteRecordsRequest::default().with_topics(vec![records]);
    let new_id = InitProducerIdRequest::default().with_transactional_id(None);
    vec![
        encode(3, &produce),
        encode(10, &produce),
        encode(4, &requests::fetch(TOPIC, 0, 0).with_session_epoch(-1)),
        encode(12, &requests::fetch(TOPIC, 0, 0)),
        encode(16, &by_id),
        encode(18, &by_id),
        encode(1, &requests::list_offsets(TOPIC, 0, -1)),
        encode(7, &requests::list_offsets(TOPIC, 0, 1)),
        as_version(11, encode(10, &requests::list_offsets(TOPIC, 0, -6)), &[]),
        encode(4, &epochs),
        encode(0, &records),
        encode(2, &records),
        encode(4, &new_id),
    ]
}

fn group_samples() -> Vec<Bytes> {
    let partition = offset_commit_request::OffsetCommitRequestPartition::default();
    let topic = offset_commit_request::OffsetCommitRequestTopic::default()
        .with_name(topic_name(TOPIC))
        .with_partitions(vec![partition]);
    let commit = OffsetCommitRequest::default()
        .with_group_id(group_id("group"))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    let offsets = OffsetFetchRequest::default().with_group_id(group_id("group")).with_topics(None);
    let sync = SyncGroupRequest::default()
        .with_group_id(group_id("group"))
        .with_assignments(vec![Default::default()]);
    let leave = LeaveGroupRequest::default()
        .with_group_id(group_id("group"))
        .with_members(vec![Default::default()]);
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group_id("group")]);
    let topic = offset_delete_request::OffsetDeleteRequestTopic::default()
        .with_name(topic_name(TOPIC))
        .with_partitions(vec![Default::default()]);
    let offset_delete =
        OffsetDeleteRequest::default().with_group_id(group_id("group")).with_topics(vec![topic]);
    let owned =
        consumer_group_heartbeat_request::TopicPartitions::default().with_partitions(vec![0]);
    let beat = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group_id("new-group"))
        .with_member_id(text("member"))
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(vec![topic_name(TOPIC)]))
        .with_topic_partitions(Some(vec![]));
    let owning = beat.clone().with_member_epoch(2).with_topic_partitions(Some(vec![owned]));
    let matching = beat.clone().with_subscribed_topic_regex(Some(text("^f.*")));
    let describe_consumers =
        ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id("new-group")]);
    vec![
        encode(0, &beat),
        encode(1, &owning),
        encode(1, &matching),
        encode(1, &describe_consumers),
        encode(2, &commit),
        encode(9, &commit),
        encode(7, &offsets),
        encode(4, &requests::find_coordinator(&["group", "another"])),
        encode(2, &join_request("group", "")),
        encode(9, &join_request("group", "")),
        encode(4, &heartbeat("group", "member", 1)),
        encode(5, &sync),
        encode(5, &leave),
        encode(5, &requests::describe_group("group")),
        encode(5, &ListGroupsRequest::default().with_states_filter(vec![text("Stable")])),
        encode(2, &delete),
        encode(0, &offset_delete),
    ]
}

fn admin_samples() -> Vec<Bytes> {
    let configs = [("retention.ms", "1000"), ("cleanup.policy", "compact")];
    let create = requests::create_topic("another", 2, 1, &configs);
    let delete = requests::delete_topic("another");
    let more = create_partitions_request::CreatePartitionsTopic::default()
        .with_name(topic_name(TOPIC))
        .with_count(3)
        .with_assignments(None);
    let more = CreatePartitionsRequest::default().with_topics(vec![more]).with_timeout_ms(5_000);
    let elect = requests::elect_leaders(0, TOPIC, &[0]);
    let reassign = requests::reassign(TOPIC, [0], Some(&[1]));
    let log_dirs = describe_log_dirs_request::DescribableLogDirTopic::default()
        .with_topic(topic_name(TOPIC))
        .with_partitions(vec![0]);
    let log_dirs = DescribeLogDirsRequest::default().with_topics(Some(vec![log_dirs]));
    let reassigned = ListPartitionReassignmentsRequest::default().with_topics(None);
    let resource = describe_configs_request::DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(TOPIC))
        .with_configuration_keys(None);
    let describe = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let setting = alter_configs_request::AlterableConfig::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("2000")));
    let resource = alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(TOPIC))
        .with_configs(vec![setting]);
    let replace = AlterConfigsRequest::default().with_resources(vec![resource]);
    let setting = incremental_alter_configs_request::AlterableConfig::default()
        .with_name(text("cleanup.policy"))
        .with_config_operation(2)
        .with_value(Some(text("compact")));
    let resource = incremental_alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(TOPIC))
        .with_configs(vec![setting]);
    let change = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let topic =
        describe_topic_partitions_request::TopicRequest::default().with_name(topic_name(TOPIC));
    let partitions = DescribeTopicPartitionsRequest::default().with_topics(vec![topic]);
    let partition = describe_quorum_request::PartitionData::default();
    let quorum = describe_quorum_request::TopicData::default()
        .with_topic_name(topic_name("__cluster_metadata"))
        .with_partitions(vec![partition]);
    let quorum = DescribeQuorumRequest::default().with_topics(vec![quorum]);
    let moved = alter_replica_log_dirs_request::AlterReplicaLogDirTopic::default()
        .with_name(topic_name(TOPIC))
        .with_partitions(vec![0]);
    let moved = alter_replica_log_dirs_request::AlterReplicaLogDir::default()
        .with_path(text("/nowhere"))
        .with_topics(vec![moved]);
    let moved = AlterReplicaLogDirsRequest::default().with_dirs(vec![moved]);
    let versions = ApiVersionsRequest::default()
        .with_client_software_name(text("fuzz"))
        .with_client_software_version(text("1"));
    vec![
        encode(0, &ApiVersionsRequest::default()),
        encode(4, &versions),
        // The cluster "ab" and the node 1.
        as_version(5, encode(4, &versions), &[3, b'a', b'b', 0, 0, 0, 1]),
        encode(1, &requests::metadata(&[TOPIC]).with_allow_auto_topic_creation(true)),
        encode(12, &requests::metadata(&[TOPIC, "unknown"])),
        encode(2, &create),
        encode(7, &create),
        encode(5, &delete),
        encode(0, &more),
        encode(3, &more),
        encode(2, &elect),
        encode(1, &reassign),
        encode(0, &reassigned),
        encode(4, &log_dirs),
        encode(4, &describe),
        encode(2, &replace),
        encode(1, &change),
        encode(1, &DescribeClusterRequest::default()),
        encode(2, &quorum),
        encode(2, &moved),
        encode(1, &ListConfigResourcesRequest::default().with_resource_types(vec![2, 4])),
        encode(0, &partitions),
    ]
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone)]
enum Wrong {
    Flip(prop::sample::Index, u8),
    Set(prop::sample::Index, u8),
    Count(prop::sample::Index, i32),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

impl Wrong {
    fn any() -> impl Strategy<Value = Wrong> {
        let at = any::<prop::sample::Index>;
        let counts = [i32::MAX, i32::MIN, -1, -2, 0, 1 << 24, 0x7fff, 0x00ff_ffff];
        prop_oneof![
            (at(), 0..8_u8).prop_map(|(at, bit)| Wrong::Flip(at, 1 << bit)),
            (at(), any::<u8>()).prop_map(|(at, byte)| Wrong::Set(at, byte)),
            (at(), prop::sample::select(counts.to_vec()))
                .prop_map(|(at, count)| Wrong::Count(at, count)),
            (at(), vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Wrong::Insert(at, bytes)),
            (at(), 1..20_usize).prop_map(|(at, count)| Wrong::Remove(at, count)),
            at().prop_map(Wrong::Cut),
        ]
    }

    /// Puts it into `bytes`, behind the first `kept`.
    fn apply(&self, bytes: &mut Vec<u8>, kept: usize) {
        if bytes.len() <= kept {
            return;
        }
        let place = |at: &prop::sample::Index| kept + at.index(bytes.len() - kept);
        match self {
            Wrong::Flip(at, bit) => {
                let at = place(at);
                bytes[at] ^= bit;
            }
            Wrong::Set(at, byte) => {
                let at = place(at);
                bytes[at] = *byte;
            }
            Wrong::Count(at, count) => {
                let at = place(at);
                let end = (at + 4).min(bytes.len());
                bytes[at..end].copy_from_slice(&count.to_be_bytes()[..end - at]);
            }
            Wrong::Insert(at, inserted) => {
                let at = place(at);
                bytes.splice(at..at, inserted.iter().copied());
            }
            Wrong::Remove(at, count) => {
                let at = place(at);
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Wrong::Cut(at) => bytes.truncate(place(at)),
        }
    }
}

#[test]
fn every_sample_is_served_as_it_is() {
    let attacked = Attacked::start();
    let mut keys = std::collections::BTreeSet::new();
    for sample in samples() {
        let mut client = RawClient::connect(&attacked.address);
        client.send_bytes(&framed(&sample)).expect("the node listens");
        let key = i16::from_be_bytes([sample[0], sample[1]]);
        let version = i16::from_be_bytes([sample[2], sample[3]]);
        assert!(client.receive_frame().is_ok(), "API key {key} version {version}");
        keys.insert(key);
    }
    let mut witness = attacked.witness.borrow_mut();
    let served = witness.call(0, &ApiVersionsRequest::default()).api_keys;
    let served = served.iter().map(|it| it.api_key).collect();
    assert_eq!(keys, served, "there is a sample of every API");
}

#[test]
fn random_bytes_do_no_harm() {
    attack(150, &vec(any::<u8>(), 0..300), Bytes::from);
}

#[test]
fn random_bodies_do_no_harm() {
    let samples = samples();
    let strategy = (prop::sample::select(samples), vec(any::<u8>(), 0..200));
    attack(300, &strategy, |(sample, random)| {
        // API, version, correlation id and client id are right, the rest is not.
        let mut body = sample[..14.min(sample.len())].to_vec();
        body.extend(random);
        framed(&body)
    });
}

#[test]
fn requests_of_every_api_with_something_wrong_do_no_harm() {
    let strategy = (prop::sample::select(samples()), vec(Wrong::any(), 1..4));
    attack(1_000, &strategy, |(sample, wrongs)| {
        let mut body = sample.to_vec();
        // API and version stay, so that all of it is about what they decode.
        wrongs.iter().for_each(|wrong| wrong.apply(&mut body, 4));
        framed(&body)
    });
}

#[test]
fn batches_with_something_wrong_and_a_right_crc_do_no_harm() {
    let batch = Batch::keyed(&[(Some("key"), "value"), (None, "another"), (Some("third"), "")]);
    let batch = batch.encode();
    let strategy = (vec(Wrong::any(), 1..4), 0..6_i16, any::<bool>());
    attack(500, &strategy, |(wrongs, attributes, keeps_length)| {
        let mut wrong = batch.to_vec();
        wrongs.iter().for_each(|it| it.apply(&mut wrong, 21));
        let attributes_at = wrong.len().min(21)..wrong.len().min(23);
        if attributes_at.len() == 2 && attributes > 0 {
            // A codec that the bytes behind it do not speak.
            wrong[attributes_at].copy_from_slice(&attributes.to_be_bytes());
        }
        if wrong.len() > 21 {
            if keeps_length {
                let length = wrong.len() as i32 - 12;
                wrong[8..12].copy_from_slice(&length.to_be_bytes());
            }
            wrong = with_right_crc(wrong.as_slice().into()).to_vec();
        }
        framed(&encode(9, &produce(TOPIC, 0, -1, wrong.into())))
    });
}

/// Compresses as the codec with this id does. Snappy in the framing of snappy-java.
fn compressed(codec: i16, records: &[u8]) -> Vec<u8> {
    use std::io::Write;
    match codec {
        1 => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
            encoder.write_all(records).expect("memory takes it");
            encoder.finish().expect("memory takes it")
        }
        2 => {
            let block = snap::raw::Encoder::new().compress_vec(records).expect("it fits a block");
            let head = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
            [&head[..], &(block.len() as u32).to_be_bytes(), &block].concat()
        }
        3 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(records).expect("memory takes it");
            encoder.finish().expect("memory takes it")
        }
        _ => {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            ruzstd::encoding::compress_to_vec(records, level)
        }
    }
}

#[test]
fn compressed_batches_with_something_wrong_and_a_right_crc_do_no_harm() {
    let values: Vec<String> = (0..40).map(|it| format!("{it} and {}", it * it)).collect();
    let batch = Batch::of(&values.iter().map(String::as_str).collect::<Vec<_>>());
    let wrongs = || vec(Wrong::any(), 0..3);
    let topics = prop::sample::select(vec![TOPIC, REWRITTEN]);
    let strategy = (1..5_i16, wrongs(), wrongs(), topics);
    attack(1_000, &strategy, |(codec, in_records, in_compressed, topic)| {
        let batch = batch.encode_with(codec, |records| {
            let mut records = records.to_vec();
            in_records.iter().for_each(|it| it.apply(&mut records, 0));
            let mut bytes = compressed(codec, &records);
            in_compressed.iter().for_each(|it| it.apply(&mut bytes, 0));
            bytes
        });
        // What is stored is searched by time, which reads it again.
        let search = encode(7, &requests::list_offsets(topic, 0, -3));
        let produced = framed(&encode(9, &produce(topic, 0, -1, batch)));
        [produced, framed(&search)].concat().into()
    });
}

#[test]
fn frames_that_claim_another_length_do_no_harm() {
    let lengths = prop_oneof![any::<i32>(), -5..2_000_i32, Just(i32::MAX), Just(100 << 20)];
    let strategy = (prop::sample::select(samples()), lengths);
    attack(200, &strategy, |(sample, length)| {
        let mut frame = BytesMut::new();
        frame.put_i32(length);
        frame.put_slice(&sample);
        frame.freeze()
    });
}
