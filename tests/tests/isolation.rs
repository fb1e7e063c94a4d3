//! Clients that behave badly, side by side with one that does not: it is answered as fast as ever,
//! and the cluster's memory stays bounded.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use kafka_protocol::messages::MetadataRequest;
use workshop_tests::batch::{Batch, offsets};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{create_topic, fetch, metadata, produce, produced};
use workshop_tests::{HostedCluster, TestCluster};

const HOST: &str = env!("CARGO_BIN_EXE_cluster-host");
const TOPIC: &str = "flights";

/// What the slowest of many single requests may take. It is a millisecond on an idle machine; the
/// tests run side by side with others.
const PROMPT: Duration = Duration::from_secs(2);

const MEBIBYTE: u64 = 1 << 20;

fn start() -> HostedCluster {
    let cluster = HostedCluster::start_new(HOST, 1);
    let answer = cluster.client().connect().call(7, &create_topic(TOPIC, 1, 1, &[]));
    assert_eq!(answer.topics[0].error_code, 0);
    cluster
}

/// Fills the topic with batches of 1 MB.
fn fill(cluster: &TestCluster, megabytes: usize) {
    let value = "x".repeat(1_000_000);
    let batch = Batch::of(&[&value]).encode();
    let mut leader = cluster.connect_to_leader(TOPIC, 0);
    for _ in 0..megabytes {
        let answer = leader.call(9, &produce(TOPIC, 0, -1, batch.clone()));
        assert_eq!(produced(&answer).error_code, 0);
    }
}

/// Old and new connections get their answers, each promptly.
fn assert_others_are_served(cluster: &TestCluster, connected: &mut RawClient) {
    for number in 0..50 {
        let started = Instant::now();
        let batch = Batch::of(&["a record"]).encode();
        let answer = connected.call(9, &produce(TOPIC, 0, -1, batch));
        assert_eq!(produced(&answer).error_code, 0);
        if number % 10 == 0 {
            assert_eq!(cluster.connect().call(12, &metadata(&[])).brokers.len(), 1);
        }
        let elapsed = started.elapsed();
        assert!(elapsed < PROMPT, "answered after {elapsed:?}");
    }
}

/// A consumer comes from the start to the end of the topic, batch by batch if need be.
fn assert_all_is_readable(cluster: &TestCluster, megabytes: i64) {
    let mut leader = cluster.connect_to_leader(TOPIC, 0);
    let mut next = 0;
    while next < megabytes {
        let answer = leader.call(12, &fetch(TOPIC, 0, next));
        let records = answer.responses[0].partitions[0].records.clone().unwrap_or_default();
        let (offset, count) = *offsets(records).last().expect("at least one batch");
        next = offset + i64::from(count);
    }
}

/// Asks for up to 50 MB, `times` over, and never reads an answer.
fn ask_and_do_not_listen(cluster: &TestCluster, times: usize) -> RawClient {
    let mut client = cluster.connect();
    let mut request = fetch(TOPIC, 0, 0).with_max_bytes(50 << 20);
    request.topics[0].partitions[0].partition_max_bytes = 50 << 20;
    let mut frames = BytesMut::new();
    for _ in 0..times {
        frames.extend_from_slice(&client.frame(12, &request).0);
    }
    client.send_bytes(&frames).expect("the node reads what the socket holds");
    client
}

#[test]
fn a_client_that_stops_within_a_frame_delays_no_other() {
    let cluster = start();
    let mut connected = cluster.client().connect();
    let silent: Vec<RawClient> = (0..50)
        .map(|length| {
            let mut client = cluster.client().connect();
            let (frame, _) = client.frame(12, &metadata(&[TOPIC]));
            let length = length % frame.len();
            client.send_bytes(&frame[..length]).expect("the node listens");
            client
        })
        .collect();
    assert_others_are_served(cluster.client(), &mut connected);
    drop(silent);
}

#[test]
fn a_client_that_never_reads_its_responses_delays_no_other() {
    let cluster = start();
    fill(cluster.client(), 20);
    let mut connected = cluster.client().connect();
    let mut deaf: Vec<_> = (0..8).map(|_| ask_and_do_not_listen(cluster.client(), 50)).collect();
    for client in &mut deaf {
        assert!(!client.is_silent(PROMPT), "its first answer waits in the socket");
    }
    assert_others_are_served(cluster.client(), &mut connected);
    // One that listens after all gets every answer, and each brings at least a batch.
    let mut late = deaf.pop().expect("there are eight");
    for _ in 0..50 {
        let length = late.receive_frame().expect("an answer").len();
        assert!(length > 1_000_000, "{length} bytes");
    }
}

#[test]
fn two_hundred_idle_connections_delay_no_client() {
    let cluster = start();
    let mut connected = cluster.client().connect();
    let mut idle: Vec<_> = (0..200).map(|_| cluster.client().connect()).collect();
    assert_others_are_served(cluster.client(), &mut connected);
    for client in &mut idle {
        assert_eq!(client.call::<MetadataRequest>(12, &metadata(&[])).brokers.len(), 1);
    }
}

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    let mut cluster = start();
    let mut connected = cluster.client().connect();
    let mut before = None;
    for round in 0..4 {
        for _ in 0..250 {
            let mut client = cluster.client().connect();
            let (frame, _) = client.frame(12, &metadata(&[TOPIC]));
            client.send_bytes(&frame).expect("the node listens");
        }
        assert_others_are_served(cluster.client(), &mut connected);
        let Some(memory) = cluster.memory("VmRSS") else {
            eprintln!("skipped: the system does not tell a process's memory");
            return;
        };
        match before {
            None => before = Some(memory),
            Some(before) => {
                assert!(memory < before + 16 * MEBIBYTE, "round {round}: {before}, now {memory}");
            }
        }
    }
    assert!(cluster.is_alive());
}

#[test]
fn clients_that_never_read_do_not_fill_the_memory() {
    let cluster = start();
    fill(cluster.client(), 50);
    let mut deaf: Vec<_> = (0..20).map(|_| ask_and_do_not_listen(cluster.client(), 50)).collect();
    for client in &mut deaf {
        assert!(!client.is_silent(PROMPT), "its first answer waits in the socket");
    }
    assert_others_are_served(cluster.client(), &mut cluster.client().connect());
    assert_all_is_readable(cluster.client(), 50);
    match cluster.memory("VmHWM") {
        Some(most) => assert!(most < 256 * MEBIBYTE, "20 clients took {most} bytes"),
        None => eprintln!("skipped: the system does not tell a process's memory"),
    }
    drop(deaf);
}

#[test]
fn what_a_frame_claims_costs_nothing() {
    let cluster = start();
    let mut connected = cluster.client().connect();
    let claims: Vec<_> = (0..200)
        .map(|_| {
            let mut client = cluster.client().connect();
            let mut bytes = (100_i32 << 20).to_be_bytes().to_vec();
            bytes.resize(1_000, 0);
            client.send_bytes(&bytes).expect("the node listens");
            client
        })
        .collect();
    assert_others_are_served(cluster.client(), &mut connected);
    match cluster.memory("VmHWM") {
        Some(most) => assert!(most < 64 * MEBIBYTE, "200 claims of 100 MiB took {most} bytes"),
        None => eprintln!("skipped: the system does not tell a process's memory"),
    }
    drop(claims);
}
