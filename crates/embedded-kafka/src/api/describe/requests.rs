//! What is asked, request by request.

use std::any::Any;
use std::fmt::Write;

use kafka_protocol::messages::*;

use super::list;

/// What is asked. What is not listed here is named by its API alone.
pub(super) fn in_words(request: &dyn Any) -> String {
    macro_rules! first {
        ($($type:ident $function:ident),+ $(,)?) => {
            $(if let Some(request) = request.downcast_ref::<$type>() { return $function(request); })+
        };
    }
    first! {
        ProduceRequest produce, FetchRequest fetch, MetadataRequest metadata,
        CreateTopicsRequest create_topics, DeleteTopicsRequest delete_topics,
        CreatePartitionsRequest create_partitions, DeleteRecordsRequest delete_records,
        FindCoordinatorRequest find_coordinator, JoinGroupRequest join_group,
        SyncGroupRequest sync_group, HeartbeatRequest heartbeat, LeaveGroupRequest leave_group,
        DescribeGroupsRequest describe_groups, DeleteGroupsRequest delete_groups,
        OffsetCommitRequest offset_commit, OffsetFetchRequest offset_fetch,
        OffsetDeleteRequest offset_delete,
        ListOffsetsRequest list_offsets,
        InitProducerIdRequest init_producer_id, AddPartitionsToTxnRequest add_partitions_to_txn,
        AddOffsetsToTxnRequest add_offsets_to_txn, TxnOffsetCommitRequest txn_offset_commit,
        EndTxnRequest end_txn, ConsumerGroupHeartbeatRequest consumer_group_heartbeat,
        ConsumerGroupDescribeRequest consumer_group_describe,
    }
    String::new()
}

fn produce(request: &ProduceRequest) -> String {
    let partitions = list(request.topic_data.iter().flat_map(|topic| {
        topic.partition_data.iter().map(|partition| {
            let bytes = partition.records.as_ref().map_or(0, bytes::Bytes::len);
            // From version 13 on a topic is named by its id alone.
            let name = if topic.name.is_empty() {
                topic.topic_id.to_string()
            } else {
                topic.name.to_string()
            };
            format!("{name}/{} {bytes} bytes", partition.index)
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

fn create_partitions(request: &CreatePartitionsRequest) -> String {
    list(request.topics.iter().map(|it| format!("{} to {}", it.name.as_str(), it.count)))
}

fn delete_records(request: &DeleteRecordsRequest) -> String {
    list(request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|it| {
            format!("{}/{} before {}", topic.name.as_str(), it.partition_index, it.offset)
        })
    }))
}

fn describe_groups(request: &DescribeGroupsRequest) -> String {
    list(request.groups.iter().map(|id| format!("group {}", id.as_str())))
}

fn delete_groups(request: &DeleteGroupsRequest) -> String {
    list(request.groups_names.iter().map(|id| format!("group {}", id.as_str())))
}

fn offset_delete(request: &OffsetDeleteRequest) -> String {
    let partitions = list(request.topics.iter().flat_map(|topic| {
        let name = topic.name.as_str();
        topic.partitions.iter().map(move |it| format!("{name}/{}", it.partition_index))
    }));
    format!("group {} {partitions}", request.group_id.as_str())
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
    let named = |topics: &[add_partitions_to_txn_request::AddPartitionsToTxnTopic]| {
        list(topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|partition| format!("{}/{partition}", topic.name.as_str()))
        }))
    };
    if !request.transactions.is_empty() {
        return list(
            request
                .transactions
                .iter()
                .map(|it| format!("{} {}", it.transactional_id.as_str(), named(&it.topics))),
        );
    }
    let partitions = named(&request.v3_and_below_topics);
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

/// Of what a member has, wants and is, a heartbeat holds what has changed.
fn consumer_group_heartbeat(request: &ConsumerGroupHeartbeatRequest) -> String {
    let mut text =
        format!("group {} member epoch {}", request.group_id.as_str(), request.member_epoch);
    text.push_str(match request.member_epoch {
        0 => " (joins)",
        -1 => " (leaves)",
        -2 => " (goes, and comes back)",
        _ => "",
    });
    // Writing into a String cannot fail.
    if let Some(topics) = &request.subscribed_topic_names {
        let _ = write!(text, ", wants {}", list(topics.iter().map(|topic| topic.to_string())));
    }
    if let Some(owned) = &request.topic_partitions {
        let owned: usize = owned.iter().map(|topic| topic.partitions.len()).sum();
        let _ = write!(text, ", has {owned} partition(s)");
    }
    text
}

fn consumer_group_describe(request: &ConsumerGroupDescribeRequest) -> String {
    list(request.group_ids.iter().map(|id| format!("group {}", id.as_str())))
}
