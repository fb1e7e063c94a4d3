//! Requests and responses in a few words, for those who watch the wire. Only made when somebody
//! listens; what is not listed here is named by its API alone.

use std::any::Any;
use std::fmt::Write;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::*;

/// What is asked.
pub(super) fn request(request: &dyn Any) -> String {
    macro_rules! first {
        ($($type:ident $function:ident),+ $(,)?) => {
            $(if let Some(request) = request.downcast_ref::<$type>() { return $function(request); })+
        };
    }
    first! {
        ProduceRequest produce, FetchRequest fetch, MetadataRequest metadata,
        CreateTopicsRequest create_topics, DeleteTopicsRequest delete_topics,
        FindCoordinatorRequest find_coordinator, JoinGroupRequest join_group,
        SyncGroupRequest sync_group, HeartbeatRequest heartbeat, LeaveGroupRequest leave_group,
        OffsetCommitRequest offset_commit, OffsetFetchRequest offset_fetch,
        ListOffsetsRequest list_offsets,
        InitProducerIdRequest init_producer_id, AddPartitionsToTxnRequest add_partitions_to_txn,
        AddOffsetsToTxnRequest add_offsets_to_txn, TxnOffsetCommitRequest txn_offset_commit,
        EndTxnRequest end_txn,
    }
    String::new()
}

/// What is answered: the errors, or the one thing that a reader wants to know.
pub(super) fn response(response: &dyn Any) -> String {
    if let Some(join) = response.downcast_ref::<JoinGroupResponse>() {
        let role = if join.leader == join.member_id { "leader" } else { "follower" };
        return or_error(join.error_code, || format!("generation {}, {role}", join.generation_id));
    }
    if let Some(produce) = response.downcast_ref::<ProduceResponse>() {
        return list(produce.responses.iter().flat_map(|topic| {
            topic.partition_responses.iter().map(|partition| {
                or_error(partition.error_code, || format!("offset {}", partition.base_offset))
            })
        }));
    }
    if let Some(fetch) = response.downcast_ref::<FetchResponse>() {
        let partitions = fetch.responses.iter().flat_map(|topic| &topic.partitions);
        let bytes: usize =
            partitions.filter_map(|partition| Some(partition.records.as_ref()?.len())).sum();
        return format!("{bytes} bytes");
    }
    macro_rules! error_of {
        ($($type:ident),+) => {
            $(if let Some(response) = response.downcast_ref::<$type>() {
                return or_error(response.error_code, String::new);
            })+
        };
    }
    error_of!(SyncGroupResponse, HeartbeatResponse, LeaveGroupResponse, InitProducerIdResponse);
    error_of!(AddOffsetsToTxnResponse, EndTxnResponse);
    if let Some(created) = response.downcast_ref::<CreateTopicsResponse>() {
        return list(created.topics.iter().map(|topic| or_error(topic.error_code, || "ok".into())));
    }
    String::new()
}

fn or_error(code: i16, ok: impl FnOnce() -> String) -> String {
    match ResponseError::try_from_code(code) {
        Some(error) => format!("{error} ({code})"),
        None => ok(),
    }
}

/// The first few of many, separated by commas.
fn list(items: impl Iterator<Item = String>) -> String {
    const SHOWN: usize = 6;
    let mut text = String::new();
    let mut count = 0;
    for item in items {
        if count < SHOWN {
            let separator = if count == 0 { "" } else { ", " };
            // Writing into a String cannot fail.
            let _ = write!(text, "{separator}{item}");
        }
        count += 1;
    }
    if count > SHOWN {
        let _ = write!(text, ", and {} more", count - SHOWN);
    }
    text
}

fn produce(request: &ProduceRequest) -> String {
    let partitions = list(request.topic_data.iter().flat_map(|topic| {
        topic.partition_data.iter().map(|partition| {
            let bytes = partition.records.as_ref().map_or(0, bytes::Bytes::len);
            format!("{}/{} {bytes} bytes", topic.name.as_str(), partition.index)
        })
    }));
    format!("acks={} {partitions}", request.acks)
}

fn fetch(request: &FetchRequest) -> String {
    list(request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            // From version 13 on a topic is named by its id alone.
            let name = if topic.topic.is_empty() {
                topic.topic_id.to_string()
            } else {
                topic.topic.to_string()
            };
            format!("{name}/{} from {}", partition.partition, partition.fetch_offset)
        })
    }))
}

fn metadata(request: &MetadataRequest) -> String {
    match &request.topics {
        Some(topics) => {
            list(topics.iter().map(|topic| topic.name.clone().unwrap_or_default().to_string()))
        }
        None => "all topics".into(),
    }
}

fn create_topics(request: &CreateTopicsRequest) -> String {
    list(request.topics.iter().map(|topic| {
        let (partitions, factor) = (topic.num_partitions, topic.replication_factor);
        format!("{} ({partitions} partitions, replication factor {factor})", topic.name.as_str())
    }))
}

fn delete_topics(request: &DeleteTopicsRequest) -> String {
    let by_state = request.topics.iter().filter_map(|topic| topic.name.clone());
    list(by_state.chain(request.topic_names.iter().cloned()).map(|name| name.to_string()))
}

fn find_coordinator(request: &FindCoordinatorRequest) -> String {
    let keys = request.coordinator_keys.iter().chain(Some(&request.key));
    list(keys.filter(|key| !key.is_empty()).map(ToString::to_string))
}

fn join_group(request: &JoinGroupRequest) -> String {
    let protocols = list(request.protocols.iter().map(|protocol| protocol.name.to_string()));
    let member = if request.member_id.is_empty() { "no member id yet" } else { &request.member_id };
    format!("group {} ({member}; {protocols})", request.group_id.as_str())
}

fn sync_group(request: &SyncGroupRequest) -> String {
    let (group, generation) = (request.group_id.as_str(), request.generation_id);
    let assignments = request.assignments.len();
    format!("group {group} generation {generation} with {assignments} assignment(s)")
}

fn heartbeat(request: &HeartbeatRequest) -> String {
    format!("group {} generation {}", request.group_id.as_str(), request.generation_id)
}

fn leave_group(request: &LeaveGroupRequest) -> String {
    format!("group {}", request.group_id.as_str())
}

fn offset_commit(request: &OffsetCommitRequest) -> String {
    let offsets = list(request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            let (topic, index) = (topic.name.as_str(), partition.partition_index);
            format!("{topic}/{index}={}", partition.committed_offset)
        })
    }));
    format!("group {} {offsets}", request.group_id.as_str())
}

fn offset_fetch(request: &OffsetFetchRequest) -> String {
    let groups = request.groups.iter().map(|group| &group.group_id).chain(Some(&request.group_id));
    list(groups.filter(|id| !id.is_empty()).map(|id| format!("group {}", id.as_str())))
}

fn list_offsets(request: &ListOffsetsRequest) -> String {
    list(request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            let what = match partition.timestamp {
                -1 => "latest".into(),
                -2 => "earliest".into(),
                -3 => "largest timestamp".into(),
                timestamp => format!("at {timestamp}"),
            };
            format!("{}/{} {what}", topic.name.as_str(), partition.partition_index)
        })
    }))
}

fn init_producer_id(request: &InitProducerIdRequest) -> String {
    request.transactional_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default()
}

fn add_partitions_to_txn(request: &AddPartitionsToTxnRequest) -> String {
    let partitions = list(request.v3_and_below_topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| format!("{}/{partition}", topic.name.as_str()))
    }));
    format!("{} {partitions}", request.v3_and_below_transactional_id.as_str())
}

fn add_offsets_to_txn(request: &AddOffsetsToTxnRequest) -> String {
    format!("{} group {}", request.transactional_id.as_str(), request.group_id.as_str())
}

fn txn_offset_commit(request: &TxnOffsetCommitRequest) -> String {
    let offsets = list(request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            let (topic, index) = (topic.name.as_str(), partition.partition_index);
            format!("{topic}/{index}={}", partition.committed_offset)
        })
    }));
    let (group, generation) = (request.group_id.as_str(), request.generation_id);
    format!("group {group} generation {generation} {offsets}")
}

fn end_txn(request: &EndTxnRequest) -> String {
    let outcome = if request.committed { "commit" } else { "abort" };
    format!("{} {outcome}", request.transactional_id.as_str())
}
