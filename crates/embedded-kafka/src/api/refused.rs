//! Answers that are only an error, as Kafka gives them when it can do nothing else for a request:
//! the same error for all that was asked.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::*;

use super::produce::refuse_unacknowledged;
use super::{Answer, Call, Context};

/// Calls a macro with each API that has such an answer, its request and its response.
macro_rules! for_each_api {
    ($call:ident) => {
        $call! {
            Produce ProduceRequest produce, Fetch FetchRequest fetch,
            ListOffsets ListOffsetsRequest list_offsets, Metadata MetadataRequest metadata,
            OffsetCommit OffsetCommitRequest offset_commit,
            OffsetFetch OffsetFetchRequest offset_fetch,
            FindCoordinator FindCoordinatorRequest find_coordinator,
            JoinGroup JoinGroupRequest join_group, SyncGroup SyncGroupRequest sync_group,
            Heartbeat HeartbeatRequest heartbeat, LeaveGroup LeaveGroupRequest leave_group,
            ConsumerGroupHeartbeat ConsumerGroupHeartbeatRequest consumer_group_heartbeat,
            ConsumerGroupDescribe ConsumerGroupDescribeRequest consumer_group_describe,
            DeleteGroups DeleteGroupsRequest delete_groups,
            OffsetDelete OffsetDeleteRequest offset_delete,
            InitProducerId InitProducerIdRequest init_producer_id,
            AddPartitionsToTxn AddPartitionsToTxnRequest add_partitions_to_txn,
            AddOffsetsToTxn AddOffsetsToTxnRequest add_offsets_to_txn,
            EndTxn EndTxnRequest end_txn,
            TxnOffsetCommit TxnOffsetCommitRequest txn_offset_commit,
            CreateTopics CreateTopicsRequest create_topics,
            DeleteTopics DeleteTopicsRequest delete_topics,
            CreatePartitions CreatePartitionsRequest create_partitions,
        }
    };
}

macro_rules! answers {
    ($($api:ident $request:ident $function:ident),+ $(,)?) => {
        /// Whether an API has an answer that is only an error.
        pub(crate) fn can_be_refused(api: ApiKey) -> bool {
            matches!(api, $(ApiKey::$api)|+)
        }

        /// Answers a request with an error and nothing else.
        pub(super) fn answer(call: &Call, error: ResponseError, context: &Context) -> Answer {
            match call.api {
                ApiKey::Produce if is_unacknowledged(call) => refuse_unacknowledged(error),
                $(ApiKey::$api => match call.decode::<$request>() {
                    Err(answer) => answer,
                    Ok(request) => {
                        let asked = context.in_words(&request);
                        let response = $function(request, call.version, error.code());
                        call.respond(response, asked, context, [])
                    }
                },)+
                _ => Answer::Close(format!("{:?} has no answer that is only an error", call.api)),
            }
        }
    };
}

for_each_api!(answers);

/// Whether the producer expects no answer (`acks=0`), and would take one for that to another request.
fn is_unacknowledged(call: &Call) -> bool {
    matches!(call.decode::<ProduceRequest>(), Ok(request) if request.acks == 0)
}

fn produce(request: ProduceRequest, _: i16, code: i16) -> ProduceResponse {
    use produce_response::{PartitionProduceResponse, TopicProduceResponse};
    let topics = request.topic_data.into_iter().map(|topic| {
        let partitions = topic.partition_data.iter().map(|partition| {
            PartitionProduceResponse::default()
                .with_index(partition.index)
                .with_error_code(code)
                .with_base_offset(-1)
                .with_log_append_time_ms(-1)
        });
        TopicProduceResponse::default()
            .with_partition_responses(partitions.collect())
            .with_name(topic.name)
            .with_topic_id(topic.topic_id)
    });
    ProduceResponse::default().with_responses(topics.collect())
}

fn fetch(request: FetchRequest, _: i16, code: i16) -> FetchResponse {
    use fetch_response::{FetchableTopicResponse, PartitionData};
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            PartitionData::default()
                .with_partition_index(partition.partition)
                .with_error_code(code)
                .with_high_watermark(-1)
                .with_last_stable_offset(-1)
                .with_aborted_transactions(None)
                .with_records(Some(bytes::Bytes::new()))
        });
        FetchableTopicResponse::default()
            .with_partitions(partitions.collect())
            .with_topic(topic.topic)
            .with_topic_id(topic.topic_id)
    });
    FetchResponse::default().with_responses(topics.collect())
}

fn list_offsets(request: ListOffsetsRequest, _: i16, code: i16) -> ListOffsetsResponse {
    use list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code)
                .with_offset(-1)
                .with_timestamp(-1)
        });
        ListOffsetsTopicResponse::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name)
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

fn metadata(request: MetadataRequest, _: i16, code: i16) -> MetadataResponse {
    use metadata_response::MetadataResponseTopic;
    let topics = request.topics.unwrap_or_default().into_iter().map(|topic| {
        MetadataResponseTopic::default()
            .with_error_code(code)
            .with_name(Some(topic.name.unwrap_or_default()))
            .with_topic_id(topic.topic_id)
    });
    MetadataResponse::default().with_topics(topics.collect())
}

fn offset_commit(request: OffsetCommitRequest, _: i16, code: i16) -> OffsetCommitResponse {
    use offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code)
        });
        OffsetCommitResponseTopic::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name)
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

fn offset_fetch(request: OffsetFetchRequest, version: i16, code: i16) -> OffsetFetchResponse {
    use offset_fetch_response::OffsetFetchResponseGroup;
    if version < 2 {
        return offset_fetch_by_partition(request, code);
    }
    if version < 8 {
        return OffsetFetchResponse::default().with_error_code(code);
    }
    let groups = request.groups.into_iter().map(|group| {
        OffsetFetchResponseGroup::default().with_group_id(group.group_id).with_error_code(code)
    });
    OffsetFetchResponse::default().with_groups(groups.collect())
}

/// The first versions have no error for the whole group.
fn offset_fetch_by_partition(request: OffsetFetchRequest, code: i16) -> OffsetFetchResponse {
    use offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic};
    let topics = request.topics.unwrap_or_default().into_iter().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|partition| {
            OffsetFetchResponsePartition::default()
                .with_partition_index(*partition)
                .with_committed_offset(-1)
                .with_error_code(code)
        });
        OffsetFetchResponseTopic::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name)
    });
    OffsetFetchResponse::default().with_topics(topics.collect())
}

fn find_coordinator(
    request: FindCoordinatorRequest,
    version: i16,
    code: i16,
) -> FindCoordinatorResponse {
    use find_coordinator_response::Coordinator;
    if version < 4 {
        return FindCoordinatorResponse::default()
            .with_error_code(code)
            .with_node_id(BrokerId(-1))
            .with_port(-1);
    }
    let coordinators = request.coordinator_keys.into_iter().map(|key| {
        Coordinator::default()
            .with_key(key)
            .with_error_code(code)
            .with_node_id(BrokerId(-1))
            .with_port(-1)
    });
    FindCoordinatorResponse::default().with_coordinators(coordinators.collect())
}

fn join_group(request: JoinGroupRequest, version: i16, code: i16) -> JoinGroupResponse {
    // Before version 7 a group without a protocol cannot say so but by an empty name.
    let protocol = (version < 7).then(Default::default);
    JoinGroupResponse::default()
        .with_error_code(code)
        .with_generation_id(-1)
        .with_protocol_name(protocol)
        .with_member_id(request.member_id)
}

fn sync_group(_: SyncGroupRequest, _: i16, code: i16) -> SyncGroupResponse {
    SyncGroupResponse::default().with_error_code(code)
}

fn heartbeat(_: HeartbeatRequest, _: i16, code: i16) -> HeartbeatResponse {
    HeartbeatResponse::default().with_error_code(code)
}

fn leave_group(_: LeaveGroupRequest, _: i16, code: i16) -> LeaveGroupResponse {
    LeaveGroupResponse::default().with_error_code(code)
}

fn consumer_group_heartbeat(
    _: ConsumerGroupHeartbeatRequest,
    _: i16,
    code: i16,
) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse::default().with_error_code(code)
}

fn consumer_group_describe(
    request: ConsumerGroupDescribeRequest,
    _: i16,
    code: i16,
) -> ConsumerGroupDescribeResponse {
    use consumer_group_describe_response::DescribedGroup;
    let groups = request
        .group_ids
        .into_iter()
        .map(|group| DescribedGroup::default().with_group_id(group).with_error_code(code));
    ConsumerGroupDescribeResponse::default().with_groups(groups.collect())
}

fn delete_groups(request: DeleteGroupsRequest, _: i16, code: i16) -> DeleteGroupsResponse {
    use delete_groups_response::DeletableGroupResult;
    let results = request
        .groups_names
        .into_iter()
        .map(|group| DeletableGroupResult::default().with_group_id(group).with_error_code(code));
    DeleteGroupsResponse::default().with_results(results.collect())
}

fn offset_delete(_: OffsetDeleteRequest, _: i16, code: i16) -> OffsetDeleteResponse {
    OffsetDeleteResponse::default().with_error_code(code)
}

fn init_producer_id(_: InitProducerIdRequest, _: i16, code: i16) -> InitProducerIdResponse {
    InitProducerIdResponse::default()
        .with_error_code(code)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1)
}

fn add_partitions_to_txn(
    request: AddPartitionsToTxnRequest,
    _: i16,
    code: i16,
) -> AddPartitionsToTxnResponse {
    use add_partitions_to_txn_response::{
        AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
    };
    let topics = request.v3_and_below_topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*partition)
                .with_partition_error_code(code)
        });
        AddPartitionsToTxnTopicResult::default()
            .with_results_by_partition(partitions.collect())
            .with_name(topic.name)
    });
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics.collect())
}

fn add_offsets_to_txn(_: AddOffsetsToTxnRequest, _: i16, code: i16) -> AddOffsetsToTxnResponse {
    AddOffsetsToTxnResponse::default().with_error_code(code)
}

fn end_txn(_: EndTxnRequest, _: i16, code: i16) -> EndTxnResponse {
    EndTxnResponse::default().with_error_code(code)
}

fn txn_offset_commit(
    request: TxnOffsetCommitRequest,
    _: i16,
    code: i16,
) -> TxnOffsetCommitResponse {
    use txn_offset_commit_response::{
        TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
    };
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code)
        });
        TxnOffsetCommitResponseTopic::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name)
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

fn create_topics(request: CreateTopicsRequest, _: i16, code: i16) -> CreateTopicsResponse {
    use create_topics_response::CreatableTopicResult;
    let topics = request
        .topics
        .into_iter()
        .map(|topic| CreatableTopicResult::default().with_name(topic.name).with_error_code(code));
    CreateTopicsResponse::default().with_topics(topics.collect())
}

fn delete_topics(request: DeleteTopicsRequest, version: i16, code: i16) -> DeleteTopicsResponse {
    use delete_topics_response::DeletableTopicResult;
    let named = |name| DeletableTopicResult::default().with_name(name).with_error_code(code);
    let topics = match version {
        ..6 => request.topic_names.into_iter().map(|name| named(Some(name))).collect(),
        _ => {
            let topics = request.topics.into_iter();
            topics.map(|topic| named(topic.name).with_topic_id(topic.topic_id)).collect()
        }
    };
    DeleteTopicsResponse::default().with_responses(topics)
}

fn create_partitions(
    request: CreatePartitionsRequest,
    _: i16,
    code: i16,
) -> CreatePartitionsResponse {
    use create_partitions_response::CreatePartitionsTopicResult;
    let topics = request.topics.into_iter().map(|topic| {
        CreatePartitionsTopicResult::default().with_name(topic.name).with_error_code(code)
    });
    CreatePartitionsResponse::default().with_results(topics.collect())
}
