//! The parts of a transaction: partitions, offsets of groups, and records.

use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{TransactionalId, TxnOffsetCommitRequest};
use wire_client::batch::Batch;
use wire_client::requests::{group_id, produce, produced, text, topic_name};

use super::stage::{Stage, add_group, commit};
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("fencing":
    added,
    added_twice,
    added_of_an_unknown_topic,
    added_of_one_good_and_one_unknown_partition,
    added_by_a_past_epoch,
    added_by_a_past_epoch_in_an_old_version,
    added_by_another_producer,
    added_nothing,
    added_at_another_node,
    offsets_added,
    offsets_added_by_a_past_epoch,
    offsets_added_of_a_group_without_a_name,
    offsets_committed,
    offsets_committed_without_being_added,
    offsets_committed_by_a_past_epoch,
    offsets_committed_by_an_unknown_member,
    offsets_committed_of_an_unknown_topic,
    offsets_committed_with_too_much_metadata,
    offsets_committed_at_another_node,
    written,
    written_without_being_added,
    written_by_a_past_epoch,
    written_by_a_future_epoch,
    written_without_the_name,
    written_outside_of_a_transaction,
    written_by_another_name,
);

fn added(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let topic = stage.topic.clone();
    stage.transactional.add(3, stage.producer, &[(&topic, &[0, 1])])
}

fn added_twice(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    stage.add(3, stage.producer)
}

fn added_of_an_unknown_topic(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    stage.transactional.add(3, stage.producer, &[(&scene.name("unknown"), &[0])])
}

fn added_of_one_good_and_one_unknown_partition(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let topic = stage.topic.clone();
    stage.transactional.add(3, stage.producer, &[(&topic, &[0, 7])])
}

fn added_by_a_past_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.add(3, stage.past())
}

fn added_by_a_past_epoch_in_an_old_version(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.add(1, stage.past())
}

fn added_by_another_producer(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    stage.add(3, (stage.producer.0 + 900_000_000, stage.producer.1))
}

fn added_nothing(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let added = stage.transactional.add(3, stage.producer, &[])?;
    Ok(format!("{added:?}, end {}", stage.transactional.end(3, stage.producer, true)?))
}

fn added_at_another_node(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let other = scene.elsewhere(stage.transactional.coordinator.address())?;
    stage.transactional.coordinator = other;
    stage.add(3, stage.producer)
}

fn offsets_added(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let producer = stage.producer;
    add_group(&mut stage, producer, &scene.group())
}

fn offsets_added_by_a_past_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    let past = stage.past();
    add_group(&mut stage, past, &scene.group())
}

fn offsets_added_of_a_group_without_a_name(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let producer = stage.producer;
    add_group(&mut stage, producer, "")
}

fn offsets_committed(scene: &Scene) -> Outcome {
    commit(scene, true, |_| ())
}

fn offsets_committed_without_being_added(scene: &Scene) -> Outcome {
    commit(scene, false, |_| ())
}

fn offsets_committed_by_a_past_epoch(scene: &Scene) -> Outcome {
    commit(scene, true, |it| it.producer_epoch -= 1)
}

fn offsets_committed_by_an_unknown_member(scene: &Scene) -> Outcome {
    commit(scene, true, |it| {
        it.member_id = text("stranger");
        it.generation_id = 1;
    })
}

fn offsets_committed_of_an_unknown_topic(scene: &Scene) -> Outcome {
    commit(scene, true, |it| it.topics[0].name = topic_name(&scene.name("unknown")))
}

fn offsets_committed_with_too_much_metadata(scene: &Scene) -> Outcome {
    commit(scene, true, |it| {
        it.topics[0].partitions[0].committed_metadata = Some(text(&"x".repeat(4_097)));
    })
}

fn offsets_committed_at_another_node(scene: &Scene) -> Outcome {
    let group = scene.group();
    let node = scene.coordinator(&group)?;
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(topic_name(&scene.topic(1)?))
        .with_partitions(vec![TxnOffsetCommitRequestPartition::default()]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(text(&scene.name("id"))))
        .with_group_id(group_id(&group))
        .with_topics(vec![topic]);
    let answer = scene.elsewhere(node.address())?.try_call(3, &request)?;
    Ok(name(answer.topics[0].partitions[0].error_code))
}

fn written(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let id = stage.transactional.id.clone();
    stage.write(stage.producer, Some(&id))
}

fn written_without_being_added(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let id = stage.transactional.id.clone();
    stage.write(stage.producer, Some(&id))
}

fn written_by_a_past_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.add(3, stage.producer)?;
    let id = stage.transactional.id.clone();
    let now = stage.write(stage.producer, Some(&id))?;
    Ok(format!("{now}, then {}", stage.write(stage.past(), Some(&id))?))
}

fn written_by_a_future_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let id = stage.transactional.id.clone();
    stage.write((stage.producer.0, stage.producer.1 + 1), Some(&id))
}

fn written_without_the_name(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    stage.write(stage.producer, None)
}

fn written_outside_of_a_transaction(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let batch = Batch::of(&["one"]).from_producer(stage.producer.0, stage.producer.1, 0);
    let request = produce(&stage.topic, 0, -1, batch.encode());
    let answer = stage.leader.try_call(9, &request)?;
    Ok(name(produced(&answer).error_code))
}

fn written_by_another_name(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    stage.write(stage.producer, Some(&scene.name("another-id")))
}
