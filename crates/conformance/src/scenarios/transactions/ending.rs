//! Transactions that are committed, aborted, left open, or fenced.

use std::time::Duration;

use rdkafka::consumer::{Consumer, ConsumerGroupMetadata};
use rdkafka::producer::Producer;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use wire_client::raw::RawClient;
use wire_client::requests::fetch;

use super::open::{Open, wait_for_the_end};
use crate::client::{PATIENCE, Sender};
use crate::failure::Failure;
use crate::names::transaction_result;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("transactions":
    committed,
    aborted,
    aborted_then_committed,
    committed_on_two_partitions,
    open,
    open_and_read_without_isolation,
    end_of_an_open_one,
    end_of_a_committed_one,
    aborted_ones_are_named_in_a_fetch,
    committed_without_records,
    ten_in_a_row,
    begun_before_the_producer_is_ready,
    begun_twice,
    committed_without_a_beginning,
    aborted_without_a_beginning,
    sent_without_a_beginning,
    with_a_record_that_is_too_large,
    with_too_long_a_timeout,
    taken_over,
    taken_over_while_open,
    offsets_committed,
    offsets_aborted,
    offsets_of_an_unknown_group_member,
);

fn committed(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    let ended = transaction_result(&open.producer.commit_transaction(PATIENCE));
    wait_for_the_end(scene, &open, 2)?;
    Ok(format!("{ended}: {}", open.read(scene)?))
}

fn aborted(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    let ended = transaction_result(&open.producer.abort_transaction(PATIENCE));
    wait_for_the_end(scene, &open, 2)?;
    Ok(format!("{ended}: {}", open.read(scene)?))
}

fn aborted_then_committed(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    open.producer.abort_transaction(PATIENCE)?;
    open.producer.begin_transaction()?;
    let sent = scene.send(&open.producer, &open.topic, 0, &["two"]);
    open.producer.commit_transaction(PATIENCE)?;
    wait_for_the_end(scene, &open, 4)?;
    Ok(format!("{sent}: {}", open.read(scene)?))
}

fn committed_on_two_partitions(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    scene.send(&open.producer, &open.topic, 1, &["two"]);
    open.producer.commit_transaction(PATIENCE)?;
    let mut seen = Vec::new();
    for partition in [0, 1] {
        let values = scene.until("the partition has the marker", || {
            let values = scene.values(&open.topic, partition, "read_committed")?;
            Ok(Some(values).filter(|it| it != "nothing"))
        })?;
        seen.push(values);
    }
    Ok(seen.join("; "))
}

fn open(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    scene.values(&open.topic, 0, "read_committed")
}

fn open_and_read_without_isolation(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    scene.values(&open.topic, 0, "read_uncommitted")
}

/// Returns the high watermark and the last stable offset of partition 0, and the number of aborted
/// transactions.
fn ends(leader: &mut RawClient, topic: &str) -> Outcome {
    let answer = leader.try_call(12, &fetch(topic, 0, 0).with_isolation_level(1))?;
    let of = &answer.responses[0].partitions[0];
    let aborted = of.aborted_transactions.as_ref().map_or(0, Vec::len);
    Ok(format!("end {}, stable {}, {aborted} aborted", of.high_watermark, of.last_stable_offset))
}

fn end_of_an_open_one(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    ends(&mut scene.leader(&open.topic, 0)?, &open.topic)
}

fn end_of_a_committed_one(scene: &Scene) -> Outcome {
    let open = Open::committed(scene)?;
    wait_for_the_end(scene, &open, 2)?;
    ends(&mut scene.leader(&open.topic, 0)?, &open.topic)
}

fn aborted_ones_are_named_in_a_fetch(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    open.producer.abort_transaction(PATIENCE)?;
    wait_for_the_end(scene, &open, 2)?;
    ends(&mut scene.leader(&open.topic, 0)?, &open.topic)
}

fn committed_without_records(scene: &Scene) -> Outcome {
    let producer = scene.transactional(&scene.name("id"))?;
    producer.begin_transaction()?;
    Ok(transaction_result(&producer.commit_transaction(PATIENCE)))
}

fn ten_in_a_row(scene: &Scene) -> Outcome {
    let open = Open::committed(scene)?;
    for _ in 0..9 {
        open.producer.begin_transaction()?;
        scene.send(&open.producer, &open.topic, 0, &["more"]);
        open.producer.commit_transaction(PATIENCE)?;
    }
    wait_for_the_end(scene, &open, 20)?;
    ends(&mut scene.leader(&open.topic, 0)?, &open.topic)
}

fn begun_before_the_producer_is_ready(scene: &Scene) -> Outcome {
    let producer = scene.producer(&[("transactional.id", &scene.name("id"))])?;
    Ok(transaction_result(&producer.begin_transaction()))
}

fn begun_twice(scene: &Scene) -> Outcome {
    let producer = scene.transactional(&scene.name("id"))?;
    producer.begin_transaction()?;
    Ok(transaction_result(&producer.begin_transaction()))
}

fn committed_without_a_beginning(scene: &Scene) -> Outcome {
    let producer = scene.transactional(&scene.name("id"))?;
    Ok(transaction_result(&producer.commit_transaction(PATIENCE)))
}

fn aborted_without_a_beginning(scene: &Scene) -> Outcome {
    let producer = scene.transactional(&scene.name("id"))?;
    Ok(transaction_result(&producer.abort_transaction(PATIENCE)))
}

fn sent_without_a_beginning(scene: &Scene) -> Outcome {
    let producer = scene.transactional(&scene.name("id"))?;
    Ok(scene.send(&producer, &scene.topic(1)?, 0, &["one"]))
}

fn with_a_record_that_is_too_large(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 3, &[("max.message.bytes", "1000")])?;
    let producer = scene.transactional(&scene.name("id"))?;
    producer.begin_transaction()?;
    let sent = scene.send(&producer, &topic, 0, &[&"x".repeat(2_000)]);
    let committed = transaction_result(&producer.commit_transaction(PATIENCE));
    let aborted = transaction_result(&producer.abort_transaction(PATIENCE));
    Ok(format!("{sent}; {committed}; {aborted}"))
}

fn with_too_long_a_timeout(scene: &Scene) -> Outcome {
    let id = scene.name("id");
    let settings = [("transactional.id", id.as_str()), ("transaction.timeout.ms", "900001")];
    let producer = scene.producer(&settings)?;
    Ok(transaction_result(&producer.init_transactions(PATIENCE)))
}

fn taken_over(scene: &Scene) -> Outcome {
    let open = Open::committed(scene)?;
    scene.transactional(&open.id)?;
    open.producer.begin_transaction()?;
    let sent = scene.send(&open.producer, &open.topic, 0, &["two"]);
    Ok(format!("{sent}; {}", transaction_result(&open.producer.commit_transaction(PATIENCE))))
}

fn taken_over_while_open(scene: &Scene) -> Outcome {
    let open = Open::new(scene)?;
    scene.transactional(&open.id)?;
    let ended = transaction_result(&open.producer.commit_transaction(PATIENCE));
    wait_for_the_end(scene, &open, 2)?;
    Ok(format!("{ended}: {}", open.read(scene)?))
}

/// Ends a transaction that commits offset 7 of a group; returns the result, and the group's offset.
fn offsets_in(scene: &Scene, end: impl FnOnce(&Sender) -> String) -> Outcome {
    let (topic, group) = (scene.topic(1)?, scene.group());
    let producer = scene.transactional(&scene.name("id"))?;
    let consumer = scene.consumer(&group, &[])?;
    let metadata = consumer.group_metadata().ok_or(Failure::Missing("group"))?;
    producer.begin_transaction()?;
    send_offset(&producer, &topic, &metadata)?;
    let ended = end(&producer);
    let mut list = TopicPartitionList::new();
    list.add_partition(&topic, 0);
    let found = scene.until("the offset is stable", || {
        Ok(consumer.committed_offsets(list.clone(), Duration::from_secs(2)).ok())
    })?;
    let found = found.elements().first().map(TopicPartitionListElem::offset);
    Ok(format!("{ended}: {found:?}"))
}

fn send_offset(
    producer: &Sender,
    topic: &str,
    group: &ConsumerGroupMetadata,
) -> Result<(), Failure> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(7))?;
    Ok(producer.send_offsets_to_transaction(&list, group, PATIENCE)?)
}

fn offsets_committed(scene: &Scene) -> Outcome {
    offsets_in(scene, |it| transaction_result(&it.commit_transaction(PATIENCE)))
}

fn offsets_aborted(scene: &Scene) -> Outcome {
    offsets_in(scene, |it| transaction_result(&it.abort_transaction(PATIENCE)))
}

fn offsets_of_an_unknown_group_member(scene: &Scene) -> Outcome {
    let (topic, group) = (scene.topic(1)?, scene.group());
    let consumer = scene.consumer(&group, &[])?;
    consumer.subscribe(&[&topic])?;
    scene.until("the member has its partition", || {
        consumer.poll(Duration::from_millis(20));
        Ok((consumer.assignment()?.count() == 1).then_some(()))
    })?;
    let metadata = consumer.group_metadata().ok_or(Failure::Missing("group"))?;
    consumer.unsubscribe();
    scene.until("the member has left", || {
        consumer.poll(Duration::from_millis(20));
        let mut node = scene.coordinator(&group)?;
        let answer = node.try_call(5, &wire_client::requests::describe_group(&group))?;
        Ok(answer.groups[0].members.is_empty().then_some(()))
    })?;
    let producer = scene.transactional(&scene.name("id"))?;
    producer.begin_transaction()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(7))?;
    Ok(transaction_result(&producer.send_offsets_to_transaction(&list, &metadata, PATIENCE)))
}
