//! Creates and deletes topics: which requests are rejected, and with which error.

use kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::{BrokerId, CreateTopicsRequest, DeleteTopicsRequest};
use rdkafka::admin::{NewTopic, TopicReplication};
use uuid::Uuid;
use wire_client::requests::{create_topic, metadata, topic_name};

use crate::failure::Failure;
use crate::names::{name, name_of, names};
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("topics":
    created,
    created_with_the_brokers_defaults,
    existing,
    no_partitions,
    fewer_than_no_partitions,
    no_replicas,
    fewer_than_no_replicas,
    more_replicas_than_nodes,
    more_partitions_than_one_request_may_ask_for,
    name_empty,
    name_dot,
    name_dot_dot,
    name_of_250_characters,
    name_of_249_characters,
    name_with_a_slash,
    name_with_a_space,
    name_with_an_umlaut,
    name_that_differs_in_dot_and_underscore,
    internal_name,
    named_twice_in_one_request,
    one_good_one_bad,
    none_at_all,
    only_validated,
    only_validated_and_existing,
    within_no_time,
    within_less_than_no_time,
    invalid_within_no_time,
    assigned,
    assigned_twice_to_one_node,
    assigned_to_an_unknown_node,
    assigned_to_no_node,
    assigned_unevenly,
    assigned_with_a_gap,
    assigned_and_counted,
    deleted,
    deleted_unknown,
    deleted_twice,
    deleted_by_id,
    deleted_by_unknown_id,
    deleted_by_name_and_id,
    deleted_by_neither_name_nor_id,
    deleted_named_twice,
    deleted_within_no_time,
    deleted_and_created_again,
);

/// Sends CreateTopics for one topic with librdkafka.
fn create(scene: &Scene, topic: &str, partitions: i32, replicas: i32) -> Outcome {
    scene.delete_later(topic);
    let (admin, options) = scene.admin()?;
    let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(replicas));
    let results = scene.wait(admin.create_topics(&[topic], &options))?;
    Ok(match &results[0] {
        Ok(_) => "ok".to_owned(),
        Err((_, code)) => name_of(*code),
    })
}

/// Sends CreateTopics, and returns the errors of all topics, sorted by name.
fn answered(scene: &Scene, request: &CreateTopicsRequest) -> Outcome {
    for topic in &request.topics {
        scene.delete_later(topic.name.as_str());
    }
    let mut answer = scene.node()?.try_call(7, request)?;
    answer.topics.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(names(answer.topics.iter().map(|it| it.error_code)))
}

/// Sends CreateTopics with counts that librdkafka would not send.
fn counted(scene: &Scene, partitions: i32, replicas: i16) -> Outcome {
    answered(scene, &create_topic(&scene.name("topic"), partitions, replicas, &[]))
}

fn created(scene: &Scene) -> Outcome {
    create(scene, &scene.name("topic"), 3, 3)
}

fn created_with_the_brokers_defaults(scene: &Scene) -> Outcome {
    let topic = scene.topic_name("topic");
    let answer = scene.node()?.try_call(7, &create_topic(&topic, -1, -1, &[]))?;
    let created = &answer.topics[0];
    let (error, partitions) = (name(created.error_code), created.num_partitions);
    Ok(format!("{error}, {partitions} partitions, {} replicas", created.replication_factor))
}

fn existing(scene: &Scene) -> Outcome {
    create(scene, &scene.topic(1)?, 1, 1)
}

fn no_partitions(scene: &Scene) -> Outcome {
    counted(scene, 0, 1)
}

fn fewer_than_no_partitions(scene: &Scene) -> Outcome {
    counted(scene, -2, 1)
}

fn no_replicas(scene: &Scene) -> Outcome {
    counted(scene, 1, 0)
}

fn fewer_than_no_replicas(scene: &Scene) -> Outcome {
    counted(scene, 1, -2)
}

fn more_replicas_than_nodes(scene: &Scene) -> Outcome {
    create(scene, &scene.name("topic"), 1, 4)
}

fn more_partitions_than_one_request_may_ask_for(scene: &Scene) -> Outcome {
    let request = create_topic(&scene.name("topic"), 10_001, 1, &[]);
    answered(scene, &request.with_validate_only(true))
}

fn name_empty(scene: &Scene) -> Outcome {
    answered(scene, &create_topic("", 1, 1, &[]))
}

fn name_dot(scene: &Scene) -> Outcome {
    create(scene, ".", 1, 1)
}

fn name_dot_dot(scene: &Scene) -> Outcome {
    create(scene, "..", 1, 1)
}

/// Pads a name to a length.
fn long(scene: &Scene, length: usize) -> String {
    format!("{:x<length$}", scene.name("long"))
}

fn name_of_250_characters(scene: &Scene) -> Outcome {
    create(scene, &long(scene, 250), 1, 1)
}

fn name_of_249_characters(scene: &Scene) -> Outcome {
    create(scene, &long(scene, 249), 1, 1)
}

fn name_with_a_slash(scene: &Scene) -> Outcome {
    create(scene, &scene.name("a/b"), 1, 1)
}

fn name_with_a_space(scene: &Scene) -> Outcome {
    create(scene, &scene.name("a b"), 1, 1)
}

fn name_with_an_umlaut(scene: &Scene) -> Outcome {
    create(scene, &scene.name("Flughäfen"), 1, 1)
}

fn name_that_differs_in_dot_and_underscore(scene: &Scene) -> Outcome {
    let dotted = create(scene, &scene.name("a.b"), 1, 1)?;
    Ok(format!("{dotted}, {}", create(scene, &scene.name("a_b"), 1, 1)?))
}

fn internal_name(scene: &Scene) -> Outcome {
    let request = create_topic("__consumer_offsets", 1, 1, &[]);
    Ok(name(scene.node()?.try_call(7, &request)?.topics[0].error_code))
}

fn named_twice_in_one_request(scene: &Scene) -> Outcome {
    let mut request = create_topic(&scene.name("topic"), 1, 1, &[]);
    request.topics.push(request.topics[0].clone());
    answered(scene, &request)
}

fn one_good_one_bad(scene: &Scene) -> Outcome {
    let mut request = create_topic(&scene.name("a-good"), 1, 1, &[]);
    let bad = create_topic(&scene.name("b-bad"), 0, 1, &[]);
    request.topics.extend(bad.topics);
    answered(scene, &request)
}

fn none_at_all(scene: &Scene) -> Outcome {
    let answer =
        scene.node()?.try_call(7, &CreateTopicsRequest::default().with_timeout_ms(5_000))?;
    Ok(format!("{} answers", answer.topics.len()))
}

/// Returns the error of a topic in Metadata.
fn known(scene: &Scene, topic: &str) -> Outcome {
    Ok(name(scene.node()?.try_call(12, &metadata(&[topic]))?.topics[0].error_code))
}

fn only_validated(scene: &Scene) -> Outcome {
    let topic = scene.name("topic");
    let request = create_topic(&topic, 2, 3, &[]).with_validate_only(true);
    Ok(format!("{}, then {}", answered(scene, &request)?, known(scene, &topic)?))
}

fn only_validated_and_existing(scene: &Scene) -> Outcome {
    let request = create_topic(&scene.topic(1)?, 2, 3, &[]);
    answered(scene, &request.with_validate_only(true))
}

fn within_no_time(scene: &Scene) -> Outcome {
    let topic = scene.name("topic");
    answered(scene, &create_topic(&topic, 1, 3, &[]).with_timeout_ms(0))
}

fn within_less_than_no_time(scene: &Scene) -> Outcome {
    answered(scene, &create_topic(&scene.name("topic"), 1, 3, &[]).with_timeout_ms(-1))
}

fn invalid_within_no_time(scene: &Scene) -> Outcome {
    answered(scene, &create_topic(&scene.name("a/b"), 1, 3, &[]).with_timeout_ms(0))
}

/// Builds CreateTopics with the nodes of each partition.
fn assignment(scene: &Scene, partitions: &[(i32, &[i32])]) -> CreateTopicsRequest {
    let mut request = create_topic(&scene.name("topic"), -1, -1, &[]);
    let of = |(index, nodes): &(i32, &[i32])| {
        CreatableReplicaAssignment::default()
            .with_partition_index(*index)
            .with_broker_ids(nodes.iter().map(|it| BrokerId(*it)).collect())
    };
    request.topics[0].assignments = partitions.iter().map(of).collect();
    request
}

fn assigned(scene: &Scene) -> Outcome {
    let request = assignment(scene, &[(0, &[3, 1]), (1, &[2, 3])]);
    let answered = answered(scene, &request)?;
    let topic = request.topics[0].name.to_string();
    scene.wait_for_leaders(&topic, 2)?;
    let mut known = scene.node()?.try_call(12, &metadata(&[&topic]))?.topics.remove(0).partitions;
    known.sort_by_key(|it| it.partition_index);
    let leaders: Vec<i32> = known.iter().map(|it| it.leader_id.0).collect();
    Ok(format!("{answered}, led by {leaders:?}"))
}

fn assigned_twice_to_one_node(scene: &Scene) -> Outcome {
    answered(scene, &assignment(scene, &[(0, &[1, 1])]))
}

fn assigned_to_an_unknown_node(scene: &Scene) -> Outcome {
    answered(scene, &assignment(scene, &[(0, &[999])]))
}

fn assigned_to_no_node(scene: &Scene) -> Outcome {
    answered(scene, &assignment(scene, &[(0, &[])]))
}

fn assigned_unevenly(scene: &Scene) -> Outcome {
    answered(scene, &assignment(scene, &[(0, &[1, 2]), (1, &[3])]))
}

fn assigned_with_a_gap(scene: &Scene) -> Outcome {
    answered(scene, &assignment(scene, &[(0, &[1]), (2, &[1])]))
}

fn assigned_and_counted(scene: &Scene) -> Outcome {
    let mut request = assignment(scene, &[(0, &[1])]);
    request.topics[0].num_partitions = 1;
    answered(scene, &request)
}

/// Sends DeleteTopics for one topic with librdkafka.
fn delete(scene: &Scene, topic: &str) -> Outcome {
    let (admin, options) = scene.admin()?;
    let results = scene.wait(admin.delete_topics(&[topic], &options))?;
    Ok(match &results[0] {
        Ok(_) => "ok".to_owned(),
        Err((_, code)) => name_of(*code),
    })
}

fn wait_until_gone(scene: &Scene, topic: &str) -> Result<(), Failure> {
    scene.until("the topic is gone", || {
        Ok((known(scene, topic)? == "UNKNOWN_TOPIC_OR_PARTITION").then_some(()))
    })
}

fn deleted(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let answered = delete(scene, &topic)?;
    wait_until_gone(scene, &topic).map(|()| answered)
}

fn deleted_unknown(scene: &Scene) -> Outcome {
    delete(scene, &scene.name("topic"))
}

fn deleted_twice(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    Ok(format!("{}, {}", delete(scene, &topic)?, delete(scene, &topic)?))
}

/// Sends DeleteTopics for a topic by name, by id, by both, or by neither.
fn delete_by(scene: &Scene, name: Option<&str>, id: Uuid) -> Outcome {
    let state = DeleteTopicState::default().with_topic_id(id).with_name(name.map(topic_name));
    let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(5_000);
    let answer = scene.node()?.try_call(6, &request)?;
    Ok(names(answer.responses.iter().map(|it| it.error_code)))
}

fn id_of(scene: &Scene, topic: &str) -> Result<Uuid, Failure> {
    Ok(scene.node()?.try_call(12, &metadata(&[topic]))?.topics[0].topic_id)
}

fn deleted_by_id(scene: &Scene) -> Outcome {
    let id = id_of(scene, &scene.topic(1)?)?;
    delete_by(scene, None, id)
}

fn deleted_by_unknown_id(scene: &Scene) -> Outcome {
    delete_by(scene, None, Uuid::new_v4())
}

fn deleted_by_name_and_id(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let id = id_of(scene, &topic)?;
    delete_by(scene, Some(&topic), id)
}

fn deleted_by_neither_name_nor_id(scene: &Scene) -> Outcome {
    delete_by(scene, None, Uuid::nil())
}

fn deleted_named_twice(scene: &Scene) -> Outcome {
    let topic = topic_name(&scene.topic(1)?);
    let request = DeleteTopicsRequest::default().with_topic_names(vec![topic.clone(), topic]);
    let answer = scene.node()?.try_call(5, &request.with_timeout_ms(5_000))?;
    Ok(names(answer.responses.iter().map(|it| it.error_code)))
}

fn deleted_within_no_time(scene: &Scene) -> Outcome {
    let topic = topic_name(&scene.topic(1)?);
    let request = DeleteTopicsRequest::default().with_topic_names(vec![topic]);
    let answer = scene.node()?.try_call(5, &request.with_timeout_ms(0))?;
    Ok(names(answer.responses.iter().map(|it| it.error_code)))
}

fn deleted_and_created_again(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let before = id_of(scene, &topic)?;
    delete(scene, &topic)?;
    wait_until_gone(scene, &topic)?;
    let created = create(scene, &topic, 1, 1)?;
    scene.wait_for_leaders(&topic, 1)?;
    let same = id_of(scene, &topic)? == before;
    Ok(format!("{created}, {} id", if same { "the same" } else { "another" }))
}
