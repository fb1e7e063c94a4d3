//! Producers with an id: sequence numbers, and the response to a repeated batch.

use kafka_protocol::messages::InitProducerIdRequest;
use wire_client::batch::Batch;
use wire_client::raw::RawClient;
use wire_client::requests::{produce, produced};

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("idempotence":
    in_order,
    again,
    again_after_another,
    again_the_fifth_last,
    again_the_sixth_last,
    a_gap,
    the_first_is_not_0,
    an_epoch_of_its_past,
    an_epoch_of_its_future,
    an_epoch_of_its_future_not_from_0,
    an_id_that_nobody_has,
    a_negative_epoch,
    a_negative_sequence,
    two_partitions,
    the_sequence_starts_over,
    ids_are_different,
    an_id_with_a_timeout,
    by_a_client,
);

/// A producer id, and the leader to which it writes.
struct Writer {
    leader: RawClient,
    topic: String,
    id: i64,
    outcomes: Vec<String>,
}

impl Writer {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let topic = scene.topic(1)?;
        let leader = scene.leader(&topic, 0)?;
        Ok(Self { leader, topic, id: new_id(scene)?, outcomes: Vec::new() })
    }

    /// Writes a batch with this epoch and first sequence number.
    fn write(&mut self, epoch: i16, sequence: i32, values: &[&str]) -> Result<(), Failure> {
        let batch = Batch::of(values).from_producer(self.id, epoch, sequence).encode();
        let answer = self.leader.try_call(9, &produce(&self.topic, 0, -1, batch))?;
        let answer = produced(&answer);
        self.outcomes.push(format!("{} at {}", name(answer.error_code), answer.base_offset));
        Ok(())
    }
}

fn new_id(scene: &Scene) -> Result<i64, Failure> {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(i32::MAX);
    // Right after its start, a node may have no producer ids yet.
    scene.until("there is a producer id", || {
        let answer = scene.node()?.try_call(4, &request)?;
        Ok((answer.error_code == 0).then_some(answer.producer_id.0))
    })
}

/// Returns the responses to these batches of one record, by epoch and sequence number.
fn written(scene: &Scene, batches: &[(i16, i32)]) -> Outcome {
    let mut writer = Writer::new(scene)?;
    for (epoch, sequence) in batches {
        writer.write(*epoch, *sequence, &["one"])?;
    }
    Ok(writer.outcomes.join(", "))
}

fn in_order(scene: &Scene) -> Outcome {
    let mut writer = Writer::new(scene)?;
    writer.write(0, 0, &["one", "two"])?;
    writer.write(0, 2, &["three"])?;
    Ok(writer.outcomes.join(", "))
}

fn again(scene: &Scene) -> Outcome {
    written(scene, &[(0, 0), (0, 0)])
}

fn again_after_another(scene: &Scene) -> Outcome {
    written(scene, &[(0, 0), (0, 1), (0, 0)])
}

fn again_the_fifth_last(scene: &Scene) -> Outcome {
    written(scene, &[(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (0, 0)])
}

fn again_the_sixth_last(scene: &Scene) -> Outcome {
    written(scene, &[(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 0)])
}

fn a_gap(scene: &Scene) -> Outcome {
    written(scene, &[(0, 0), (0, 2), (0, 1)])
}

fn the_first_is_not_0(scene: &Scene) -> Outcome {
    written(scene, &[(0, 7), (0, 8)])
}

fn an_epoch_of_its_past(scene: &Scene) -> Outcome {
    written(scene, &[(3, 0), (2, 0)])
}

fn an_epoch_of_its_future(scene: &Scene) -> Outcome {
    written(scene, &[(0, 0), (1, 0), (0, 1)])
}

fn an_epoch_of_its_future_not_from_0(scene: &Scene) -> Outcome {
    written(scene, &[(0, 0), (1, 1)])
}

fn an_id_that_nobody_has(scene: &Scene) -> Outcome {
    let mut writer = Writer::new(scene)?;
    writer.id += 900_000_000;
    writer.write(0, 0, &["one"])?;
    Ok(writer.outcomes.join(", "))
}

fn a_negative_epoch(scene: &Scene) -> Outcome {
    written(scene, &[(-1, 0)])
}

fn a_negative_sequence(scene: &Scene) -> Outcome {
    written(scene, &[(0, -1)])
}

fn two_partitions(scene: &Scene) -> Outcome {
    let topic = scene.topic(2)?;
    let id = new_id(scene)?;
    let mut outcomes = Vec::new();
    for partition in [0, 1] {
        let batch = Batch::of(&["one"]).from_producer(id, 0, 0).encode();
        let request = produce(&topic, partition, -1, batch);
        let answer = scene.leader(&topic, partition)?.try_call(9, &request)?;
        outcomes.push(format!(
            "{} at {}",
            name(produced(&answer).error_code),
            produced(&answer).base_offset
        ));
    }
    Ok(outcomes.join(", "))
}

fn the_sequence_starts_over(scene: &Scene) -> Outcome {
    written(scene, &[(0, i32::MAX - 1), (0, i32::MAX), (0, 0)])
}

fn ids_are_different(scene: &Scene) -> Outcome {
    Ok((new_id(scene)? != new_id(scene)?).to_string())
}

fn an_id_with_a_timeout(scene: &Scene) -> Outcome {
    let request =
        InitProducerIdRequest::default().with_transactional_id(None).with_transaction_timeout_ms(0);
    let answer = scene.node()?.try_call(4, &request)?;
    Ok(format!("{}, epoch {}", name(answer.error_code), answer.producer_epoch))
}

fn by_a_client(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let producer = scene.producer(&[("enable.idempotence", "true")])?;
    let first = scene.send(&producer, &topic, 0, &["one", "two"]);
    Ok(format!("{first}, {}", scene.send(&producer, &topic, 0, &["three"])))
}
