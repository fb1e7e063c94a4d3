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
        EndTxnRequest end_txn, ConsumerGroupHeartbeatRequest consumer_group_heartbeat,
        ConsumerGroupDescribeRequest consumer_group_describe,
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
    if let Some(beat) = response.downcast_ref::<ConsumerGroupHeartbeatResponse>() {
        return or_error(beat.error_code, || {
            let assigned = beat.assignment.as_ref().map(|assignment| {
                let topics = assignment.topic_partitions.iter();
                topics.map(|topic| topic.partitions.len()).sum::<usize>()
            });
            let assigned = assigned.map_or_else(
                || "no new assignment".to_owned(),
                |partitions| format!("{partitions} partition(s) assigned"),
            );
            format!("member epoch {}, {assigned}", beat.member_epoch)
        });
    }
    if let Some(described) = response.downcast_ref::<ConsumerGroupDescribeResponse>() {
        return list(described.groups.iter().map(|group| {
            or_error(group.error_code, || {
                let (state, epoch) = (group.group_state.as_str(), group.group_epoch);
                format!("{state}, group epoch {epoch}, {} member(s)", group.members.len())
            })
        }));
    }
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

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::consumer_group_describe_response::{DescribedGroup, Member};
    use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions as Owned;
    use kafka_protocol::messages::consumer_group_heartbeat_response::{
        Assignment, TopicPartitions,
    };
    use kafka_protocol::protocol::StrBytes;

    use super::*;

    #[test]
    fn a_heartbeat_of_the_new_protocol_says_what_has_changed() {
        let group = GroupId(StrBytes::from_static_str("airlines"));
        let flights = StrBytes::from_static_str("flights");
        let beat = ConsumerGroupHeartbeatRequest::default().with_group_id(group.clone());
        let owned = Owned::default().with_partitions(vec![0, 2]);
        let rows = [
            (
                beat.clone()
                    .with_subscribed_topic_names(Some(vec![TopicName(flights)]))
                    .with_topic_partitions(Some(Vec::new())),
                "group airlines member epoch 0 (joins), wants flights, has 0 partition(s)",
            ),
            (beat.clone().with_member_epoch(3), "group airlines member epoch 3"),
            (
                beat.clone().with_member_epoch(4).with_topic_partitions(Some(vec![owned])),
                "group airlines member epoch 4, has 2 partition(s)",
            ),
            (beat.with_member_epoch(-1), "group airlines member epoch -1 (leaves)"),
        ];
        for (beat, words) in rows {
            assert_eq!(request(&beat), words);
        }
        let asked = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group]);
        assert_eq!(request(&asked), "group airlines");
    }

    #[test]
    fn an_answer_of_the_new_protocol_says_where_the_member_and_the_group_are() {
        let beat = ConsumerGroupHeartbeatResponse::default().with_member_epoch(3);
        assert_eq!(response(&beat), "member epoch 3, no new assignment");
        let topic = TopicPartitions::default().with_partitions(vec![1, 2]);
        let assignment = Assignment::default().with_topic_partitions(vec![topic]);
        let assigned = beat.clone().with_assignment(Some(assignment));
        assert_eq!(response(&assigned), "member epoch 3, 2 partition(s) assigned");
        let fenced = ResponseError::FencedMemberEpoch;
        let refused = beat.with_error_code(fenced.code());
        assert_eq!(response(&refused), format!("{fenced} ({})", fenced.code()));

        let group = DescribedGroup::default()
            .with_group_state(StrBytes::from_static_str("Stable"))
            .with_group_epoch(2)
            .with_members(vec![Member::default()]);
        let described = ConsumerGroupDescribeResponse::default().with_groups(vec![group]);
        assert_eq!(response(&described), "Stable, group epoch 2, 1 member(s)");
    }
}
