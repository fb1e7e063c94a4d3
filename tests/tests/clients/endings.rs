//! What is committed is what was processed, however a reader ends.
//!
//! Each consumer of helpers/ reads a topic of 1,000 records in a process of its own, processes ten
//! of them, and ends. Had it committed more, the records between would be lost: the group never sees
//! them again.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use kafka_protocol::messages::OffsetFetchRequest;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use workshop_tests::batch::Batch;
use workshop_tests::members::{TURN, assignment};
use workshop_tests::requests::{group_id, produce, produced};
use workshop_tests::{TestCluster, eventually};

const MEMBER: &str = env!("CARGO_BIN_EXE_reading-member");
const PARTITIONS: i32 = 2;
const RECORDS: usize = 1000;
const PROCESSED: usize = 10;

const CONSUMERS: [&str; 3] = ["polled", "stream", "batches"];
const PROTOCOLS: [&str; 3] = ["range", "cooperative-sticky", "consumer"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Drop,
    Close,
    CtrlC,
    Sigterm,
    Kill9,
    SecondMember,
}

const ENDINGS: [Ending; 6] = [
    Ending::Drop,
    Ending::Close,
    Ending::CtrlC,
    Ending::Sigterm,
    Ending::Kill9,
    Ending::SecondMember,
];

impl Ending {
    /// What the program is told to do.
    fn argument(self) -> &'static str {
        match self {
            Ending::Drop => "drop",
            Ending::Close => "close",
            Ending::CtrlC | Ending::Sigterm => "signal",
            Ending::Kill9 | Ending::SecondMember => "read-on",
        }
    }

    /// Whether what was processed is committed by it.
    fn commits(self) -> bool {
        self != Ending::Kill9
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_what_was_processed_however_a_reader_ends() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(PARTITIONS);
    fill(&cluster, &topic);
    let cells = CONSUMERS.iter().flat_map(|consumer| {
        let of_protocol = move |protocol| ENDINGS.map(move |ending| (*consumer, protocol, ending));
        PROTOCOLS.into_iter().flat_map(of_protocol)
    });
    let failed: Vec<String> = std::thread::scope(|scope| {
        let (cluster, topic) = (&cluster, topic.as_str());
        let running: Vec<_> = cells
            .map(|(consumer, protocol, ending)| {
                let what = format!("{consumer}, {protocol}, {ending:?}");
                (what, scope.spawn(move || end(cluster, topic, consumer, protocol, ending)))
            })
            .collect();
        let told = running.into_iter().map(|(what, cell)| {
            let told = cell.join().unwrap_or_else(|_| Err("panicked".to_owned()));
            println!("{what}: {told:?}");
            told.err().map(|why| format!("{what}: {why}"))
        });
        told.flatten().collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Half of the records in each partition, as envelopes of lineage that say their number.
fn fill(cluster: &TestCluster, topic: &str) {
    for partition in 0..PARTITIONS {
        let values: Vec<String> = (0..RECORDS / PARTITIONS as usize)
            .map(|number| {
                format!(
                    r#"{{"item":{number},"hist":{{"svc":"desk","dt":"2026-11-21T12:00:00+00:00","refs":[]}}}}"#
                )
            })
            .collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let batch = Batch::of(&values).encode();
        let mut leader = cluster.connect_to_leader(topic, partition);
        let answer = leader.call(9, &produce(topic, partition, -1, batch));
        assert_eq!(produced(&answer).error_code, 0);
    }
}

/// Lets a program end in this way, and says what is committed, or what is wrong with that.
fn end(
    cluster: &TestCluster,
    topic: &str,
    consumer: &str,
    protocol: &str,
    ending: Ending,
) -> Result<[i64; 2], String> {
    let group = cluster.group_name();
    let servers = cluster.bootstrap_servers();
    let mut command = Command::new(MEMBER);
    command.args([servers, topic, &group, consumer, protocol, ending.argument()]);
    if ending == Ending::Kill9 {
        command.env("IN_WORK", "1");
    }
    let mut member = Member::start(&mut command);
    let processed = member.processed();
    if processed.iter().sum::<i64>() != PROCESSED as i64 {
        return Err(format!("it processed {processed:?}"));
    }
    match ending {
        Ending::Drop | Ending::Close => {}
        Ending::CtrlC => member.kill("-INT"),
        Ending::Sigterm => member.kill("-TERM"),
        Ending::Kill9 => member.kill("-KILL"),
        Ending::SecondMember => second_member(cluster, topic, &group, protocol, &processed)?,
    }
    if ending != Ending::SecondMember {
        let ended =
            eventually("the program ends", || member.child.try_wait().expect("it is there"));
        if ended.success() != ending.commits() {
            return Err(format!("it ended with {ended}"));
        }
    }
    let committed = committed(cluster, &group, topic);
    let expected = if ending.commits() { processed } else { [0, 0] };
    match committed == expected {
        true => Ok(committed),
        false => Err(format!("processed {processed:?}, committed {committed:?}")),
    }
}

/// A second member joins, and takes over where the first one has stopped.
fn second_member(
    cluster: &TestCluster,
    topic: &str,
    group: &str,
    protocol: &str,
    processed: &[i64; 2],
) -> Result<(), String> {
    let mut config = cluster.client_config(&[
        ("group.id", group),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "false"),
        ("fetch.wait.max.ms", "100"),
    ]);
    match protocol {
        "consumer" => config.set("group.protocol", "consumer"),
        strategy => config.set("partition.assignment.strategy", strategy),
    };
    let second: BaseConsumer = config.create().expect("the settings are valid");
    second.subscribe(&[topic]).expect("subscribed");
    let message = eventually("the second member reads", || second.poll(TURN));
    let message = message.map_err(|error| error.to_string())?;
    let begun = (message.partition(), message.offset());
    if begun.1 != processed[begun.0 as usize] || assignment(&second).len() != 1 {
        return Err(format!("processed {processed:?}, the second one began at {begun:?}"));
    }
    Ok(())
}

/// What the group has committed in each partition; nothing is 0, where it would begin.
fn committed(cluster: &TestCluster, group: &str, topic: &str) -> [i64; 2] {
    let asked = OffsetFetchRequestGroup::default().with_group_id(group_id(group));
    let request = OffsetFetchRequest::default().with_groups(vec![asked.with_topics(None)]);
    let answer = cluster.connect_to_coordinator(group).call(8, &request);
    let mut committed = [0; 2];
    for found in answer.groups[0].topics.iter().filter(|it| **it.name == *topic) {
        for partition in &found.partitions {
            committed[partition.partition_index as usize] = partition.committed_offset.max(0);
        }
    }
    committed
}

/// The program, which ends with its test.
struct Member {
    child: Child,
    /// Closed, it ends the program.
    _input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl Member {
    fn start(command: &mut Command) -> Member {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("its output is piped"));
        // A child that is waited for loses its input otherwise.
        let input = child.stdin.take();
        Member { child, _input: input, lines }
    }

    /// How many records of each partition it says that it has processed.
    fn processed(&mut self) -> [i64; 2] {
        let mut processed = [0; 2];
        let mut line = String::new();
        while !line.starts_with("processed ") {
            line.clear();
            assert_ne!(self.lines.read_line(&mut line).expect("text"), 0, "it ended early");
        }
        for one in line.split_whitespace().skip(1) {
            let (partition, count) = one.split_once(':').expect("partition:count");
            let partition: usize = partition.parse().expect("a number");
            processed[partition] = count.parse().expect("a number");
        }
        processed
    }

    fn kill(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill").args([signal, &id]).status().expect("there is kill").success()
        );
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
