//! Every version of the APIs of topics and records, at a node that leads and at one that does not,
//! for existing topics and for missing ones: each request gets a response, none with a field that
//! its version lacks.

use embedded_kafka::Cluster;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Request, StrBytes};

use crate::client::{ask, create, name, three_nodes};

/// A topic that exists and one that does not.
const TOPICS: [&str; 2] = ["airports", "nowhere"];

/// Sends a request to every node in every version that it advertises and that `from` does not
/// exclude.
async fn ask_all<R: Request>(cluster: &Cluster, from: i16, request: impl Fn(i16) -> R) {
    let supported = ask(cluster, 1, 3, &named_client()).await.api_keys;
    let supported = supported.iter().find(|api| api.api_key == R::KEY);
    let supported = supported.expect("the API is supported");
    // The codec does not know the newest versions of some APIs yet.
    let newest = supported.max_version.min(R::VERSIONS.max);
    for version in supported.min_version.max(from)..=newest {
        for node in 1..=3 {
            ask(cluster, node, version, &request(version)).await;
        }
    }
}

fn named_client() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("wire-test"))
        .with_client_software_version(StrBytes::from_static_str("1.0"))
}

#[tokio::test]
async fn every_version_about_topics_gets_a_response() {
    let cluster = three_nodes().await;
    create(&cluster, "airports", 2).await;
    ask_all(&cluster, 0, |version| match version {
        3.. => named_client(),
        _ => ApiVersionsRequest::default(),
    })
    .await;
    ask_all(&cluster, 0, |version| {
        DescribeClusterRequest::default().with_include_fenced_brokers(version >= 2)
    })
    .await;
    ask_all(&cluster, 0, |version| {
        let types = if version >= 1 { vec![2, 4, 32] } else { Vec::new() };
        ListConfigResourcesRequest::default().with_resource_types(types)
    })
    .await;
    for topic in ["__cluster_metadata", "nowhere"] {
        ask_all(&cluster, 0, |_| {
            let partition = describe_quorum_request::PartitionData::default();
            let topic = describe_quorum_request::TopicData::default()
                .with_topic_name(name(topic))
                .with_partitions(vec![partition]);
            DescribeQuorumRequest::default().with_topics(vec![topic])
        })
        .await;
    }
    ask_all(&cluster, 0, |_| {
        let topics = TOPICS.map(|topic| {
            let topic = alter_replica_log_dirs_request::AlterReplicaLogDirTopic::default()
                .with_name(name(topic));
            topic.with_partitions(vec![0])
        });
        let directory = alter_replica_log_dirs_request::AlterReplicaLogDir::default();
        let directory =
            directory.with_path(StrBytes::from_static_str("/nowhere")).with_topics(topics.to_vec());
        AlterReplicaLogDirsRequest::default().with_dirs(vec![directory])
    })
    .await;
    ask_all(&cluster, 0, |_| {
        let topics = TOPICS.map(|topic| {
            let topic =
                write_txn_markers_request::WritableTxnMarkerTopic::default().with_name(name(topic));
            topic.with_partition_indexes(vec![0, 7])
        });
        let marker = write_txn_markers_request::WritableTxnMarker::default();
        WriteTxnMarkersRequest::default().with_markers(vec![marker.with_topics(topics.to_vec())])
    })
    .await;
    ask_all(&cluster, 0, |version| {
        let by_name =
            TOPICS.map(|topic| MetadataRequestTopic::default().with_name(Some(name(topic))));
        let by_id = MetadataRequestTopic::default().with_name(None);
        let by_id = by_id.with_topic_id(uuid::Uuid::from_u128(7));
        let topics = by_name.into_iter().chain((version >= 10).then_some(by_id)).collect();
        // Below version 4 every requested topic is created.
        MetadataRequest::default()
            .with_topics(Some(topics))
            .with_allow_auto_topic_creation(version < 4)
    })
    .await;
    ask_all(&cluster, 0, |_| {
        DescribeTopicPartitionsRequest::default().with_response_partition_limit(1)
    })
    .await;
    ask_all(&cluster, 0, |_| {
        let topic = |topic| CreatableTopic::default().with_name(name(topic)).with_num_partitions(1);
        let topics =
            ["airports", "new", "not valid"].map(|one| topic(one).with_replication_factor(2));
        CreateTopicsRequest::default().with_topics(topics.to_vec()).with_validate_only(true)
    })
    .await;
    ask_all(&cluster, 0, |_| {
        let topic = |topic| CreatePartitionsTopic::default().with_name(name(topic)).with_count(3);
        let topics = TOPICS.map(|one| topic(one).with_assignments(None));
        CreatePartitionsRequest::default()
            .with_topics(topics.to_vec())
            .with_timeout_ms(5_000)
            .with_validate_only(true)
    })
    .await;
    ask_all(&cluster, 0, |version| {
        let topics = ["airports", "not valid"];
        if version >= 6 {
            let by_name =
                topics.map(|topic| DeleteTopicState::default().with_name(Some(name(topic))));
            let by_id = DeleteTopicState::default().with_name(None);
            let topics = by_name.into_iter().chain([by_id]).collect();
            return DeleteTopicsRequest::default().with_topics(topics).with_timeout_ms(5_000);
        }
        DeleteTopicsRequest::default()
            .with_topic_names(topics.map(name).to_vec())
            .with_timeout_ms(5_000)
    })
    .await;
}

#[tokio::test]
async fn every_version_about_records_gets_a_response() {
    let cluster = three_nodes().await;
    create(&cluster, "airports", 1).await;
    let topics = ask(&cluster, 1, 12, &MetadataRequest::default().with_topics(None)).await.topics;
    let airports = topics[0].topic_id;
    // Apache Kafka too advertises Produce from version 0 on, and serves it from 3 on.
    ask_all(&cluster, 3, |version| {
        let topics = TOPICS.map(|topic| {
            let data = PartitionProduceData::default().with_records(Some(bytes::Bytes::new()));
            let named = match (version, topic) {
                (13.., "airports") => TopicProduceData::default().with_topic_id(airports),
                (13.., _) => TopicProduceData::default(),
                _ => TopicProduceData::default().with_name(name(topic)),
            };
            named.with_partition_data(vec![data])
        });
        ProduceRequest::default().with_acks(-1).with_topic_data(topics.to_vec())
    })
    .await;
    for epoch in [-1, 5] {
        ask_all(&cluster, 0, |version| {
            let epoch = if version >= 9 { epoch } else { -1 };
            let topics = TOPICS.map(|topic| {
                let partition = FetchPartition::default().with_current_leader_epoch(epoch);
                let named = match (version, topic) {
                    (13.., "airports") => FetchTopic::default().with_topic_id(airports),
                    (13.., _) => FetchTopic::default(),
                    _ => FetchTopic::default().with_topic(name(topic)),
                };
                named.with_partitions(vec![partition.with_partition_max_bytes(1000)])
            });
            FetchRequest::default().with_max_bytes(1000).with_topics(topics.to_vec())
        })
        .await;
        ask_all(&cluster, 0, |version| {
            let epoch = if version >= 4 { epoch } else { -1 };
            let topics = TOPICS.map(|topic| {
                let partition = ListOffsetsPartition::default().with_current_leader_epoch(epoch);
                ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![partition])
            });
            ListOffsetsRequest::default().with_topics(topics.to_vec())
        })
        .await;
        ask_all(&cluster, 0, |_| {
            let topics = TOPICS.map(|topic| {
                let partition = OffsetForLeaderPartition::default();
                OffsetForLeaderTopic::default()
                    .with_topic(name(topic))
                    .with_partitions(vec![partition.with_current_leader_epoch(epoch)])
            });
            OffsetForLeaderEpochRequest::default().with_topics(topics.to_vec())
        })
        .await;
    }
    ask_all(&cluster, 0, |_| {
        let topics = TOPICS.map(|topic| {
            let partitions = vec![DeleteRecordsPartition::default().with_offset(-1)];
            DeleteRecordsTopic::default().with_name(name(topic)).with_partitions(partitions)
        });
        DeleteRecordsRequest::default().with_topics(topics.to_vec())
    })
    .await;
    ask_all(&cluster, 0, |_| InitProducerIdRequest::default().with_transactional_id(None)).await;
    for key_type in [0, 9] {
        ask_all(&cluster, 0, |version| {
            let key = StrBytes::from_static_str("group");
            let request = match version {
                4.. => FindCoordinatorRequest::default().with_coordinator_keys(vec![key]),
                _ => FindCoordinatorRequest::default().with_key(key),
            };
            if version >= 1 { request.with_key_type(key_type) } else { request }
        })
        .await;
    }
}
