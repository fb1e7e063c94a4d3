//! Clients that do not return in time.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use wire_client::group::{heartbeat, join_alone, join_request, new_member_id, sync_request};
use wire_client::raw::RawClient;
use wire_client::requests::describe_group;

use super::transactional::Transactional;
use crate::client::PATIENCE;
use crate::failure::Failure;
use crate::names::{name, result};
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("timeouts":
    a_session_that_expires,
    a_session_that_is_kept,
    a_member_that_does_not_join_again,
    a_member_that_asks_for_an_id_and_stays_away,
    a_leader_that_assigns_nothing,
    a_transaction_that_is_left_open,
    a_client_that_does_not_poll,
    a_client_that_writes_to_no_topic,
    a_client_that_reads_from_no_topic,
);

fn state(node: &mut RawClient, group: &str) -> Outcome {
    let answer = node.try_call(5, &describe_group(group))?;
    let of = &answer.groups[0];
    Ok(format!("{}, {} members", of.group_state.as_str(), of.members.len()))
}

fn beat(node: &mut RawClient, group: &str, member: &str, generation: i32) -> Outcome {
    Ok(name(node.try_call(4, &heartbeat(group, member, generation))?.error_code))
}

fn a_session_that_expires(scene: &Scene) -> Outcome {
    let group = scene.group();
    let mut node = scene.coordinator(&group)?;
    let (member, generation) = join_alone(&mut node, &group);
    let before = state(&mut node, &group)?;
    let after = scene.until("the session expires", || {
        Ok(Some(state(&mut node, &group)?).filter(|it| *it != before))
    })?;
    Ok(format!("{before}, then {after}, {}", beat(&mut node, &group, &member, generation)?))
}

fn a_session_that_is_kept(scene: &Scene) -> Outcome {
    let group = scene.group();
    let mut node = scene.coordinator(&group)?;
    let (member, generation) = join_alone(&mut node, &group);
    let start = Instant::now();
    scene.until("more than a session has passed", || {
        beat(&mut node, &group, &member, generation)?;
        Ok((start.elapsed() > Duration::from_secs(8)).then_some(()))
    })?;
    state(&mut node, &group)
}

fn a_member_that_does_not_join_again(scene: &Scene) -> Outcome {
    let group = scene.group();
    let mut node = scene.coordinator(&group)?;
    let id = new_member_id(&mut node, &group);
    let joined = node.try_call(9, &join_request(&group, &id).with_rebalance_timeout_ms(1_000))?;
    node.try_call(5, &sync_request(&group, &joined, &[(&id, "all of it")]))?;
    let mut second = scene.coordinator(&group)?;
    let other = new_member_id(&mut second, &group);
    let request = join_request(&group, &other).with_rebalance_timeout_ms(1_000);
    let joined = second.try_call(9, &request)?;
    let (error, generation) = (name(joined.error_code), joined.generation_id);
    let members = joined.members.len();
    let first = beat(&mut node, &group, &id, generation)?;
    Ok(format!("{error}, generation {generation}, {members} members; the first: {first}"))
}

fn a_member_that_asks_for_an_id_and_stays_away(scene: &Scene) -> Outcome {
    let group = scene.group();
    let mut node = scene.coordinator(&group)?;
    let id = new_member_id(&mut node, &group);
    let start = Instant::now();
    scene.until("the id is forgotten", || {
        Ok((start.elapsed() > Duration::from_secs(8)).then_some(()))
    })?;
    Ok(name(node.try_call(9, &join_request(&group, &id))?.error_code))
}

fn a_leader_that_assigns_nothing(scene: &Scene) -> Outcome {
    let group = scene.group();
    let mut node = scene.coordinator(&group)?;
    let id = new_member_id(&mut node, &group);
    // It keeps its session, but does not send the assignment that a leader must send.
    let joined = node.try_call(9, &join_request(&group, &id).with_rebalance_timeout_ms(1_000))?;
    let generation = joined.generation_id;
    scene.until("the coordinator loses its patience", || {
        let answer = beat(&mut node, &group, &id, generation)?;
        Ok(Some(answer).filter(|it| it != "ok"))
    })
}

fn a_transaction_that_is_left_open(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    let mut transactional = Transactional::new(scene)?;
    let producer = transactional.producer(scene, 1_000)?;
    transactional.add(3, producer, &[(&topic, &[0])])?;
    let request = kafka_protocol::messages::DescribeTransactionsRequest::default()
        .with_transactional_ids(vec![kafka_protocol::messages::TransactionalId(
            wire_client::requests::text(&transactional.id),
        )]);
    let state = scene.until("the transaction is given up", || {
        let answer = transactional.coordinator.try_call(0, &request)?;
        let state = answer.transaction_states[0].transaction_state.to_string();
        Ok(Some(state).filter(|it| it.starts_with("Complete")))
    })?;
    Ok(format!("{state}, its producer: {}", transactional.end(3, producer, true)?))
}

fn a_client_that_does_not_poll(scene: &Scene) -> Outcome {
    let (topic, group) = (scene.topic(1)?, scene.group());
    let settings = [("max.poll.interval.ms", "6000")];
    let consumer = scene.consumer(&group, &settings)?;
    consumer.subscribe(&[&topic])?;
    scene.until("the member has its partition", || {
        consumer.poll(Duration::from_millis(20));
        Ok((consumer.assignment()?.count() == 1).then_some(()))
    })?;
    let mut node = scene.coordinator(&group)?;
    let after = scene.until("the member is gone", || {
        Ok(Some(state(&mut node, &group)?).filter(|it| it.contains("0 members")))
    })?;
    let told = consumer.poll(PATIENCE).ok_or(Failure::Missing("event"))?;
    Ok(format!("{after}; {}", result(&told)))
}

fn a_client_that_writes_to_no_topic(scene: &Scene) -> Outcome {
    let settings = [("message.timeout.ms", "1500"), ("allow.auto.create.topics", "false")];
    Ok(scene.send(&scene.producer(&settings)?, &scene.name("topic"), 0, &["one"]))
}

fn a_client_that_reads_from_no_topic(scene: &Scene) -> Outcome {
    let consumer = scene.consumer(&scene.group(), &[])?;
    consumer.subscribe(&[&scene.name("topic")])?;
    let told = consumer.poll(PATIENCE).ok_or(Failure::Missing("event"))?;
    Ok(result(&told))
}
