//! Which cluster an example talks to, when there is none, one, or several examples at once.
//!
//! Locks are between open files, so several users in one process meet as several processes do. That
//! a cluster in another process is found, outlived and replaced is tested with the command.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use workshop::{Choice, Cluster, DataDirectory, Error, Source};
use workshop_tests::DEADLINE;

/// Long enough for something that must not happen to happen.
const EARLY: Duration = Duration::from_millis(200);

struct Directory {
    directory: tempfile::TempDir,
}

impl Directory {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn choice(&self) -> Choice {
        let data = DataDirectory::at(self.directory.path().join("data"));
        Choice { bootstrap_servers: None, data, wire: false }
    }

    async fn cluster(&self) -> Cluster {
        self.choice().cluster().await.unwrap()
    }
}

fn config(cluster: &Cluster) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers());
    config
}

/// The names of the topics on the cluster, and how many nodes it has.
fn topics_and_nodes(cluster: &Cluster) -> (Vec<String>, usize) {
    let consumer: BaseConsumer = config(cluster).create().unwrap();
    let metadata = consumer.fetch_metadata(None, DEADLINE).unwrap();
    let topics = metadata.topics().iter().map(|topic| topic.name().to_owned()).collect();
    (topics, metadata.brokers().len())
}

async fn create_topic(cluster: &Cluster, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = config(cluster).create().unwrap();
    let new = NewTopic::new(topic, 1, TopicReplication::Fixed(3));
    let options = AdminOptions::new().operation_timeout(Some(DEADLINE));
    for created in admin.create_topics([&new], &options).await.unwrap() {
        created.unwrap();
    }
}

#[tokio::test]
async fn what_one_run_created_is_there_for_the_next() {
    let directory = Directory::new();
    let first = directory.cluster().await;
    assert_eq!(first.source(), Source::Embedded);
    create_topic(&first, "airports").await;
    first.close().await.unwrap();

    let second = directory.cluster().await;
    assert_eq!(second.source(), Source::Embedded);
    assert_eq!(topics_and_nodes(&second), (vec!["airports".to_owned()], 3));
    second.close().await.unwrap();
}

#[tokio::test]
async fn the_host_stays_until_the_last_other_has_let_go() {
    let directory = Directory::new();
    let host = directory.cluster().await;
    let second = directory.cluster().await;
    assert_eq!(second.source(), Source::Running);
    assert_eq!(second.bootstrap_servers(), host.bootstrap_servers());

    let mut closing = Box::pin(host.close());
    assert!(tokio::time::timeout(EARLY, &mut closing).await.is_err(), "the second still uses it");
    let third = directory.cluster().await;
    assert_eq!(third.source(), Source::Running, "an arrival keeps a host that is waiting");
    second.close().await.unwrap();
    assert!(tokio::time::timeout(EARLY, &mut closing).await.is_err(), "the third still uses it");
    assert_eq!(topics_and_nodes(&third).1, 3);
    third.close().await.unwrap();
    tokio::time::timeout(DEADLINE, closing).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_start_at_the_same_moment_one_hosts() {
    let directory = Directory::new();
    let starts: Vec<_> = (0..8).map(|_| tokio::spawn(directory.choice().cluster())).collect();
    let mut clusters = Vec::new();
    for start in starts {
        clusters.push(start.await.unwrap().unwrap());
    }
    let hosts = clusters.iter().filter(|cluster| cluster.source() == Source::Embedded).count();
    assert_eq!(hosts, 1);
    for cluster in &clusters {
        assert_eq!(cluster.bootstrap_servers(), clusters[0].bootstrap_servers());
    }
    // Guests first: the host would wait for them.
    clusters.sort_by_key(|cluster| cluster.source() == Source::Embedded);
    for cluster in clusters {
        cluster.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_comes_while_others_leave_has_a_cluster_that_responds() {
    let directory = Directory::new();
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let choice = directory.choice();
            tokio::spawn(async move {
                for _ in 0..5 {
                    let cluster = choice.clone().cluster().await.unwrap();
                    let answered = tokio::task::block_in_place(|| topics_and_nodes(&cluster));
                    assert_eq!(answered.1, 3);
                    cluster.close().await.unwrap();
                }
            })
        })
        .collect();
    for run in runs {
        run.await.unwrap();
    }
}

#[tokio::test]
async fn a_host_that_is_dropped_leaves_the_place_free() {
    let directory = Directory::new();
    drop(directory.cluster().await);
    assert!(directory.choice().find().await.unwrap().is_none());
    let next = directory.cluster().await;
    assert_eq!(next.source(), Source::Embedded);
    next.close().await.unwrap();
}

#[tokio::test]
async fn a_host_that_is_dropped_while_others_use_it_stays_for_them() {
    let directory = Directory::new();
    let host = directory.cluster().await;
    let guest = directory.cluster().await;
    let dropped = Instant::now();
    let dropping = tokio::task::spawn_blocking(move || drop(host));
    let mut dropping = Box::pin(dropping);
    assert!(tokio::time::timeout(EARLY, &mut dropping).await.is_err(), "the guest still uses it");
    assert_eq!(topics_and_nodes(&guest).1, 3);
    guest.close().await.unwrap();
    dropping.await.unwrap();
    assert!(dropped.elapsed() < Duration::from_secs(9), "it waited longer than for the guest");
    assert!(directory.choice().find().await.unwrap().is_none());
}

#[tokio::test]
async fn looking_for_a_cluster_starts_none() {
    let directory = Directory::new();
    assert!(directory.choice().find().await.unwrap().is_none());
    assert!(!directory.choice().data.path().exists());
}

#[tokio::test]
async fn a_cluster_that_is_named_comes_before_one_that_runs() {
    let directory = Directory::new();
    let other = Directory::new();
    let running = directory.cluster().await;
    let named = other.cluster().await;
    let servers = named.bootstrap_servers().to_owned();
    let choice = Choice { bootstrap_servers: Some(servers.clone()), ..directory.choice() };
    let chosen = choice.cluster().await.unwrap();
    assert_eq!((chosen.source(), chosen.bootstrap_servers()), (Source::Environment, &*servers));
    for cluster in [chosen, running, named] {
        cluster.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_named_cluster_that_is_silent_is_an_error_after_five_seconds() {
    let directory = Directory::new();
    // It accepts connections and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let choice = Choice { bootstrap_servers: Some(address.clone()), ..directory.choice() };
    let asked = Instant::now();
    let error = choice.cluster().await.unwrap_err();
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&address), "{error}");
}
