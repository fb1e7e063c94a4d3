//! The exercise of chapter 07: members that count the records of their partitions, and keep the
//! counts in files. However often they are stopped and started, every record counts once.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use helpers::ProducerBuilder;
use rdkafka::consumer::Consumer;
use rdkafka::producer::BaseRecord;
use rdkafka::topic_partition_list::{TopicPartitionList, TopicPartitionListElem};
use workshop_tests::{DEADLINE, TestCluster, eventually};

const MEMBER: &str = env!("CARGO_BIN_EXE_partition-counter");
const PARTITIONS: i32 = 3;
const AIRPORTS: i64 = 7884;

/// A process of its own. Dropped, it is killed.
struct Member {
    child: Child,
    reader: Option<JoinHandle<()>>,
}

impl Member {
    /// `reads` grows with every record that it has counted.
    fn start(arguments: &[&str], reads: &Arc<AtomicUsize>) -> Member {
        let mut command = Command::new(MEMBER);
        let child = command.args(arguments).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("the member starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (reads, mut lines) = (Arc::clone(reads), BufReader::new(stdout).lines());
        assert_eq!(lines.next().and_then(Result::ok).as_deref(), Some("started"));
        let reader = std::thread::spawn(move || {
            for _ in lines.map_while(Result::ok) {
                reads.fetch_add(1, Ordering::Relaxed);
            }
        });
        Member { child, reader: Some(reader) }
    }

    /// Ctrl-C: it gives up its partitions, and ends well.
    fn stop(mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status();
        assert!(sent.expect("kill is there").success());
        let status = eventually("the member ends", || self.child.try_wait().expect("it is ours"));
        assert!(status.success(), "the member ended with {status}");
    }

    /// SIGKILL: no callback runs.
    fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
        self.reader.take().expect("it is joined once").join().expect("it does not panic");
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All airports in a topic, and a directory for the counts.
struct Exercise {
    cluster: TestCluster,
    topic: String,
    group: String,
    counts: tempfile::TempDir,
    settings: Vec<String>,
    /// How many records the members have counted, those that were killed too.
    reads: Arc<AtomicUsize>,
}

impl Exercise {
    async fn prepare(settings: &[(&str, &str)]) -> Exercise {
        let cluster = TestCluster::start().await;
        let (topic, group) = (cluster.create_topic(PARTITIONS), cluster.group_name());
        let producer = ProducerBuilder::new(cluster.bootstrap_servers()).build().await;
        let producer = producer.expect("the cluster answers");
        for airport in airports::all().expect("the airports are there") {
            let value = serde_json::to_vec(&airport).expect("an airport is JSON");
            producer
                .send(BaseRecord::to(&topic).key(&airport.iata).payload(&value))
                .expect("there is room");
        }
        let flushed = producer.flush(DEADLINE).expect("every record is delivered");
        assert_eq!(flushed.delivered, AIRPORTS as u64);
        let counts = tempfile::tempdir().expect("a temporary directory can be made");
        let settings = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Exercise { cluster, topic, group, counts, settings, reads: Arc::default() }
    }

    fn start(&self) -> Member {
        let directory = self.counts.path().to_str().expect("the path is text");
        let servers = self.cluster.bootstrap_servers();
        let mut arguments = vec![servers, &self.group, &self.topic, directory];
        arguments.extend(self.settings.iter().map(String::as_str));
        Member::start(&arguments, &self.reads)
    }

    /// How many reads it will be when all that is not committed now has been read.
    fn all_reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed) + (AIRPORTS - self.committed()) as usize
    }

    /// Waits until so many more records were counted, or `all`.
    fn wait_for(&self, more: usize, all: usize) {
        let wanted = all.min(self.reads.load(Ordering::Relaxed) + more);
        eventually("records are counted", || {
            (self.reads.load(Ordering::Relaxed) >= wanted).then_some(())
        });
    }

    fn committed(&self) -> i64 {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(&self.topic, 0, PARTITIONS - 1);
        let asking = self.cluster.consumer(&self.group, &[]);
        let committed = asking.committed_offsets(list, DEADLINE).expect("the coordinator answers");
        let offsets =
            committed.elements().iter().map(TopicPartitionListElem::offset).collect::<Vec<_>>();
        offsets.iter().filter_map(|it| it.to_raw()).filter(|it| *it > 0).sum()
    }

    fn counted(&self) -> i64 {
        (0..PARTITIONS).map(|partition| count(self.counts.path(), partition)).sum()
    }
}

fn count(directory: &Path, partition: i32) -> i64 {
    let file = std::fs::read_to_string(directory.join(partition.to_string()));
    file.map_or(0, |count| count.parse().expect("a file holds a count"))
}

/// Stops and starts the three members until everything is committed.
fn stop_and_start(exercise: &Exercise) {
    let (mut rounds, mut in_the_middle) = (0, 0);
    while exercise.committed() < AIRPORTS {
        let (all, members) = (exercise.all_reads(), [(); 3].map(|()| exercise.start()));
        for member in members {
            exercise.wait_for(300, all);
            in_the_middle += usize::from(exercise.reads.load(Ordering::Relaxed) < all);
            member.stop();
        }
        rounds += 1;
        assert_eq!(exercise.counted(), exercise.committed(), "after {rounds} rounds");
    }
    assert!(in_the_middle > 0, "no one was stopped in the middle");
    assert_eq!(exercise.counted(), AIRPORTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_airport_counts_once_however_often_members_are_stopped() {
    stop_and_start(&Exercise::prepare(&[("partition.assignment.strategy", "range")]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_airport_counts_once_with_cooperative_sticky() {
    let strategy = ("partition.assignment.strategy", "cooperative-sticky");
    stop_and_start(&Exercise::prepare(&[strategy]).await);
}

/// A member that is killed has neither written its counts nor committed what they count.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_member_has_counted_is_counted_again() {
    let exercise = Exercise::prepare(&[("session.timeout.ms", "6000")]).await;
    let killed = exercise.start();
    exercise.wait_for(300, exercise.all_reads());
    killed.kill();
    assert_eq!((exercise.counted(), exercise.committed()), (0, 0));
    stop_and_start(&exercise);
}
