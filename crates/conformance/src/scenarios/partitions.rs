//! Adds partitions.

use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::{BrokerId, CreatePartitionsRequest};
use rdkafka::admin::NewPartitions;
use wire_client::requests::{metadata, topic_name};

use crate::failure::Failure;
use crate::names::{name, name_of, names};
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("partitions":
    added,
    added_to_an_unknown_topic,
    as_many_as_there_are,
    fewer_than_there_are,
    none,
    fewer_than_none,
    too_many,
    as_many_as_may_be_added,
    one_more_than_may_be_added,
    too_many_of_two_topics,
    too_many_beside_too_few,
    too_many_of_an_unknown_topic,
    too_many_assigned,
    named_twice,
    only_validated,
    within_no_time,
    assigned,
    assigned_too_few,
    assigned_too_many,
    assigned_to_an_unknown_node,
    assigned_twice_to_one_node,
    assigned_to_no_node,
    assigned_fewer_replicas,
    a_record_goes_to_a_new_one,
);

/// Sends CreatePartitions with librdkafka.
fn grow(scene: &Scene, topic: &str, partitions: usize) -> Outcome {
    let (admin, options) = scene.admin()?;
    let partitions = NewPartitions::new(topic, partitions);
    let results = scene.wait(admin.create_partitions([&partitions], &options))?;
    Ok(match &results[0] {
        Ok(_) => "ok".to_owned(),
        Err((_, code)) => name_of(*code),
    })
}

/// Builds CreatePartitions with the nodes of each new partition.
fn request(topic: &str, count: i32, nodes: Option<&[&[i32]]>) -> CreatePartitionsRequest {
    let of = |nodes: &&[i32]| {
        let nodes = nodes.iter().map(|it| BrokerId(*it)).collect();
        CreatePartitionsAssignment::default().with_broker_ids(nodes)
    };
    let topic = CreatePartitionsTopic::default()
        .with_name(topic_name(topic))
        .with_count(count)
        .with_assignments(nodes.map(|it| it.iter().map(of).collect()));
    CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000)
}

fn answered(scene: &Scene, request: &CreatePartitionsRequest) -> Outcome {
    let answer = scene.node()?.try_call(3, request)?;
    Ok(names(answer.results.iter().map(|it| it.error_code)))
}

/// Returns the response for a topic of two partitions, and these nodes for the new ones.
fn assign(scene: &Scene, count: i32, nodes: &[&[i32]]) -> Outcome {
    answered(scene, &request(&scene.topic(2)?, count, Some(nodes)))
}

fn count(scene: &Scene, topic: &str) -> Result<usize, Failure> {
    let answer = scene.node()?.try_call(12, &metadata(&[topic]))?;
    Ok(answer.topics[0].partitions.len())
}

fn added(scene: &Scene) -> Outcome {
    let topic = scene.topic(2)?;
    let answered = grow(scene, &topic, 5)?;
    scene.wait_for_leaders(&topic, 5)?;
    Ok(format!("{answered}, {} partitions", count(scene, &topic)?))
}

fn added_to_an_unknown_topic(scene: &Scene) -> Outcome {
    answered(scene, &request(&scene.name("topic"), 3, None))
}

fn as_many_as_there_are(scene: &Scene) -> Outcome {
    grow(scene, &scene.topic(2)?, 2)
}

fn fewer_than_there_are(scene: &Scene) -> Outcome {
    grow(scene, &scene.topic(2)?, 1)
}

fn none(scene: &Scene) -> Outcome {
    answered(scene, &request(&scene.topic(1)?, 0, None))
}

fn fewer_than_none(scene: &Scene) -> Outcome {
    answered(scene, &request(&scene.topic(1)?, -1, None))
}

fn too_many(scene: &Scene) -> Outcome {
    let request = request(&scene.topic(1)?, 10_002, None);
    answered(scene, &request.with_validate_only(true))
}

/// Adds partitions to topics of one partition, or only validates the request; returns the errors
/// with their messages.
fn checked(scene: &Scene, counts: &[(String, i32)]) -> Outcome {
    let mut all =
        CreatePartitionsRequest::default().with_timeout_ms(5_000).with_validate_only(true);
    for (topic, count) in counts {
        all.topics.extend(request(topic, *count, None).topics);
    }
    let answer = scene.node()?.try_call(3, &all)?;
    let told = answer.results.iter().map(|it| {
        let message = it.error_message.as_deref().unwrap_or_default();
        let words: Vec<_> = message.split(' ').filter(|it| !it.contains("conformance-")).collect();
        format!("{} {:?}", name(it.error_code), words.join(" "))
    });
    let mut told: Vec<String> = told.collect();
    told.sort_unstable();
    Ok(told.join("; "))
}

fn as_many_as_may_be_added(scene: &Scene) -> Outcome {
    checked(scene, &[(scene.topic(1)?, 10_001)])
}

fn one_more_than_may_be_added(scene: &Scene) -> Outcome {
    checked(scene, &[(scene.topic(1)?, 10_002)])
}

fn too_many_of_two_topics(scene: &Scene) -> Outcome {
    checked(scene, &[(scene.topic(1)?, 5_002), (scene.topic(1)?, 5_002)])
}

fn too_many_beside_too_few(scene: &Scene) -> Outcome {
    checked(scene, &[(scene.topic(1)?, 10_002), (scene.topic(2)?, 1)])
}

fn too_many_of_an_unknown_topic(scene: &Scene) -> Outcome {
    checked(scene, &[(scene.name("none"), 20_000)])
}

fn too_many_assigned(scene: &Scene) -> Outcome {
    assign(scene, 10_002, &[&[1, 2, 3]])
}

fn named_twice(scene: &Scene) -> Outcome {
    let mut request = request(&scene.topic(1)?, 2, None);
    request.topics.push(request.topics[0].clone());
    answered(scene, &request)
}

fn only_validated(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let answered = answered(scene, &request(&topic, 3, None).with_validate_only(true))?;
    Ok(format!("{answered}, {} partitions", count(scene, &topic)?))
}

fn within_no_time(scene: &Scene) -> Outcome {
    answered(scene, &request(&scene.topic(1)?, 3, None).with_timeout_ms(0))
}

fn assigned(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let answered = answered(scene, &request(&topic, 2, Some(&[&[2, 3, 1]])))?;
    scene.wait_for_leaders(&topic, 2)?;
    let known = scene.node()?.try_call(12, &metadata(&[&topic]))?.topics.remove(0).partitions;
    let new = known.iter().find(|it| it.partition_index == 1);
    let new = new.ok_or(Failure::Missing("new partition"))?;
    let nodes: Vec<i32> = new.replica_nodes.iter().map(|it| it.0).collect();
    Ok(format!("{answered}, on {nodes:?}"))
}

fn assigned_too_few(scene: &Scene) -> Outcome {
    assign(scene, 4, &[&[1, 2, 3]])
}

fn assigned_too_many(scene: &Scene) -> Outcome {
    assign(scene, 3, &[&[1, 2, 3], &[2, 3, 1]])
}

fn assigned_to_an_unknown_node(scene: &Scene) -> Outcome {
    assign(scene, 3, &[&[1, 2, 999]])
}

fn assigned_twice_to_one_node(scene: &Scene) -> Outcome {
    assign(scene, 3, &[&[1, 1, 2]])
}

fn assigned_to_no_node(scene: &Scene) -> Outcome {
    assign(scene, 3, &[&[]])
}

fn assigned_fewer_replicas(scene: &Scene) -> Outcome {
    assign(scene, 3, &[&[1]])
}

fn a_record_goes_to_a_new_one(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    grow(scene, &topic, 2)?;
    scene.wait_for_leaders(&topic, 2)?;
    Ok(scene.send(&scene.producer(&[])?, &topic, 1, &["one", "two"]))
}
