//! What is answered, response by response. A test goes through all that the codec has of those that
//! are served, and through each field of an error in them.

use std::any::Any;
use std::fmt::Display;

use kafka_protocol::messages::*;

use super::said::Said;

/// What a response says.
pub(super) fn said(response: &dyn Any) -> Said {
    macro_rules! first {
        ($($type:ident $function:expr;)+) => {
            $(if let Some(response) = response.downcast_ref::<$type>() {
                let function: fn(&$type) -> Said = $function;
                return function(response);
            })+
        };
    }
    first! {
        ProduceResponse produce;
        FetchResponse fetch;
        ListOffsetsResponse list_offsets;
        MetadataResponse metadata;
        OffsetForLeaderEpochResponse |it| of_partitions(&it.topics, |topic| {
            (topic.topic.to_string(), topic.partitions.iter().map(|it| (it.partition, it.error_code)))
        });
        DeleteRecordsResponse |it| of_partitions(&it.topics, |topic| {
            let partitions = topic.partitions.iter();
            (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        });
        CreateTopicsResponse create_topics;
        DeleteTopicsResponse |it| of(it.responses.iter().map(|it| {
            let id = || it.topic_id.to_string();
            (it.name.as_ref().map_or_else(id, |name| name.to_string()), it.error_code)
        }));
        CreatePartitionsResponse |it| {
            of(it.results.iter().map(|it| (it.name.as_str(), it.error_code)))
        };
        FindCoordinatorResponse |it| top(it.error_code)
            .and(of(it.coordinators.iter().map(|it| (it.key.as_str(), it.error_code))));
        JoinGroupResponse join_group;
        SyncGroupResponse |it| top(it.error_code);
        HeartbeatResponse |it| top(it.error_code);
        LeaveGroupResponse |it| top(it.error_code)
            .and(of(it.members.iter().map(|it| (it.member_id.as_str(), it.error_code))));
        DescribeGroupsResponse |it| {
            of(it.groups.iter().map(|it| (it.group_id.as_str(), it.error_code)))
        };
        ListGroupsResponse |it| top(it.error_code);
        DeleteGroupsResponse |it| {
            of(it.results.iter().map(|it| (it.group_id.as_str(), it.error_code)))
        };
        OffsetCommitResponse |it| of_partitions(&it.topics, |topic| {
            let partitions = topic.partitions.iter();
            (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        });
        OffsetFetchResponse offset_fetch;
        OffsetDeleteResponse |it| top(it.error_code).and(of_partitions(&it.topics, |topic| {
            let partitions = topic.partitions.iter();
            (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        }));
        ConsumerGroupHeartbeatResponse consumer_group_heartbeat;
        ConsumerGroupDescribeResponse consumer_group_describe;
        InitProducerIdResponse |it| top(it.error_code);
        AddPartitionsToTxnResponse add_partitions_to_txn;
        AddOffsetsToTxnResponse |it| top(it.error_code);
        EndTxnResponse |it| top(it.error_code);
        TxnOffsetCommitResponse |it| of_partitions(&it.topics, |topic| {
            let partitions = topic.partitions.iter();
            (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        });
        WriteTxnMarkersResponse write_txn_markers;
        DescribeProducersResponse |it| of_partitions(&it.topics, |topic| {
            let partitions = topic.partitions.iter();
            (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        });
        DescribeTransactionsResponse |it| of(it.transaction_states.iter().map(|it| {
            (it.transactional_id.as_str(), it.error_code)
        }));
        ListTransactionsResponse |it| top(it.error_code);
        DescribeConfigsResponse |it| {
            of(it.results.iter().map(|it| (it.resource_name.as_str(), it.error_code)))
        };
        AlterConfigsResponse |it| {
            of(it.responses.iter().map(|it| (it.resource_name.as_str(), it.error_code)))
        };
        IncrementalAlterConfigsResponse |it| {
            of(it.responses.iter().map(|it| (it.resource_name.as_str(), it.error_code)))
        };
        ListConfigResourcesResponse |it| top(it.error_code);
        DescribeLogDirsResponse |it| top(it.error_code)
            .and(of(it.results.iter().map(|it| (it.log_dir.as_str(), it.error_code))));
        AlterReplicaLogDirsResponse |it| of_partitions(&it.results, |topic| {
            let partitions = topic.partitions.iter();
            (topic.topic_name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        });
        ElectLeadersResponse |it| {
            top(it.error_code).and(of_partitions(&it.replica_election_results, |topic| {
                let partitions = topic.partition_result.iter();
                (topic.topic.to_string(), partitions.map(|it| (it.partition_id, it.error_code)))
            }))
        };
        AlterPartitionReassignmentsResponse |it| {
            top(it.error_code).and(of_partitions(&it.responses, |topic| {
                let partitions = topic.partitions.iter();
                (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
            }))
        };
        ListPartitionReassignmentsResponse |it| top(it.error_code);
        DescribeQuorumResponse |it| top(it.error_code).and(of_partitions(&it.topics, |topic| {
            let partitions = topic.partitions.iter();
            (topic.topic_name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        }));
        DescribeClusterResponse |it| top(it.error_code);
        DescribeTopicPartitionsResponse describe_topic_partitions;
        ApiVersionsResponse |it| top(it.error_code);
    }
    Said::default()
}

/// The outcome of the whole.
fn top(code: i16) -> Said {
    Said::of(code, String::new)
}

/// The outcomes of what is listed.
fn of<Place: Display>(outcomes: impl Iterator<Item = (Place, i16)>) -> Said {
    Said::each(outcomes.map(|(place, code)| (place, code, String::new())))
}

/// The outcomes by partition.
fn of_partitions<'a, Topic, Partitions: Iterator<Item = (i32, i16)>>(
    topics: &'a [Topic],
    read: impl Fn(&'a Topic) -> (String, Partitions),
) -> Said {
    of(topics.iter().flat_map(|topic| {
        let (name, partitions) = read(topic);
        partitions.map(move |(index, code)| (format!("{name}/{index}"), code))
    }))
}

/// A topic by its name, or by its id where a version has no names.
fn named(name: &str, id: uuid::Uuid) -> String {
    if name.is_empty() { id.to_string() } else { name.to_owned() }
}

fn produce(response: &ProduceResponse) -> Said {
    Said::each(response.responses.iter().flat_map(|topic| {
        let name = named(&topic.name, topic.topic_id);
        topic.partition_responses.iter().map(move |it| {
            (format!("{name}/{}", it.index), it.error_code, format!("offset {}", it.base_offset))
        })
    }))
}

fn fetch(response: &FetchResponse) -> Said {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    let bytes: usize = partitions.filter_map(|it| Some(it.records.as_ref()?.len())).sum();
    let whole = Said::of(response.error_code, || format!("{bytes} bytes"));
    whole.and(of(response.responses.iter().flat_map(|topic| {
        let name = named(&topic.topic, topic.topic_id);
        let partitions = topic.partitions.iter();
        partitions.map(move |it| (format!("{name}/{}", it.partition_index), it.error_code))
    })))
}

fn list_offsets(response: &ListOffsetsResponse) -> Said {
    of_partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    })
}

fn metadata(response: &MetadataResponse) -> Said {
    let mut said = top(response.error_code);
    for topic in &response.topics {
        let name = named(topic.name.as_ref().map_or("", |name| name.as_str()), topic.topic_id);
        said = said.and(of([(name.as_str(), topic.error_code)].into_iter()));
        let partitions = topic.partitions.iter();
        said = said.and(of(
            partitions.map(|it| (format!("{name}/{}", it.partition_index), it.error_code))
        ));
    }
    said
}

fn describe_topic_partitions(response: &DescribeTopicPartitionsResponse) -> Said {
    let mut said = Said::default();
    for topic in &response.topics {
        let name = named(topic.name.as_ref().map_or("", |name| name.as_str()), topic.topic_id);
        said = said.and(of([(name.as_str(), topic.error_code)].into_iter()));
        let partitions = topic.partitions.iter();
        said = said.and(of(
            partitions.map(|it| (format!("{name}/{}", it.partition_index), it.error_code))
        ));
    }
    said
}

/// A topic may have been created whose settings are not to be told.
fn create_topics(response: &CreateTopicsResponse) -> Said {
    let created =
        Said::each(response.topics.iter().map(|it| (it.name.as_str(), it.error_code, "ok".into())));
    let untold = response.topics.iter().filter(|it| it.topic_config_error_code != 0);
    let place = |name: &str| format!("settings of {name}");
    created.and(of(untold.map(|it| (place(&it.name), it.topic_config_error_code))))
}

fn join_group(join: &JoinGroupResponse) -> Said {
    let role = if join.leader == join.member_id { "leader" } else { "follower" };
    Said::of(join.error_code, || format!("generation {}, {role}", join.generation_id))
}

/// The first versions tell partitions of one group, the later ones groups.
fn offset_fetch(response: &OffsetFetchResponse) -> Said {
    let of_one = of_partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    });
    let mut said = top(response.error_code).and(of_one);
    for group in &response.groups {
        let partitions = of_partitions(&group.topics, |topic| {
            let partitions = topic.partitions.iter();
            (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        });
        let of_group = top(group.error_code).and(partitions);
        said = said.and(of_group.about(&format!("group {}", group.group_id.as_str())));
    }
    said
}

fn consumer_group_heartbeat(beat: &ConsumerGroupHeartbeatResponse) -> Said {
    Said::of(beat.error_code, || {
        let assigned = beat.assignment.as_ref().map(|assignment| {
            let topics = assignment.topic_partitions.iter();
            topics.map(|topic| topic.partitions.len()).sum::<usize>()
        });
        let assigned = assigned.map_or_else(
            || "no new assignment".to_owned(),
            |partitions| format!("{partitions} partition(s) assigned"),
        );
        format!("member epoch {}, {assigned}", beat.member_epoch)
    })
}

fn consumer_group_describe(described: &ConsumerGroupDescribeResponse) -> Said {
    Said::each(described.groups.iter().map(|group| {
        let (state, epoch) = (group.group_state.as_str(), group.group_epoch);
        let fine = format!("{state}, group epoch {epoch}, {} member(s)", group.members.len());
        (group.group_id.as_str(), group.error_code, fine)
    }))
}

/// From version 4 on the answer is for many transactions.
fn add_partitions_to_txn(response: &AddPartitionsToTxnResponse) -> Said {
    let by_partition =
        |topics: &[add_partitions_to_txn_response::AddPartitionsToTxnTopicResult]| {
            of_partitions(topics, |topic| {
                let partitions = topic.results_by_partition.iter();
                let codes = partitions.map(|it| (it.partition_index, it.partition_error_code));
                (topic.name.to_string(), codes)
            })
        };
    let mut said = top(response.error_code);
    said = said.and(by_partition(&response.results_by_topic_v3_and_below));
    for it in &response.results_by_transaction {
        said = said.and(by_partition(&it.topic_results).about(&it.transactional_id));
    }
    said
}

fn write_txn_markers(response: &WriteTxnMarkersResponse) -> Said {
    let mut said = Said::default();
    for marker in &response.markers {
        let partitions = of_partitions(&marker.topics, |topic| {
            let partitions = topic.partitions.iter();
            (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        });
        said = said.and(partitions.about(&format!("producer {}", marker.producer_id.0)));
    }
    said
}
