//! Reads records, one fetch at a time.

use std::time::{Duration, Instant};

use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::fetch_request::FetchTopic;
use kafka_protocol::messages::{DeleteRecordsRequest, FetchRequest, FetchResponse};
use uuid::Uuid;
use wire_client::batch::{Batch, offsets};
use wire_client::raw::RawClient;
use wire_client::requests::{fetch, fetch_partition, fetch_with, metadata, produce, topic_name};

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("fetch":
    from_the_beginning,
    from_the_middle_of_a_batch,
    from_the_end,
    from_beyond_the_end,
    from_a_negative_offset,
    from_before_the_start,
    from_the_new_start,
    from_an_empty_partition,
    of_an_unknown_topic,
    of_an_unknown_partition,
    of_a_negative_partition,
    from_a_follower,
    with_the_current_leader_epoch,
    with_an_older_leader_epoch,
    with_a_newer_leader_epoch,
    of_at_most_one_byte,
    of_at_most_one_byte_per_partition,
    of_at_most_no_bytes,
    of_at_most_fewer_than_no_bytes,
    of_two_partitions,
    of_two_partitions_and_at_most_one_byte,
    of_one_good_and_one_bad_partition,
    with_an_unknown_isolation_level,
    by_topic_id,
    by_unknown_topic_id,
    by_no_topic_id,
    waits_for_enough_bytes,
    waits_for_a_record,
    does_not_wait_where_there_is_an_error,
    of_nothing,
    in_an_unknown_session,
    in_a_session_with_a_wrong_epoch,
    in_a_session,
);

/// A topic of one partition with two batches: offsets 0 and 1, and 2 to 4.
struct Shelf {
    leader: RawClient,
    topic: String,
}

impl Shelf {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let topic = scene.topic(1)?;
        let mut leader = scene.leader(&topic, 0)?;
        for values in [&["a", "b"][..], &["c", "d", "e"]] {
            leader.try_call(9, &produce(&topic, 0, -1, Batch::of(values).encode()))?;
        }
        Ok(Self { leader, topic })
    }

    fn fetched(&mut self, request: &FetchRequest) -> Outcome {
        Ok(described(&self.leader.try_call(12, request)?))
    }

    /// Sends a changed fetch of its partition.
    fn with(scene: &Scene, change: impl FnOnce(&mut FetchRequest)) -> Outcome {
        let mut shelf = Self::new(scene)?;
        let mut request = fetch(&shelf.topic, 0, 0);
        change(&mut request);
        shelf.fetched(&request)
    }

    /// Deletes the records below `offset`.
    fn delete_below(&mut self, offset: i64) -> Result<(), Failure> {
        let partition =
            DeleteRecordsPartition::default().with_partition_index(0).with_offset(offset);
        let topic = DeleteRecordsTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partitions(vec![partition]);
        let request =
            DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000);
        self.leader.try_call(2, &request)?;
        Ok(())
    }
}

/// Formats the errors, batches, and high watermarks of a response, partition by partition.
fn described(answer: &FetchResponse) -> String {
    if answer.error_code != 0 {
        return name(answer.error_code);
    }
    let mut partitions: Vec<_> = answer.responses.iter().flat_map(|it| &it.partitions).collect();
    partitions.sort_by_key(|it| it.partition_index);
    let of = |it: &&kafka_protocol::messages::fetch_response::PartitionData| {
        let batches = it.records.clone().map(offsets).unwrap_or_default();
        let starts: Vec<i64> = batches.iter().map(|it| it.0).collect();
        format!("{}, batches from {starts:?}, end {}", name(it.error_code), it.high_watermark)
    };
    let all: Vec<String> = partitions.iter().map(of).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join("; ") }
}

/// Fetches from one offset.
fn from(scene: &Scene, offset: i64) -> Outcome {
    let mut shelf = Shelf::new(scene)?;
    let request = fetch(&shelf.topic, 0, offset);
    shelf.fetched(&request)
}

fn from_the_beginning(scene: &Scene) -> Outcome {
    from(scene, 0)
}

fn from_the_middle_of_a_batch(scene: &Scene) -> Outcome {
    from(scene, 3)
}

fn from_the_end(scene: &Scene) -> Outcome {
    from(scene, 5)
}

fn from_beyond_the_end(scene: &Scene) -> Outcome {
    from(scene, 6)
}

fn from_a_negative_offset(scene: &Scene) -> Outcome {
    from(scene, -1)
}

/// Fetches after the records below 2 were deleted.
fn after_deletion(scene: &Scene, offset: i64) -> Outcome {
    let mut shelf = Shelf::new(scene)?;
    shelf.delete_below(2)?;
    let request = fetch(&shelf.topic, 0, offset);
    let answer = shelf.leader.try_call(12, &request)?;
    let start = answer.responses[0].partitions[0].log_start_offset;
    Ok(format!("{}, start {start}", described(&answer)))
}

fn from_before_the_start(scene: &Scene) -> Outcome {
    after_deletion(scene, 1)
}

fn from_the_new_start(scene: &Scene) -> Outcome {
    after_deletion(scene, 2)
}

fn from_an_empty_partition(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    Ok(described(&scene.leader(&topic, 0)?.try_call(12, &fetch(&topic, 0, 0))?))
}

fn of_an_unknown_topic(scene: &Scene) -> Outcome {
    Ok(described(&scene.node()?.try_call(12, &fetch(&scene.name("topic"), 0, 0))?))
}

/// Fetches a partition that the topic does not have.
fn of_partition(scene: &Scene, partition: i32) -> Outcome {
    let topic = scene.topic(1)?;
    Ok(described(&scene.leader(&topic, 0)?.try_call(12, &fetch(&topic, partition, 0))?))
}

fn of_an_unknown_partition(scene: &Scene) -> Outcome {
    of_partition(scene, 7)
}

fn of_a_negative_partition(scene: &Scene) -> Outcome {
    of_partition(scene, -1)
}

fn from_a_follower(scene: &Scene) -> Outcome {
    let shelf = Shelf::new(scene)?;
    let mut follower = scene.follower(&shelf.topic, 0)?;
    scene.until("the follower knows of all records", || {
        let answer = follower.try_call(12, &fetch(&shelf.topic, 0, 0))?;
        let end = answer.responses[0].partitions[0].high_watermark;
        Ok((end != 0 && end != 2).then(|| described(&answer)))
    })
}

/// Fetches with a leader epoch.
fn with_epoch(scene: &Scene, epoch: impl FnOnce(i32) -> i32) -> Outcome {
    let mut shelf = Shelf::new(scene)?;
    let known = shelf.leader.try_call(12, &metadata(&[&shelf.topic]))?;
    let current = known.topics[0].partitions[0].leader_epoch;
    let mut request = fetch(&shelf.topic, 0, 0);
    request.topics[0].partitions[0].current_leader_epoch = epoch(current);
    shelf.fetched(&request)
}

fn with_the_current_leader_epoch(scene: &Scene) -> Outcome {
    with_epoch(scene, |current| current)
}

fn with_an_older_leader_epoch(scene: &Scene) -> Outcome {
    // The first epoch is 0, and −1 means that the client does not know the epoch.
    with_epoch(scene, |current| if current > 0 { current - 1 } else { -2 })
}

fn with_a_newer_leader_epoch(scene: &Scene) -> Outcome {
    with_epoch(scene, |current| current + 1)
}

fn of_at_most_one_byte(scene: &Scene) -> Outcome {
    Shelf::with(scene, |request| request.max_bytes = 1)
}

fn of_at_most_one_byte_per_partition(scene: &Scene) -> Outcome {
    Shelf::with(scene, |request| request.topics[0].partitions[0].partition_max_bytes = 1)
}

fn of_at_most_no_bytes(scene: &Scene) -> Outcome {
    Shelf::with(scene, |request| request.max_bytes = 0)
}

fn of_at_most_fewer_than_no_bytes(scene: &Scene) -> Outcome {
    Shelf::with(scene, |request| request.max_bytes = -1)
}

/// Fetches two partitions from one leader, each with one record.
fn of_two(scene: &Scene, max_bytes: i32) -> Outcome {
    let topic = scene.topic_name("pair");
    let mut request = wire_client::requests::create_topic(&topic, -1, -1, &[]);
    let assignment =
        kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment::default();
    let on_1 = vec![kafka_protocol::messages::BrokerId(1)];
    request.topics[0].assignments = (0..2)
        .map(|it| assignment.clone().with_partition_index(it).with_broker_ids(on_1.clone()))
        .collect();
    scene.node()?.try_call(7, &request)?;
    scene.wait_for_leaders(&topic, 2)?;
    let mut leader = scene.leader(&topic, 0)?;
    for partition in [0, 1] {
        leader.try_call(9, &produce(&topic, partition, -1, Batch::of(&["a"]).encode()))?;
    }
    let both = vec![fetch_partition(0, 0), fetch_partition(1, 0)];
    let request = fetch_with(&topic, both).with_max_bytes(max_bytes);
    Ok(described(&leader.try_call(12, &request)?))
}

fn of_two_partitions(scene: &Scene) -> Outcome {
    of_two(scene, 1 << 20)
}

fn of_two_partitions_and_at_most_one_byte(scene: &Scene) -> Outcome {
    of_two(scene, 1)
}

fn of_one_good_and_one_bad_partition(scene: &Scene) -> Outcome {
    Shelf::with(scene, |request| request.topics[0].partitions.push(fetch_partition(7, 0)))
}

fn with_an_unknown_isolation_level(scene: &Scene) -> Outcome {
    Shelf::with(scene, |request| request.isolation_level = 7)
}

/// Fetches with version 13 or later, which identifies topics by their ids.
fn by_id(scene: &Scene, id: Option<Uuid>) -> Outcome {
    let mut shelf = Shelf::new(scene)?;
    let known = shelf.leader.try_call(12, &metadata(&[&shelf.topic]))?;
    let topic = FetchTopic::default()
        .with_topic_id(id.unwrap_or(known.topics[0].topic_id))
        .with_partitions(vec![fetch_partition(0, 0)]);
    let request = fetch_with("", Vec::new()).with_topics(vec![topic]);
    Ok(described(&shelf.leader.try_call(13, &request)?))
}

fn by_topic_id(scene: &Scene) -> Outcome {
    by_id(scene, None)
}

fn by_unknown_topic_id(scene: &Scene) -> Outcome {
    by_id(scene, Some(Uuid::new_v4()))
}

fn by_no_topic_id(scene: &Scene) -> Outcome {
    by_id(scene, Some(Uuid::nil()))
}

/// Returns whether a response came before the maximum wait time.
fn at_once(start: Instant, wait: Duration) -> &'static str {
    if start.elapsed() < wait { "at once" } else { "after its wait" }
}

fn waits_for_enough_bytes(scene: &Scene) -> Outcome {
    let mut shelf = Shelf::new(scene)?;
    let request = fetch(&shelf.topic, 0, 0).with_min_bytes(1 << 20).with_max_wait_ms(500);
    let start = Instant::now();
    let fetched = shelf.fetched(&request)?;
    Ok(format!("{fetched}, {}", at_once(start, Duration::from_millis(500))))
}

fn waits_for_a_record(scene: &Scene) -> Outcome {
    let mut shelf = Shelf::new(scene)?;
    let request = fetch(&shelf.topic, 0, 5).with_max_wait_ms(15_000);
    let start = Instant::now();
    let id = shelf.leader.send(12, &request)?;
    let mut other = scene.leader(&shelf.topic, 0)?;
    other.try_call(9, &produce(&shelf.topic, 0, -1, Batch::of(&["f"]).encode()))?;
    let fetched = described(&shelf.leader.receive::<FetchRequest>(12, id)?);
    Ok(format!("{fetched}, {}", at_once(start, Duration::from_secs(15))))
}

fn does_not_wait_where_there_is_an_error(scene: &Scene) -> Outcome {
    let mut shelf = Shelf::new(scene)?;
    let request = fetch(&shelf.topic, 0, 99).with_max_wait_ms(10_000);
    let start = Instant::now();
    let fetched = shelf.fetched(&request)?;
    Ok(format!("{fetched}, {}", at_once(start, Duration::from_secs(10))))
}

fn of_nothing(scene: &Scene) -> Outcome {
    Shelf::with(scene, |request| request.topics.clear())
}

fn in_an_unknown_session(scene: &Scene) -> Outcome {
    Shelf::with(scene, |request| {
        request.session_id = 123_456_789;
        request.session_epoch = 1;
    })
}

fn in_a_session_with_a_wrong_epoch(scene: &Scene) -> Outcome {
    Shelf::with(scene, |request| request.session_epoch = 5)
}

fn in_a_session(scene: &Scene) -> Outcome {
    let mut shelf = Shelf::new(scene)?;
    let request = fetch(&shelf.topic, 0, 0).with_session_epoch(0);
    let answer = shelf.leader.try_call(12, &request)?;
    let opened = if answer.session_id == 0 { "no session" } else { "a session" };
    Ok(format!("{}, {opened}", described(&answer)))
}
