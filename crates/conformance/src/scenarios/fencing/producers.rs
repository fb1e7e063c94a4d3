//! Producers that may begin and end transactions, and others that may not.

use wire_client::transactions::{Producer, end, initialize};

use super::stage::{Stage, TIMEOUT};
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scenarios::transactional::{NO_PRODUCER, Transactional};
use crate::scene::Scene;

area!("fencing":
    initialized,
    initialized_again,
    initialized_as_itself,
    initialized_as_a_past_epoch,
    initialized_as_another_producer,
    initialized_at_another_node,
    initialized_without_a_name,
    initialized_with_no_timeout,
    initialized_with_a_negative_timeout,
    initialized_with_too_long_a_timeout,
    initialized_while_open,
    ended_without_partitions,
    ended_twice,
    ended_the_other_way,
    ended_by_a_past_epoch,
    ended_by_a_past_epoch_in_an_old_version,
    ended_by_a_future_epoch,
    ended_by_another_producer,
    ended_unknown,
    ended_at_another_node,
);

fn initialized(scene: &Scene) -> Outcome {
    let mut it = Transactional::new(scene)?;
    let (error, producer) = it.init(TIMEOUT, NO_PRODUCER)?;
    Ok(format!("{error}, epoch {}", producer.1))
}

fn initialized_again(scene: &Scene) -> Outcome {
    let mut it = Transactional::new(scene)?;
    let first = it.producer(scene, TIMEOUT)?;
    let (error, second) = it.init(TIMEOUT, NO_PRODUCER)?;
    Ok(format!("{error}, same id: {}, epoch {}", first.0 == second.0, second.1))
}

/// Returns the response to a producer that sends its own idea of its id and epoch.
fn initialized_as(scene: &Scene, who: impl FnOnce(Producer) -> Producer) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    let (error, producer) = stage.transactional.init(TIMEOUT, who(stage.producer))?;
    let same = producer.0 == stage.producer.0;
    Ok(format!("{error}, same id: {same}, epoch {}", producer.1))
}

fn initialized_as_itself(scene: &Scene) -> Outcome {
    initialized_as(scene, |it| it)
}

fn initialized_as_a_past_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.producer = stage.transactional.producer(scene, TIMEOUT)?;
    let past = (stage.producer.0, stage.producer.1 - 2);
    Ok(stage.transactional.init(TIMEOUT, past)?.0)
}

fn initialized_as_another_producer(scene: &Scene) -> Outcome {
    initialized_as(scene, |it| (it.0 + 900_000_000, it.1))
}

fn initialized_at_another_node(scene: &Scene) -> Outcome {
    let it = Transactional::new(scene)?;
    let mut other = scene.elsewhere(it.coordinator.address())?;
    Ok(name(other.try_call(4, &initialize(&it.id, TIMEOUT, NO_PRODUCER))?.error_code))
}

fn initialized_without_a_name(scene: &Scene) -> Outcome {
    Ok(name(scene.node()?.try_call(4, &initialize("", TIMEOUT, NO_PRODUCER))?.error_code))
}

fn with_timeout(scene: &Scene, timeout: i32) -> Outcome {
    Ok(Transactional::new(scene)?.init(timeout, NO_PRODUCER)?.0)
}

fn initialized_with_no_timeout(scene: &Scene) -> Outcome {
    with_timeout(scene, 0)
}

fn initialized_with_a_negative_timeout(scene: &Scene) -> Outcome {
    with_timeout(scene, -1)
}

fn initialized_with_too_long_a_timeout(scene: &Scene) -> Outcome {
    with_timeout(scene, 900_001)
}

fn initialized_while_open(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let (first, _) = stage.transactional.init(TIMEOUT, NO_PRODUCER)?;
    let after = stage.transactional.producer(scene, TIMEOUT)?;
    Ok(format!("{first}, in the end epoch {}", after.1 - stage.producer.1))
}

fn ended_without_partitions(scene: &Scene) -> Outcome {
    let mut stage = Stage::new(scene)?;
    let commit = stage.transactional.end(3, stage.producer, true)?;
    Ok(format!("{commit}, {}", stage.transactional.end(3, stage.producer, false)?))
}

/// Ends an open transaction, and ends it again once the first end is complete.
fn ended_again(scene: &Scene, commit: bool) -> Outcome {
    let mut stage = Stage::open(scene)?;
    let first = stage.transactional.end(3, stage.producer, true)?;
    let second = scene.until("the transaction is complete", || {
        let answer = stage.transactional.end(3, stage.producer, commit)?;
        Ok(Some(answer).filter(|it| it != "CONCURRENT_TRANSACTIONS"))
    })?;
    Ok(format!("{first}, {second}"))
}

fn ended_twice(scene: &Scene) -> Outcome {
    ended_again(scene, true)
}

fn ended_the_other_way(scene: &Scene) -> Outcome {
    ended_again(scene, false)
}

fn ended_by_a_past_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.transactional.end(3, stage.past(), true)
}

fn ended_by_a_past_epoch_in_an_old_version(scene: &Scene) -> Outcome {
    let mut stage = Stage::moved_on(scene)?;
    stage.transactional.end(1, stage.past(), true)
}

fn ended_by_a_future_epoch(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    stage.transactional.end(3, (stage.producer.0, stage.producer.1 + 1), true)
}

fn ended_by_another_producer(scene: &Scene) -> Outcome {
    let mut stage = Stage::open(scene)?;
    stage.transactional.end(3, (stage.producer.0 + 900_000_000, stage.producer.1), true)
}

fn ended_unknown(scene: &Scene) -> Outcome {
    Transactional::new(scene)?.end(3, (7, 0), true)
}

fn ended_at_another_node(scene: &Scene) -> Outcome {
    let stage = Stage::open(scene)?;
    let mut other = scene.elsewhere(stage.transactional.coordinator.address())?;
    Ok(name(other.try_call(3, &end(&stage.transactional.id, stage.producer, true))?.error_code))
}
