//! Exactly once under fire: a worker that copies records in transactions is killed at random
//! moments, and so is the cluster. Nothing that was acknowledged is lost, and nothing comes twice.
//!
//! `CHAOS_KILLS=200 cargo test -p workshop-tests --test chaos -- --nocapture` for a long run, with
//! figures; `CHAOS_SEED` chooses other moments. The cluster is a process of its own, so this runs
//! on the embedded one alone.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kafka_protocol::records::RecordBatchDecoder;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};
use workshop_tests::model::Seeded;
use workshop_tests::{DEADLINE, HostedCluster, requests};

const HOST: &str = env!("CARGO_BIN_EXE_cluster-host");
const WORKER: &str = env!("CARGO_BIN_EXE_chaos-worker");
const INPUT_PARTITIONS: i32 = 3;
/// The moments of every run that names no other: the same in CI each time.
const SEED: u64 = 11;
const KILLS: u64 = 20;
/// The longest time between two kills in ms. A worker needs about half of it to begin.
const LONGEST_PEACE: u64 = 1_400;
/// A pause between two records of the input, so that there are some all the time.
const BETWEEN_RECORDS: Duration = Duration::from_millis(2);

fn from_environment(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(name).ok().filter(|it| !it.is_empty());
    value.map_or(otherwise, |it| it.parse().unwrap_or_else(|_| panic!("{name}={it}: no number")))
}

/// The numbers of the input records that the cluster acknowledged.
#[derive(Clone, Default)]
struct Acknowledged(Arc<Mutex<HashSet<u64>>>);

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<u64>) {
        if let Err((error, _)) = result {
            panic!("record {number} was not delivered: {error}");
        }
        let mut numbers = self.0.lock().expect("no test panics while it holds the lock");
        assert!(numbers.insert(*number), "record {number} was acknowledged twice");
    }
}

/// Sends numbers until told to stop, and answers with those that were acknowledged: all of them.
fn send_input(servers: &str, topic: &str, stop: &AtomicBool) -> HashSet<u64> {
    let acknowledged = Acknowledged::default();
    let producer: BaseProducer<Acknowledged> = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "0")
        .set("reconnect.backoff.max.ms", "200")
        .create_with_context(acknowledged.clone())
        .expect("the settings are valid");
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        let partition = i32::try_from(sent % 3).expect("a small number");
        let value = sent.to_string();
        let record = BaseRecord::<(), str, Box<u64>>::with_opaque_to(topic, Box::new(sent));
        let record = record.partition(partition).payload(&value);
        producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
        sent += 1;
        producer.poll(BETWEEN_RECORDS);
    }
    workshop_tests::flush(&producer);
    let numbers = acknowledged.0.lock().expect("no test panics while it holds the lock").clone();
    assert_eq!(numbers.len() as u64, sent, "each record is acknowledged");
    numbers
}

/// Stops the input, also where a test that panics would otherwise wait for it.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What the workers said, all of them together.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    fn lines_with(&self, start: &str) -> Vec<String> {
        let lines = self.0.lock().expect("no test panics while it holds the lock");
        lines.iter().filter(|line| line.starts_with(start)).cloned().collect()
    }
}

/// The worker's process. Dropped, it is killed.
struct Worker {
    arguments: [String; 4],
    said: Said,
    child: Child,
}

impl Worker {
    fn start(arguments: [String; 4], said: Said) -> Worker {
        let mut command = Command::new(WORKER);
        command.args(&arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the worker's program can be run");
        let stdout = child.stdout.take().expect("stdout is piped");
        let shared = said.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                shared.0.lock().expect("no test panics while it holds the lock").push(line);
            }
        });
        Worker { arguments, said, child }
    }

    /// Kills it (SIGKILL), and starts it again.
    fn restart(&mut self) {
        self.kill();
        *self = Worker::start(self.arguments.clone(), self.said.clone());
    }

    /// One that has ended with an error is started again, as after a kill.
    fn look_after(&mut self) {
        if self.child.try_wait().expect("the child is ours").is_some() {
            self.restart();
        }
    }

    fn kill(&mut self) {
        // Fails where it has ended, which is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until the group has committed everything in the input. Its offsets come with the copies,
/// so all of them are in the output then.
fn wait_until_copied(cluster: &HostedCluster, input: &str, worker: &mut Worker) {
    let [.., group] = worker.arguments.clone();
    let asking: BaseConsumer = cluster.client().consumer(&group, &[]);
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_range(input, 0, INPUT_PARTITIONS - 1);
    let (mut committed, mut last_news) = (Vec::new(), Instant::now());
    loop {
        worker.look_after();
        let ends = (0..INPUT_PARTITIONS).map(|partition| {
            asking.fetch_watermarks(input, partition, DEADLINE).expect("the leader answers").1
        });
        let ends: Vec<i64> = ends.collect();
        let answer = asking.committed_offsets(partitions.clone(), DEADLINE);
        let answer = answer.expect("the coordinator answers");
        let now: Vec<Option<i64>> =
            answer.elements().iter().map(|it| it.offset().to_raw()).collect();
        if now.iter().zip(&ends).all(|(offset, end)| *offset == Some(*end)) {
            return;
        }
        if now != committed {
            (committed, last_news) = (now, Instant::now());
        }
        assert!(last_news.elapsed() < 2 * DEADLINE, "stuck at {committed:?} of {ends:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// All that a reader of committed records is given: the numbers by input partition, in their order.
fn read_output(cluster: &HostedCluster, topic: &str) -> BTreeMap<i32, Vec<u64>> {
    let client = cluster.client();
    let settings = [("isolation.level", "read_committed"), ("enable.partition.eof", "true")];
    let consumer: BaseConsumer = client.consumer(&client.group_name(), &settings);
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(topic, 0, Offset::Offset(0)).expect("a valid offset");
    consumer.assign(&from).expect("assigned");
    let mut read = BTreeMap::<i32, Vec<u64>>::new();
    loop {
        let polled = consumer.poll(DEADLINE).expect("something comes");
        let message = match polled {
            Ok(message) => message,
            Err(KafkaError::PartitionEOF(_)) => return read,
            Err(error) => panic!("{error}"),
        };
        let value = String::from_utf8(message.payload().expect("a value").to_vec());
        let value = value.expect("a text");
        let (partition, number) = value.split_once(' ').expect("a partition and a number");
        let partition = partition.parse().expect("a partition");
        read.entry(partition).or_default().push(number.parse().expect("a number"));
    }
}

/// How many transactions were committed and aborted, by the markers in the output's log.
fn count_markers(cluster: &HostedCluster, topic: &str) -> (usize, usize) {
    let mut leader = cluster.client().connect_to_leader(topic, 0);
    let (mut committed, mut aborted, mut offset) = (0, 0, 0);
    loop {
        let answer = leader.call(12, &requests::fetch(topic, 0, offset));
        let partition = &answer.responses[0].partitions[0];
        assert_eq!(partition.error_code, 0);
        let mut bytes = partition.records.clone().unwrap_or_default();
        if bytes.is_empty() {
            return (committed, aborted);
        }
        let batches = RecordBatchDecoder::decode_all(&mut bytes).expect("whole batches");
        for record in batches.into_iter().flat_map(|batch| batch.records) {
            if record.offset < offset {
                continue;
            }
            offset = record.offset + 1;
            // A version and the type, two bytes each: 0 for an abort, 1 for a commit.
            match record.key.as_deref().filter(|_| record.control) {
                Some([_, _, 0, 0]) => aborted += 1,
                Some([_, _, 0, 1]) => committed += 1,
                Some(other) => panic!("an unknown control record: {other:?}"),
                None => {}
            }
        }
    }
}

/// How often each was killed.
#[derive(Default)]
struct Kills {
    worker: u64,
    cluster: u64,
    both: u64,
}

impl Kills {
    fn all(&self) -> u64 {
        self.worker + self.cluster + self.both
    }
}

/// Kills the worker and the cluster in turn; every fourth time on average both at once.
fn kill(cluster: &mut HostedCluster, worker: &mut Worker, kills: u64, seed: u64) -> Kills {
    let (mut random, mut done) = (Seeded(seed), Kills::default());
    while done.all() < kills {
        std::thread::sleep(Duration::from_millis(random.below(LONGEST_PEACE)));
        worker.look_after();
        if done.all() % 2 == 0 {
            worker.restart();
            done.worker += 1;
            continue;
        }
        cluster.kill();
        if random.below(4) == 0 {
            worker.restart();
            done.both += 1;
        } else {
            done.cluster += 1;
        }
        cluster.start();
    }
    done
}

/// What is in the output is what was acknowledged, each once and in its order.
fn check(read: &BTreeMap<i32, Vec<u64>>, acknowledged: &HashSet<u64>) {
    let copied: HashSet<u64> = read.values().flatten().copied().collect();
    let lost: Vec<&u64> = acknowledged.difference(&copied).collect();
    assert!(lost.is_empty(), "{} records are lost: {lost:?}", lost.len());
    let records: usize = read.values().map(Vec::len).sum();
    assert_eq!(records, copied.len(), "some came twice");
    assert_eq!(records, acknowledged.len(), "some were never sent");
    for (partition, numbers) in read {
        assert!(numbers.is_sorted(), "partition {partition} came in another order");
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_comes_twice_in_any_crash() {
    let seed = from_environment("CHAOS_SEED", SEED);
    let kills = from_environment("CHAOS_KILLS", KILLS);
    // Shown where the test fails, too.
    println!("{kills} kills, CHAOS_SEED={seed}");
    let mut cluster = HostedCluster::start_new(HOST, 3);
    let input = cluster.client().create_topic(INPUT_PARTITIONS);
    let output = cluster.client().create_topic(1);
    let servers = cluster.client().bootstrap_servers().to_owned();
    let arguments = [servers.clone(), input.clone(), output.clone(), format!("worker-{input}")];
    let mut worker = Worker::start(arguments, Said::default());
    let started = Instant::now();

    let stop = AtomicBool::new(false);
    let (acknowledged, killed) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| send_input(&servers, &input, &stop));
        let at_the_end = StopOnDrop(&stop);
        let killed = kill(&mut cluster, &mut worker, kills, seed);
        drop(at_the_end);
        (sending.join().expect("all input was acknowledged"), killed)
    });
    wait_until_copied(&cluster, &input, &mut worker);
    let elapsed = started.elapsed();
    worker.kill();
    check(&read_output(&cluster, &output), &acknowledged);
    let (committed, aborted) = count_markers(&cluster, &output);
    let reported = worker.said.lines_with("committed ").len();
    assert!(reported <= committed, "{reported} commits were acknowledged, {committed} are there");

    println!("kills of the worker      {}", killed.worker);
    println!("kills of the cluster     {}", killed.cluster);
    println!("kills of both            {}", killed.both);
    println!("records, each once       {}", acknowledged.len());
    println!("transactions committed   {committed}, {reported} of them reported by the worker");
    println!("transactions aborted     {aborted}");
    println!("time                     {:.1} s", elapsed.as_secs_f64());
    for why in worker.said.lines_with("ended ") {
        println!("a worker {why}");
    }
}
