//! One partition as clients see it: requests to a node without a socket.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{
    ApiKey, BrokerId, FetchRequest, FetchResponse, ListOffsetsRequest, RequestHeader,
    ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

use crate::Cluster;
use crate::api::call::{Peer, Reply};
use crate::api::respond;
use crate::api::wire::topic_name;
use crate::metadata::{NewTopic, Partition};
use crate::state::State;

pub(super) const TOPIC: &str = "bookings";

/// `isolation_level` of a reader of everything.
pub(super) const EVERYTHING: i8 = 0;

/// A cluster of one node with a topic of one partition.
pub(super) struct Fixture {
    _cluster: Cluster,
    state: Arc<State>,
    pub(super) partition: Arc<Partition>,
}

impl Fixture {
    pub(super) async fn new(config: &[(&'static str, &'static str)]) -> Self {
        let cluster = Cluster::builder().start().await.unwrap();
        let state = Arc::clone(cluster.state());
        let topic = NewTopic {
            name: TOPIC.into(),
            partitions: Some(1),
            replication_factor: Some(1),
            assignments: Vec::new(),
            config: config
                .iter()
                .map(|(name, value)| ((*name).into(), Some((*value).into())))
                .collect(),
        };
        state.metadata.create_topic(topic, false).unwrap();
        let partition = state.metadata.partition(TOPIC, 0).unwrap();
        Self { _cluster: cluster, state, partition }
    }

    pub(super) async fn call<R: Request>(&self, version: i16, request: &R) -> R::Response {
        let api = ApiKey::try_from(R::KEY).unwrap();
        let mut frame = bytes::BytesMut::new();
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_client_id(Some(StrBytes::from_static_str("test")));
        header.encode(&mut frame, api.request_header_version(version)).unwrap();
        request.encode(&mut frame, version).unwrap();
        let peer = Peer { node: 1, address: "127.0.0.1:1".parse().unwrap() };
        let (Reply::Response(rope), _) = respond(frame.freeze(), &peer, &self.state).await else {
            panic!("{api:?} has a response");
        };
        let mut written = Vec::new();
        rope.write_as_frame(&mut written).await.unwrap();
        let mut written = Bytes::from(written).slice(4..);
        let header_version = R::Response::header_version(version);
        ResponseHeader::decode(&mut written, header_version).unwrap();
        R::Response::decode(&mut written, version).unwrap()
    }

    pub(super) async fn fetch(
        &self,
        isolation_level: i8,
        offset: i64,
        max_bytes: i32,
    ) -> PartitionData {
        let response = self.call(11, &fetch(isolation_level, offset, max_bytes, 0)).await;
        partition_of(response)
    }

    /// Returns offset and timestamp in the response to ListOffsets.
    pub(super) async fn list_offsets(&self, isolation_level: i8, timestamp: i64) -> (i64, i64) {
        let partition =
            ListOffsetsPartition::default().with_current_leader_epoch(-1).with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default()
            .with_name(topic_name(TOPIC))
            .with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_isolation_level(isolation_level)
            .with_topics(vec![topic]);
        let response = self.call(7, &request).await;
        let partition = &response.topics[0].partitions[0];
        assert_eq!(partition.error_code, 0);
        (partition.offset, partition.timestamp)
    }
}

pub(super) fn fetch(
    isolation_level: i8,
    offset: i64,
    max_bytes: i32,
    max_wait_ms: i32,
) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_current_leader_epoch(-1)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(max_bytes);
    let topic =
        FetchTopic::default().with_topic(topic_name(TOPIC)).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(isolation_level)
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

pub(super) fn partition_of(mut response: FetchResponse) -> PartitionData {
    response.responses.remove(0).partitions.remove(0)
}

/// Returns the base offsets of the batches that were fetched.
pub(super) fn offsets(data: &PartitionData) -> Vec<i64> {
    let mut offsets = Vec::new();
    let mut batches = &data.records.as_ref().unwrap()[..];
    while let Ok(header) = crate::log::BatchHeader::parse(batches) {
        offsets.push(header.base_offset);
        batches = &batches[header.size()..];
    }
    offsets
}
