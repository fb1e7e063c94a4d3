//! A client that sends exactly what a test says, valid or not, and a cluster for it.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use embedded_kafka::{Cluster, ClusterBuilder};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    CreateTopicsRequest, DeleteTopicsRequest, ProduceRequest, RequestHeader, ResponseHeader,
    TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Returns a cluster of three nodes.
pub(crate) async fn three_nodes() -> Cluster {
    start(Cluster::builder().nodes(3)).await
}

pub(crate) async fn start(builder: ClusterBuilder) -> Cluster {
    builder.start().await.expect("a cluster starts")
}

/// Sends a request to a node, and returns its response.
pub(crate) async fn ask<R: Request>(
    cluster: &Cluster,
    node: usize,
    version: i16,
    request: &R,
) -> R::Response {
    let answer = try_ask(cluster, node, version, request).await;
    answer.expect("the node responds instead of closing the connection")
}

/// Sends a request to a node; `None` if it closes the connection instead.
pub(crate) async fn try_ask<R: Request>(
    cluster: &Cluster,
    node: usize,
    version: i16,
    request: &R,
) -> Option<R::Response> {
    let mut stream = send(cluster, node, version, request).await;
    let length = stream.read_i32().await.ok()?;
    let mut answer = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut answer).await.unwrap();
    let mut answer = &answer[..];
    let header_version = R::Response::header_version(version);
    let header = ResponseHeader::decode(&mut answer, header_version).unwrap();
    assert_eq!(header.correlation_id, 7);
    let response = R::Response::decode(&mut answer, version).unwrap();
    assert!(!answer.has_remaining(), "bytes after the response");
    Some(response)
}

/// Sends a request to a node, and returns the connection.
pub(crate) async fn send<R: Request>(
    cluster: &Cluster,
    node: usize,
    version: i16,
    request: &R,
) -> TcpStream {
    let mut stream = TcpStream::connect(cluster.nodes()[node - 1].address).await.unwrap();
    let mut body = BytesMut::new();
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(7)
        .with_client_id(Some(StrBytes::from_static_str("wire-test")));
    header.encode(&mut body, R::header_version(version)).unwrap();
    request.encode(&mut body, version).unwrap();
    stream.write_i32(i32::try_from(body.len()).unwrap()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    stream
}

pub(crate) fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

/// Requests the metadata of a topic, and returns the error code.
pub(crate) async fn create(cluster: &Cluster, topic: &str, partitions: i32) -> i16 {
    let topic = CreatableTopic::default()
        .with_name(name(topic))
        .with_num_partitions(partitions)
        .with_replication_factor(-1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]);
    ask(cluster, 1, 7, &request).await.topics[0].error_code
}

/// Deletes a topic by its name, and returns the error code.
pub(crate) async fn delete(cluster: &Cluster, topic: &str) -> i16 {
    let request =
        DeleteTopicsRequest::default().with_topic_names(vec![name(topic)]).with_timeout_ms(5_000);
    ask(cluster, 1, 5, &request).await.responses[0].error_code
}

/// Writes one record to a partition.
pub(crate) async fn produce_one(
    cluster: &Cluster,
    topic: &str,
    partition: i32,
) -> PartitionProduceResponse {
    let request = produce_request(topic, partition, -1);
    let mut response = ask(cluster, 1, 9, &request).await;
    response.responses.remove(0).partition_responses.remove(0)
}

/// Returns a request that writes one record to a partition.
pub(crate) fn produce_request(topic: &str, partition: i32, acks: i16) -> ProduceRequest {
    let data = PartitionProduceData::default().with_index(partition);
    let topic = TopicProduceData::default()
        .with_name(name(topic))
        .with_partition_data(vec![data.with_records(Some(one_record()))]);
    ProduceRequest::default().with_acks(acks).with_timeout_ms(1000).with_topic_data(vec![topic])
}

/// Returns a batch of one record without key, value or headers.
fn one_record() -> Bytes {
    let mut batch = BytesMut::new();
    batch.put_i64(0);
    batch.put_i32(49 + 7);
    batch.put_i32(-1);
    batch.put_i8(2);
    let mut body = BytesMut::new();
    body.put_i16(0);
    body.put_i32(0);
    body.put_i64(0);
    body.put_i64(0);
    body.put_i64(-1);
    body.put_i16(-1);
    body.put_i32(-1);
    body.put_i32(1);
    // Length 6, attributes, two deltas, key and value null, no headers.
    body.put_slice(&[12, 0, 0, 0, 1, 1, 0]);
    batch.put_u32(crc32c::crc32c(&body));
    batch.put_slice(&body);
    batch.freeze()
}
