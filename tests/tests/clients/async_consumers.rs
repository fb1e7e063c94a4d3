//! The parts of 14_async_consumers: its serializer, and its consumer in moments that the example
//! does not wait for.

#[path = "../../../examples/14_async_consumers/callbacks.rs"]
mod callbacks;
#[path = "../../../examples/14_async_consumers/consumer.rs"]
mod consumer;
#[path = "../../../examples/14_async_consumers/event.rs"]
mod event;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use proptest::prelude::*;
use rdkafka::consumer::Consumer;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::producer::FutureRecord;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};
use tokio::sync::watch;
use workshop_tests::{DEADLINE, TestCluster, eventually};

use callbacks::Shares;
use consumer::{Work, close, consume, consumer};
use event::{Airports, Delay, Event, Flight};

fn all_airports() -> Airports {
    Airports::new(airports::all().expect("the airports can be read"))
}

fn flight(airports: &Airports, number: &str, to: &str) -> Flight {
    let airport = |code| airports.get(code).expect("there is such an airport");
    Flight { number: number.to_owned(), from: airport("JFK"), to: airport(to) }
}

#[test]
fn the_base_part_does_not_nest_a_part_does_and_an_airport_is_its_code() {
    let airports = all_airports();
    let flight = || flight(&airports, "WS1", "LHR");
    let delay = Delay { time: Duration::from_secs(30 * 60), cause: "fog".to_owned() };
    let base = r#""flight":"WS1","from":"JFK","to":"LHR""#;
    for (event, wire) in [
        (
            Event::Departed { flight: flight(), gate: 7 },
            format!(r#"{{"type":"departed",{base},"gate":7}}"#),
        ),
        (
            Event::Delayed { flight: flight(), delay },
            format!(r#"{{"type":"delayed",{base},"delay":{{"minutes":30,"cause":"fog"}}}}"#),
        ),
        (
            Event::Diverted { flight: flight(), to: airports.get("KEF").unwrap() },
            format!(r#"{{"type":"diverted",{base},"diverted_to":"KEF"}}"#),
        ),
    ] {
        assert_eq!(serde_json::to_string(&event).unwrap(), wire);
        assert_eq!(airports.event(wire.as_bytes()).unwrap(), event);
    }
}

#[test]
fn what_is_no_event_is_an_error_that_says_why() {
    let airports = all_airports();
    let base = r#""flight":"WS1","from":"JFK","to":"LHR""#;
    for (wire, why) in [
        ("WS104 is late today".to_owned(), "expected value"),
        ("[]".to_owned(), "flight is not text, or is missing"),
        (r#"{"flight":"WS1"}"#.to_owned(), "from is not text, or is missing"),
        (r#"{"flight":"WS1","from":"JFK","to":"???"}"#.to_owned(), "no airport is ???"),
        (format!("{{{base}}}"), "type is not text, or is missing"),
        (format!(r#"{{{base},"type":"landed"}}"#), "landed is not a type of event"),
        (format!(r#"{{{base},"type":"departed","gate":256}}"#), "out of range"),
        (format!(r#"{{{base},"type":"delayed"}}"#), "minutes is not a number, or is missing"),
        (
            format!(r#"{{{base},"type":"delayed","delay":{{"minutes":{},"cause":""}}}}"#, u64::MAX),
            "minutes is too large",
        ),
    ] {
        let error = airports.event(wire.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why), "{wire}: {error}");
    }
}

/// Any of the three types, about airports that there are.
fn any_event(airports: &'static Airports) -> impl Strategy<Value = Event> {
    let airport = || {
        prop::sample::select(vec!["AMS", "JFK", "KEF", "LHR", "SIN", "SNN"])
            .prop_map(|code| airports.get(code).expect("there is such an airport"))
    };
    let flight = (".*", airport(), airport());
    let flight = flight.prop_map(|(number, from, to)| Flight { number, from, to });
    let minutes = (0..u64::MAX / 60).prop_map(|minutes| Duration::from_secs(minutes * 60));
    let delay = (minutes, ".*").prop_map(|(time, cause)| Delay { time, cause });
    (flight, 0..3, any::<u8>(), delay, airport()).prop_map(|(flight, kind, gate, delay, to)| {
        match kind {
            0 => Event::Departed { flight, gate },
            1 => Event::Delayed { flight, delay },
            _ => Event::Diverted { flight, to },
        }
    })
}

#[test]
fn an_event_is_the_same_after_its_way_over_the_wire() {
    let airports: &'static Airports = Box::leak(Box::new(all_airports()));
    proptest!(|(event in any_event(airports))| {
        let wire = serde_json::to_vec(&event).unwrap();
        prop_assert_eq!(airports.event(&wire).unwrap(), event);
    });
}

/// Work that is done at once for the first offsets of a partition, and else when it is let go on.
struct Gate {
    at_once: i64,
    open: watch::Sender<bool>,
    begun: Mutex<Vec<(i32, i64)>>,
    done: Mutex<Vec<(i32, i64)>>,
    /// The records that are being worked on at the moment.
    running: Mutex<BTreeSet<(i32, i64)>>,
    /// Those that a second copy of the work began while the first one was running.
    at_once_twice: Mutex<Vec<(i32, i64)>>,
}

/// A record that is being worked on, until the work is done or dropped.
struct Running<'a>(&'a Gate, (i32, i64));

impl<'a> Running<'a> {
    fn begin(gate: &'a Gate, place: (i32, i64)) -> Self {
        if !gate.running.lock().expect("no one panics while holding it").insert(place) {
            places_in(&gate.at_once_twice).push(place);
        }
        Running(gate, place)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.lock().expect("no one panics while holding it").remove(&self.1);
    }
}

impl Gate {
    fn closed_from(at_once: i64) -> Arc<Gate> {
        let (begun, done, running, at_once_twice) = Default::default();
        let open = watch::Sender::new(false);
        Arc::new(Gate { at_once, open, begun, done, running, at_once_twice })
    }

    /// Waits until so many were begun, and all of them are done that need not wait.
    async fn wait_for(self: &Arc<Self>, begun: usize, done: usize) {
        let gate = Arc::clone(self);
        let what = format!("{begun} begun, {done} done");
        let waiting = move || {
            eventually(&what, || {
                let now = [&gate.begun, &gate.done].map(|places| places_in(places).len());
                (now == [begun, done]).then_some(())
            });
        };
        tokio::task::spawn_blocking(waiting).await.expect("it came to that");
    }
}

fn places_in(places: &Mutex<Vec<(i32, i64)>>) -> MutexGuard<'_, Vec<(i32, i64)>> {
    places.lock().expect("no one panics while holding it")
}

impl Work for Gate {
    async fn process(&self, message: &OwnedMessage) -> anyhow::Result<()> {
        let place = (message.partition(), message.offset());
        places_in(&self.begun).push(place);
        let _running = Running::begin(self, place);
        if message.offset() >= self.at_once {
            let mut open = self.open.subscribe();
            open.wait_for(|open| *open).await.expect("the gate is still there");
        }
        places_in(&self.done).push(place);
        Ok(())
    }
}

async fn publish(cluster: &TestCluster, topic: &str, partitions: i32, each: usize) {
    let producer = cluster.producer(&[]);
    for partition in 0..partitions {
        for _ in 0..each {
            let record = FutureRecord::<(), _>::to(topic).partition(partition).payload("departed");
            producer.send(record, DEADLINE).await.expect("the record arrives");
        }
    }
}

/// What the group has committed in each partition.
fn committed(cluster: &TestCluster, group: &str, topic: &str, partitions: i32) -> Vec<Offset> {
    let mut list = TopicPartitionList::new();
    list.add_partition_range(topic, 0, partitions - 1);
    let list = cluster.consumer(group, &[]).committed_offsets(list, DEADLINE);
    let list = list.expect("the coordinator answers");
    list.elements().iter().map(TopicPartitionListElem::offset).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_begins_nothing_more_waits_for_what_is_in_progress_and_commits_it() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    publish(&cluster, &topic, 1, 10).await;
    let gate = Gate::closed_from(2);
    let shares = Shares::default();
    let member = consumer(cluster.bootstrap_servers(), &group, "a", &shares).await.unwrap();
    member.subscribe(&[&topic]).unwrap();
    let stop = watch::Sender::new(false);
    let mut stopped = stop.subscribe();
    let stopped = async move { drop(stopped.wait_for(|stop| *stop).await.unwrap()) };
    let mut consuming = Box::pin(consume(&member, &*gate, 3, stopped));
    tokio::select! {
        ended = &mut consuming => panic!("ended before it was stopped: {ended:?}"),
        () = gate.wait_for(5, 2) => {}
    }
    stop.send_replace(true);
    let moment = Duration::from_millis(200);
    let early = tokio::time::timeout(moment, &mut consuming).await;
    assert!(early.is_err(), "ended with records in work: {early:?}");
    gate.open.send_replace(true);
    let processed = tokio::time::timeout(DEADLINE, consuming).await.unwrap().unwrap();
    close(member, Ok(())).await.unwrap();
    assert_eq!(processed, 5);
    assert_eq!(places_in(&gate.begun).len(), 5);
    assert_eq!(committed(&cluster, &group, &topic, 1), [Offset::Offset(5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_partitions_move_work_in_progress_stops_and_its_records_come_again() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(2), cluster.group_name());
    publish(&cluster, &topic, 2, 10).await;
    let gate = Gate::closed_from(3);
    let (shares, stop) = (Shares::default(), watch::Sender::new(false));
    let join = async |name| consumer(cluster.bootstrap_servers(), &group, name, &shares).await;
    let (a, b) = (join("a").await.unwrap(), join("b").await.unwrap());
    let stopped = || async { drop(stop.subscribe().wait_for(|stop| *stop).await.unwrap()) };
    a.subscribe(&[&topic]).unwrap();
    let from_the_beginning = consume(&a, &*gate, 64, stopped());
    let from_the_middle = async {
        gate.wait_for(20, 6).await;
        b.subscribe(&[&topic]).unwrap();
        consume(&b, &*gate, 64, stopped()).await
    };
    let watched = async {
        let mut shared = shares.subscribe();
        let both = shared.wait_for(|it| it.len() == 2 && it.values().all(|count| *count == 1));
        tokio::time::timeout(DEADLINE, both).await.unwrap().unwrap();
        // Three of each partition were finished when it moved; the other seven begin once more.
        gate.wait_for(20 + 14, 6).await;
        let three = [Offset::Offset(3), Offset::Offset(3)];
        assert_eq!(committed(&cluster, &group, &topic, 2), three);
        assert_eq!(gate.running.lock().unwrap().len(), 14, "the first copies have stopped");
        gate.open.send_replace(true);
        gate.wait_for(34, 20).await;
        stop.send_replace(true);
    };
    let (by_a, by_b, ()) = tokio::join!(from_the_beginning, from_the_middle, watched);
    assert_eq!(by_a.unwrap() + by_b.unwrap(), 20);
    // The group's protocol is eager: the partition that a kept was revoked as well.
    assert_eq!(*places_in(&gate.at_once_twice), []);
    assert_eq!(committed(&cluster, &group, &topic, 2), [Offset::Offset(10), Offset::Offset(10)]);
    let mut done = places_in(&gate.done).clone();
    done.sort_unstable();
    done.dedup();
    assert_eq!(done.len(), 20, "each record was processed: {done:?}");
}

/// Work that fails at an offset, or hangs there. Others are done, the later ones first.
struct Failing {
    at: i64,
    hangs: bool,
}

impl Work for Failing {
    const LIMIT: Duration = Duration::from_millis(300);

    async fn process(&self, message: &OwnedMessage) -> anyhow::Result<()> {
        if message.offset() != self.at {
            return Ok(());
        }
        if self.hangs {
            return std::future::pending().await;
        }
        anyhow::bail!("no gate is free")
    }
}

async fn a_failure_ends(hangs: bool, why: &str) {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    publish(&cluster, &topic, 1, 10).await;
    let shares = Shares::default();
    let member = consumer(cluster.bootstrap_servers(), &group, "a", &shares).await;
    let member = member.expect("the cluster answers");
    member.subscribe(&[&topic]).expect("subscribed");
    let work = Failing { at: 4, hangs };
    let consuming = consume(&member, &work, 3, std::future::pending());
    let ended = tokio::time::timeout(DEADLINE, consuming).await.expect("it ends by itself");
    let error = format!("{:#}", ended.expect_err("the work failed"));
    assert!(error.contains(&format!("{topic}/0 at 4")) && error.contains(why), "{error}");
    close(member, Ok(())).await.expect("closed");
    assert_eq!(committed(&cluster, &group, &topic, 1), [Offset::Offset(4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_work_fails_is_not_committed_and_the_error_is_returned() {
    a_failure_ends(false, "no gate is free").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_hangs_fails_when_its_time_is_up() {
    a_failure_ends(true, "the work took too long").await;
}
