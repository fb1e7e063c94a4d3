//! Describes the controllers' quorum (DescribeQuorum, KIP-595).

use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse};
use wire_client::requests::topic_name;

use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("quorum":
    described,
    described_by_all_versions,
    asked_of_each_node,
    of_another_topic,
    of_another_partition,
    of_two_partitions,
    of_two_topics,
    of_no_topics,
    of_no_partitions,
);

/// The topic of the controllers' log.
const METADATA: &str = "__cluster_metadata";

fn asked(topics: &[(&str, &[i32])]) -> DescribeQuorumRequest {
    let topic = |(topic, partitions): &(&str, &[i32])| {
        let partition = |index: &i32| PartitionData::default().with_partition_index(*index);
        TopicData::default()
            .with_topic_name(topic_name(topic))
            .with_partitions(partitions.iter().map(partition).collect())
    };
    DescribeQuorumRequest::default().with_topics(topics.iter().map(topic).collect())
}

/// Formats errors by topic and partition, and the parts of the quorum's state that do not vary.
fn told(answer: &DescribeQuorumResponse) -> String {
    let mut told = vec![name(answer.error_code)];
    for topic in &answer.topics {
        for it in &topic.partitions {
            let mut voters: Vec<i32> = it.current_voters.iter().map(|it| it.replica_id.0).collect();
            voters.sort_unstable();
            let leads = voters.contains(&it.leader_id.0);
            let caught_up = it.current_voters.iter().filter(|it| it.last_caught_up_timestamp > 0);
            let fetches = it.current_voters.iter().filter(|it| it.last_fetch_timestamp > 0);
            told.push(format!(
                "{} {}: {}, voters {voters:?}, one of them leads: {leads}, epoch {}, high watermark {}, \
                 {} have fetched, {} caught up, {} observers",
                topic.topic_name.as_str(),
                it.partition_index,
                name(it.error_code),
                if it.leader_epoch > 0 { "known" } else { "none" },
                if it.high_watermark > 0 { "known" } else { "none" },
                fetches.count(),
                caught_up.count(),
                it.observers.len(),
            ));
        }
    }
    let listeners = answer.nodes.iter().flat_map(|it| &it.listeners);
    let mut listeners: Vec<&str> = listeners.map(|it| it.name.as_str()).collect();
    listeners.dedup();
    told.push(format!("{} nodes {listeners:?}", answer.nodes.len()));
    told.join("; ")
}

fn of(scene: &Scene, version: i16, topics: &[(&str, &[i32])]) -> Outcome {
    Ok(told(&scene.node()?.try_call(version, &asked(topics))?))
}

fn described(scene: &Scene) -> Outcome {
    of(scene, 2, &[(METADATA, &[0])])
}

fn described_by_all_versions(scene: &Scene) -> Outcome {
    let all: Result<Vec<_>, _> = (0..=2).map(|it| of(scene, it, &[(METADATA, &[0])])).collect();
    Ok(all?.join(" | "))
}

/// Checks that every node describes the same quorum.
fn asked_of_each_node(scene: &Scene) -> Outcome {
    let mut leaders = Vec::new();
    for address in scene.bootstrap_servers().split(',') {
        let mut node = wire_client::raw::RawClient::try_connect(address)?;
        let answer = node.try_call(2, &asked(&[(METADATA, &[0])]))?;
        leaders.push(answer.topics[0].partitions[0].leader_id.0);
    }
    leaders.dedup();
    Ok(format!("{} leader", leaders.len()))
}

fn of_another_topic(scene: &Scene) -> Outcome {
    of(scene, 2, &[(&scene.topic(1)?, &[0])]).map(|it| it.replace(&scene.name("topic-0"), "topic"))
}

fn of_another_partition(scene: &Scene) -> Outcome {
    of(scene, 2, &[(METADATA, &[1])])
}

fn of_two_partitions(scene: &Scene) -> Outcome {
    of(scene, 2, &[(METADATA, &[0, 1])])
}

fn of_two_topics(scene: &Scene) -> Outcome {
    of(scene, 2, &[(METADATA, &[0]), ("another", &[0])])
}

fn of_no_topics(scene: &Scene) -> Outcome {
    of(scene, 2, &[])
}

fn of_no_partitions(scene: &Scene) -> Outcome {
    of(scene, 2, &[(METADATA, &[])])
}
