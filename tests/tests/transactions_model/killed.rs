//! EndTxn in a process that is ended (SIGKILL) at a moment that is another one each time, from
//! before the request arrives to after it is answered.
//!
//! What is on disk then is none of this test's making: it shows that the order in which [`disk`]
//! assumes things to be written is the order in which they are.
//!
//! [`disk`]: super::disk

use std::time::{Duration, Instant};

use workshop_tests::HostedCluster;
use workshop_tests::batch::Batch;
use workshop_tests::raw::RawClient;
use workshop_tests::reader;
use workshop_tests::requests::{create_topic, produce, produced, text};
use workshop_tests::transactions::{Producer, add_offsets, add_partitions, end, initialize};

use super::requests;

const HOST: &str = env!("CARGO_BIN_EXE_cluster-host");
const TOPIC: &str = "counts";
const ID: &str = "counter-1";
const GROUP: &str = "east-coast-dpt";
const PARTITIONS: usize = 3;

/// How many transactions come first, in a process that lives, to see how long they take.
const LIVE: i64 = 5;

/// How many are killed.
const KILLS: i64 = 32;

/// Opens a transaction with a record in each partition and an offset; `number` is in all of them.
fn begin(client: &mut RawClient, number: i64) -> Producer {
    let answer = client.call(4, &initialize(ID, 60_000, (-1, -1)));
    assert_eq!(answer.error_code, 0);
    let producer = (answer.producer_id.0, answer.producer_epoch);
    let added = client.call(3, &add_partitions(ID, producer, &[(TOPIC, &[0, 1, 2])]));
    let added = &added.results_by_topic_v3_and_below[0].results_by_partition;
    assert!(added.iter().all(|it| it.partition_error_code == 0));
    for partition in 0..PARTITIONS as i32 {
        let batch = Batch::of(&[&number.to_string()]).from_producer(producer.0, producer.1, 0);
        let batch = batch.with_attributes(1 << 4).encode();
        let id = kafka_protocol::messages::TransactionalId(text(ID));
        let request = produce(TOPIC, partition, -1, batch).with_transactional_id(Some(id));
        assert_eq!(produced(&client.call(9, &request)).error_code, 0);
    }
    assert_eq!(client.call(3, &add_offsets(ID, producer, GROUP)).error_code, 0);
    let offset = (TOPIC, 0, number);
    assert_eq!(requests::commit_pending(client, ID, producer, GROUP, offset), 0);
    producer
}

/// Waits without giving up the processor: a sleep is far longer than the moment that it should hit.
fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// What is committed in every partition, and of the group.
fn committed(client: &mut RawClient) -> (Vec<Vec<i64>>, i64) {
    let values = |partition| {
        let seen = reader::read(client, TOPIC, partition, 0, true);
        assert_eq!(seen.last_stable_offset, seen.high_watermark, "nothing is open");
        let numbers = seen.records.iter().map(|(_, value)| value.parse().expect("a number"));
        numbers.collect()
    };
    let partitions = (0..PARTITIONS).map(values).collect();
    let (error, offset) = requests::committed(client, GROUP, TOPIC, 1, true)[0];
    assert_eq!(error, 0);
    (partitions, offset)
}

fn ends(client: &mut RawClient) -> [i64; PARTITIONS] {
    std::array::from_fn(|partition| reader::end(client, TOPIC, partition, false))
}

#[test]
fn a_process_that_dies_amid_end_txn_leaves_the_whole_transaction_or_none_of_it() {
    let mut cluster = HostedCluster::start_new(HOST, 1);
    let mut client = cluster.client().connect();
    let created = client.call(7, &create_topic(TOPIC, PARTITIONS as i32, 1, &[]));
    assert_eq!(created.topics[0].error_code, 0);
    requests::find_coordinators(&mut client, ID, GROUP);
    let (mut expected, mut offset, mut took) = (Vec::new(), -1, Duration::MAX);
    let (mut decided, mut amid) = (0, 0);
    for number in 0..LIVE + KILLS {
        let producer = begin(&mut client, number);
        let request = end(ID, producer, true);
        let ends = ends(&mut client);
        if number < LIVE {
            let started = Instant::now();
            assert_eq!(client.call(3, &request).error_code, 0);
            took = took.min(started.elapsed());
        } else {
            client.send(3, &request).expect("the node listens");
            spin(took.mul_f64((number - LIVE) as f64 * 4.0 / KILLS as f64));
            cluster.kill();
            cluster.start();
            client = cluster.client().connect();
        }
        let (state, ..) = requests::described(&mut client, ID, TOPIC);
        if state == "Ongoing" {
            assert_eq!(client.call(3, &end(ID, producer, false)).error_code, 0);
        } else {
            assert_eq!(state, "CompleteCommit");
            decided += i64::from(number >= LIVE);
            // Who had a marker when the process died gets another one at the next start.
            let marked = self::ends(&mut client).iter().sum::<i64>() - ends.iter().sum::<i64>();
            amid += i64::from(marked > PARTITIONS as i64);
            expected.push(number);
            offset = number;
        }
        assert_eq!(committed(&mut client), (vec![expected.clone(); PARTITIONS], offset));
    }
    println!("{KILLS} processes killed, {decided} after the decision, {amid} amid the markers");
}
