//! One file per API of the protocol: wire to domain and back. A learner who reads of JoinGroup
//! opens `join_group.rs`.
//!
//! The table below is the one place that says which APIs there are and in which versions: what
//! ApiVersions advertises and what is decoded cannot differ.

#[cfg(test)]
mod compaction_tests;
mod config_resources;
mod context;
mod describe;
mod newer;
mod offset_answers;
#[cfg(test)]
mod partition_fixture;
mod refused;
#[cfg(test)]
mod transaction_tests;

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{self, ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use parking_lot::Mutex;

use crate::event::Event;
use crate::metadata::READ_COMMITTED;
use crate::net::rope::Rope;
use crate::net::shape;
use crate::state::State;

pub(crate) use context::Context;
use describe::Asked;
pub(crate) use refused::can_be_refused;

/// Who sent a request, and to which node.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) node: i32,
    pub(crate) address: SocketAddr,
}

/// What becomes of a request.
pub(crate) enum Answer {
    /// The client is sent this.
    Response(Rope),
    /// The client expects no answer (`acks=0`).
    Nothing,
    /// What was sent cannot be answered, and Kafka closes the connection.
    Close(String),
}

macro_rules! apis {
    ($($api:ident $request:ident $module:ident $versions:expr, $($call:ident)+;)+) => {
        $(mod $module;)+

        /// The APIs that are served, each with its lowest and highest version.
        pub(crate) const SUPPORTED: &[(ApiKey, i16, i16)] =
            &[$((ApiKey::$api, *$versions.start(), *$versions.end())),+];

        /// The API's name in the protocol.
        fn name(api: ApiKey) -> &'static str {
            match api {
                $(ApiKey::$api => stringify!($api),)+
                _ => "unknown",
            }
        }

        /// A response that the codec makes of some bytes: all its fields, and what is said of it.
        #[cfg(test)]
        fn shown_response(
            api: ApiKey,
            version: i16,
            bytes: &mut impl kafka_protocol::protocol::buf::ByteBuf,
        ) -> (String, String) {
            use kafka_protocol::protocol::Request;
            match api {
                $(ApiKey::$api => {
                    type Response = <messages::$request as Request>::Response;
                    let response = Response::decode(bytes, version).unwrap();
                    let words = describe::response(&response, &Asked::default());
                    (format!("{response:?}"), words)
                })+
                _ => panic!("{api:?} is not served"),
            }
        }

        async fn dispatch(call: Call, context: &Context) -> Answer {
            match call.api {
                $(ApiKey::$api => apis!(@answer call, context, $request, $module, $($call)+),)+
                _ => Answer::Close(format!("{:?} is not served", call.api)),
            }
        }
    };
    // A handler that makes its own answer: no response at all, or one that shares buffers.
    (@answer $call:ident, $context:ident, $request:ident, $module:ident, answers) => {
        match $call.decode::<messages::$request>() {
            Err(answer) => answer,
            Ok(request) => $module::answer(request, &$call, $context).await,
        }
    };
    // A handler of one of the kinds below.
    (@answer $call:ident, $context:ident, $request:ident, $module:ident, $kind:ident) => {
        match $call.decode::<messages::$request>() {
            Err(answer) => answer,
            Ok(request) => {
                let asked = $context.in_words(&request);
                let response = apis!(@handle $kind, $module, request, $call, $context);
                match apis!(@safe $kind, $context) {
                    Ok(()) => $call.respond(response, asked, $context, []),
                    Err(error) => refused::answer(&$call, error, $context),
                }
            }
        }
    };
    // One that may wait.
    (@handle waits, $module:ident, $request:ident, $call:ident, $context:ident) => {
        $module::handle($request, $call.version, $context).await
    };
    (@handle waits_and_coordinates, $module:ident, $request:ident, $call:ident, $context:ident) => {
        $module::handle($request, $call.version, $context).await
    };
    // One that answers at once.
    (@handle $kind:ident, $module:ident, $request:ident, $call:ident, $context:ident) => {
        $module::handle($request, $call.version, $context)
    };
    // One of a coordinator: its answer is not sent before what it wrote is safe, or before what it
    // read is.
    (@safe coordinates, $context:ident) => { $context.written_for_good().await };
    (@safe waits_and_coordinates, $context:ident) => { $context.written_for_good().await };
    (@safe $kind:ident, $context:ident) => { Ok(()) };
}

apis! {
    Produce ProduceRequest produce 0..=13, answers;
    Fetch FetchRequest fetch 4..=18, answers;
    ListOffsets ListOffsetsRequest list_offsets 1..=11, waits;
    Metadata MetadataRequest metadata 0..=13, now;
    OffsetCommit OffsetCommitRequest offset_commit 2..=9, coordinates;
    OffsetFetch OffsetFetchRequest offset_fetch 1..=9, coordinates;
    FindCoordinator FindCoordinatorRequest find_coordinator 0..=6, now;
    JoinGroup JoinGroupRequest join_group 0..=9, waits_and_coordinates;
    Heartbeat HeartbeatRequest heartbeat 0..=4, now;
    LeaveGroup LeaveGroupRequest leave_group 0..=5, coordinates;
    SyncGroup SyncGroupRequest sync_group 0..=5, waits_and_coordinates;
    DescribeGroups DescribeGroupsRequest describe_groups 0..=6, now;
    ListGroups ListGroupsRequest list_groups 0..=5, now;
    ApiVersions ApiVersionsRequest api_versions 0..=5, answers;
    CreateTopics CreateTopicsRequest create_topics 2..=7, now;
    DeleteTopics DeleteTopicsRequest delete_topics 1..=6, now;
    DeleteRecords DeleteRecordsRequest delete_records 0..=2, now;
    InitProducerId InitProducerIdRequest init_producer_id 0..=5, coordinates;
    OffsetForLeaderEpoch OffsetForLeaderEpochRequest offset_for_leader_epoch 2..=4, now;
    AddPartitionsToTxn AddPartitionsToTxnRequest add_partitions_to_txn 0..=5, coordinates;
    AddOffsetsToTxn AddOffsetsToTxnRequest add_offsets_to_txn 0..=4, coordinates;
    EndTxn EndTxnRequest end_txn 0..=4, coordinates;
    WriteTxnMarkers WriteTxnMarkersRequest write_txn_markers 1..=1, waits;
    TxnOffsetCommit TxnOffsetCommitRequest txn_offset_commit 0..=4, coordinates;
    DescribeConfigs DescribeConfigsRequest describe_configs 1..=4, now;
    AlterConfigs AlterConfigsRequest alter_configs 0..=2, now;
    AlterReplicaLogDirs AlterReplicaLogDirsRequest alter_replica_log_dirs 1..=2, now;
    DescribeLogDirs DescribeLogDirsRequest describe_log_dirs 1..=4, now;
    CreatePartitions CreatePartitionsRequest create_partitions 0..=3, now;
    DeleteGroups DeleteGroupsRequest delete_groups 0..=2, coordinates;
    ElectLeaders ElectLeadersRequest elect_leaders 0..=2, waits;
    AlterPartitionReassignments AlterPartitionReassignmentsRequest
        alter_partition_reassignments 0..=1, waits;
    ListPartitionReassignments ListPartitionReassignmentsRequest
        list_partition_reassignments 0..=0, now;
    IncrementalAlterConfigs IncrementalAlterConfigsRequest incremental_alter_configs 0..=1, now;
    OffsetDelete OffsetDeleteRequest offset_delete 0..=0, coordinates;
    DescribeQuorum DescribeQuorumRequest describe_quorum 0..=2, now;
    DescribeCluster DescribeClusterRequest describe_cluster 0..=2, now;
    DescribeProducers DescribeProducersRequest describe_producers 0..=0, now;
    DescribeTransactions DescribeTransactionsRequest describe_transactions 0..=0, now;
    ListTransactions ListTransactionsRequest list_transactions 0..=2, now;
    ConsumerGroupHeartbeat ConsumerGroupHeartbeatRequest
        consumer_group_heartbeat 0..=1, coordinates;
    ConsumerGroupDescribe ConsumerGroupDescribeRequest consumer_group_describe 0..=1, coordinates;
    ListConfigResources ListConfigResourcesRequest list_config_resources 0..=1, now;
    DescribeTopicPartitions DescribeTopicPartitionsRequest describe_topic_partitions 0..=0, now;
}

/// A request whose header has been read and whose body has not.
pub(crate) struct Call {
    api: ApiKey,
    version: i16,
    correlation_id: i32,
    body: Bytes,
    started: Instant,
}

/// Answers one frame.
pub(crate) async fn answer(frame: Bytes, peer: &Peer, state: &Arc<State>) -> Answer {
    let (call, client_id) = match Call::read(frame) {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    let context = Context {
        state: Arc::clone(state),
        node: peer.node,
        client_id,
        client_host: peer.address.ip(),
        now: state.clock.now(),
        coordinated: Mutex::default(),
    };
    let api = call.api;
    if let Some(error) = state.faults.take_failure(api) {
        return refused::answer(&call, error, &context);
    }
    let answer = dispatch(call, &context).await;
    if state.faults.take_drop(api) {
        return Answer::Close(format!("the answer to {api:?} is lost on purpose"));
    }
    answer
}

impl Call {
    /// Reads the header. The error is the answer to a frame that has none, or one that names an
    /// API or a version that is not served.
    fn read(mut frame: Bytes) -> Result<(Self, StrBytes), Answer> {
        let started = Instant::now();
        if frame.len() < 8 {
            return Err(Answer::Close(format!("{} bytes are no request header", frame.len())));
        }
        let (key, version) = ((&frame[..2]).get_i16(), (&frame[2..4]).get_i16());
        let correlation_id = (&frame[4..8]).get_i32();
        let Some((api, lowest, highest)) =
            SUPPORTED.iter().copied().find(|(api, ..)| *api as i16 == key)
        else {
            return Err(Answer::Close(format!("API key {key} is not served")));
        };
        if !(lowest..=highest).contains(&version) {
            let has_header =
                || shape::check_header(api.request_header_version(version), &frame).is_ok();
            if api == ApiKey::ApiVersions && has_header() {
                // A client learns from this answer which version to ask with instead.
                let call = Self { api, version: 0, correlation_id, body: Bytes::new(), started };
                return Err(call.encode(&api_versions::unsupported_version(), []));
            }
            return Err(Answer::Close(format!("{api:?} v{version} is not served")));
        }
        let refuse = |reason: &dyn std::fmt::Display| {
            Answer::Close(format!("{api:?} v{version} cannot be decoded: {reason}"))
        };
        let header_version = api.request_header_version(version);
        shape::check_header(header_version, &frame).map_err(|malformed| refuse(&malformed))?;
        let header =
            RequestHeader::decode(&mut frame, header_version).map_err(|error| refuse(&error))?;
        let call = Self { api, version, correlation_id, body: frame, started };
        Ok((call, header.client_id.unwrap_or_default()))
    }

    /// Decodes the body, after its counts were found to fit into its bytes.
    fn decode<Request: Decodable>(&self) -> Result<Request, Answer> {
        let refuse = |reason: &dyn std::fmt::Display| {
            let Self { api, version, .. } = self;
            Answer::Close(format!("{api:?} v{version} cannot be decoded: {reason}"))
        };
        shape::check(self.api, self.version, &self.body).map_err(|malformed| refuse(&malformed))?;
        let mut body = newer::body_for_the_codec(self.api, self.version, &self.body);
        let version = newer::version_of_the_codec(self.api, self.version);
        Request::decode(&mut body, version).map_err(|error| refuse(&error))
    }

    /// Encodes a response and reports it. Of `shared`, the buffers that are large are sent as they
    /// are, in the order in which the response holds them.
    fn respond<Response: Encodable + HeaderVersion + Any>(
        &self,
        response: Response,
        asked: Asked,
        context: &Context,
        shared: impl IntoIterator<Item = Bytes>,
    ) -> Answer {
        self.report(asked, Some(&response), context);
        self.encode(&response, shared)
    }

    fn encode<Response: Encodable + HeaderVersion>(
        &self,
        response: &Response,
        shared: impl IntoIterator<Item = Bytes>,
    ) -> Answer {
        let mut rope = Rope::expecting(shared);
        let header = ResponseHeader::default().with_correlation_id(self.correlation_id);
        let version = newer::version_of_the_codec(self.api, self.version);
        let encoded = header
            .encode(&mut rope, Response::header_version(version))
            .and_then(|()| response.encode(&mut rope, version));
        match encoded {
            Ok(()) => Answer::Response(rope),
            Err(error) => {
                Answer::Close(format!("the answer to {:?} cannot be encoded: {error}", self.api))
            }
        }
    }

    /// Tells those who listen that the request has been answered.
    fn report(&self, asked: Asked, response: Option<&dyn Any>, context: &Context) {
        context.state.events.emit(|| Event::RequestAnswered {
            node: context.node,
            client_id: context.client_id.to_string(),
            api: name(self.api),
            version: self.version,
            response: response.map(|it| describe::response(it, &asked)).unwrap_or_default(),
            request: asked.words,
            elapsed: self.started.elapsed(),
        });
    }
}

/// What a client is told that is too old to know `PRODUCER_FENCED` (KIP-588).
pub(crate) fn without_fencing(error: ResponseError) -> ResponseError {
    match error {
        ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
        other => other,
    }
}

/// What a client is told that knows `TRANSACTION_ABORTABLE` (KIP-890): it has written outside of its
/// transaction, which can be aborted as it is.
pub(crate) fn to_be_aborted(error: ResponseError) -> ResponseError {
    match error {
        ResponseError::InvalidTxnState => ResponseError::TransactionAbortable,
        other => other,
    }
}

/// What a reader may ask to see: everything, or what is committed. Kafka has no error for another
/// level and fails.
pub(crate) const ISOLATION_LEVELS: [i8; 2] = [0, READ_COMMITTED];

/// The operations on a topic: read, write, create, delete, alter, describe, describe and alter its
/// settings, each a bit. Without an authorizer everybody may do all of them (KIP-430).
pub(crate) const TOPIC_OPERATIONS: i32 =
    1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;

/// The operations on the cluster: create, alter, describe, cluster action, describe and alter its
/// settings, idempotent write.
pub(crate) const CLUSTER_OPERATIONS: i32 =
    1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;

/// What stands for the operations where they were not asked for.
pub(crate) const NOT_ASKED_FOR: i32 = i32::MIN;

/// Whether a change had no time at all: Kafka's controller gives it up before it begins.
pub(crate) fn has_no_time(timeout_ms: i32) -> bool {
    timeout_ms <= 0
}

/// The code of a result on the wire, 0 for success.
pub(crate) fn code<T>(result: &Result<T, ResponseError>) -> i16 {
    result.as_ref().err().map_or(0, ResponseError::code)
}

/// A topic's name on the wire.
pub(crate) fn topic_name(name: &str) -> messages::TopicName {
    messages::TopicName(StrBytes::from_string(name.to_owned()))
}

/// An error message on the wire; none where there is nothing to say.
pub(crate) fn message(text: impl Into<String>) -> Option<StrBytes> {
    Some(text.into()).filter(|text| !text.is_empty()).map(StrBytes::from_string)
}

/// Where all nodes are, as responses tell it to a client that asked the wrong one (KIP-951).
macro_rules! node_endpoints {
    ($response:ident, $context:expr) => {
        $context
            .state
            .metadata
            .nodes()
            .iter()
            .map(|node| {
                kafka_protocol::messages::$response::NodeEndpoint::default()
                    .with_node_id(kafka_protocol::messages::BrokerId(node.id))
                    .with_host(kafka_protocol::protocol::StrBytes::from_string(
                        node.address.ip().to_string(),
                    ))
                    .with_port(i32::from(node.address.port()))
            })
            .collect()
    };
}
use node_endpoints;
