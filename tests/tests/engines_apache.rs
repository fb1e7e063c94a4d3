//! The engine `apache`: nodes that come and go on request, as on the engine `embedded`, nothing
//! left behind whatever ends the process that holds them, and the chapter that breaks them.
//!
//! A node of Apache Kafka takes seconds to start and to end, so these tests run it only where
//! `WORKSHOP_ENGINE=apache` asks for it, and say so otherwise. They say so, too, where Java or
//! Maven is missing.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use engines::{Cluster, Engine, Error, Options};
use rdkafka::producer::{FutureRecord, Producer};
use workshop_tests::chapters::chapter_of;
use workshop_tests::examples::{Workplace, root};
use workshop_tests::raw::RawClient;
use workshop_tests::{DEADLINE, TestCluster, eventually, requests};

/// Held by the test that runs Java processes: those of all tests at once would starve each other.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The cluster, or `None` and a word about it where this machine cannot run one.
async fn start(nodes: usize) -> Option<Box<dyn Cluster>> {
    if !can_run().await {
        return None;
    }
    let options = Options { nodes, ..Options::default() };
    Some(Engine::Apache.start(&options).await.expect("this machine has what it needs"))
}

/// Whether Apache Kafka is asked for and can be run.
async fn can_run() -> bool {
    if Engine::from_environment().ok() != Some(Engine::Apache) {
        println!("skipped: WORKSHOP_ENGINE=apache runs it on Apache Kafka");
        return false;
    }
    match Engine::Apache.prepare().await {
        Err(error) if error.is_unavailable() => {
            println!("skipped: {error}");
            false
        }
        ready => {
            ready.expect("what is there can be made ready");
            true
        }
    }
}

/// The ids of the nodes that the node at `address` takes for alive.
fn known_to(address: &str) -> Vec<i32> {
    let mut client = RawClient::connect(address);
    let answer = client.call(12, &requests::metadata(&[]));
    let mut ids: Vec<i32> = answer.brokers.iter().map(|broker| broker.node_id.0).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn nodes_stop_die_pause_and_come_back() {
    let _turn = TURN.lock().await;
    let Some(cluster) = start(3).await else { return };
    check_that_nodes_come_and_go(&*cluster).await;
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_nodes_do_the_same() {
    let cluster = Engine::Embedded.start(&Options::default()).await.unwrap();
    check_that_nodes_come_and_go(&*cluster).await;
    cluster.stop().await.unwrap();
}

async fn check_that_nodes_come_and_go(cluster: &dyn Cluster) {
    let address = |id: i32| cluster.nodes()[id as usize - 1].address.to_string();
    for node in 1..=3 {
        assert_eq!(known_to(&address(node)), [1, 2, 3], "each knows all when the start returns");
    }
    let expect = |at: i32, ids: &[i32]| {
        eventually("the others notice", || (known_to(&address(at)) == ids).then_some(()));
    };

    cluster.stop_node(1).await.unwrap();
    expect(2, &[2, 3]);
    let error = cluster.stop_node(1).await.unwrap_err();
    assert!(matches!(error, Error::NodeState { id: 1, state: "stopped", .. }), "{error}");
    cluster.start_node(1).await.unwrap();
    expect(2, &[1, 2, 3]);

    cluster.kill_node(2).await.unwrap();
    TcpStream::connect(address(2)).expect_err("a killed node listens no more");
    expect(3, &[1, 3]);
    cluster.start_node(2).await.unwrap();

    cluster.pause_node(3).await.unwrap();
    TcpStream::connect(address(3)).expect("a paused node's sockets are there");
    expect(1, &[1, 2]);
    let error = cluster.pause_node(3).await.unwrap_err();
    assert!(matches!(error, Error::NodeState { id: 3, state: "paused", .. }), "{error}");
    cluster.resume_node(3).await.unwrap();
    expect(1, &[1, 2, 3]);
    let error = cluster.start_node(4).await.unwrap_err();
    assert!(matches!(error, Error::NoSuchNode { id: 4, nodes: 3 }), "{error}");
}

#[tokio::test]
async fn a_single_node_takes_topics_transactions_and_the_id_that_it_says_it_has() {
    let _turn = TURN.lock().await;
    let Some(cluster) = start(1).await else { return };
    let servers = cluster.bootstrap_servers().to_owned();
    let client = TestCluster::at(&servers);
    let answer = client.connect().call(12, &requests::metadata(&[]));
    assert_eq!(answer.cluster_id.unwrap().as_str(), cluster.cluster_id());
    let topic = client.create_topic_with(2, 1, &[]);
    let producer = client.producer(&[("transactional.id", &topic)]);
    producer.init_transactions(DEADLINE).unwrap();
    producer.begin_transaction().unwrap();
    let record = FutureRecord::<(), str>::to(&topic).payload("EHAM");
    producer.send(record, DEADLINE).await.map_err(|(error, _)| error).unwrap();
    producer.commit_transaction(DEADLINE).unwrap();
    drop((producer, client));
    cluster.stop().await.unwrap();
    TcpStream::connect(&servers).expect_err("a stopped cluster listens no more");
}

/// A process that holds a cluster of one node, and the temporary directory that it was given.
struct Holder {
    child: Child,
    address: String,
    temporary: tempfile::TempDir,
}

impl Holder {
    fn start(end: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine-host"));
        command.args(["apache", "1", end]).env("TMPDIR", temporary.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut address = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut address).unwrap();
        assert!(!address.is_empty(), "it ended before the cluster was there");
        let holder = Holder { child, address: address.trim().to_owned(), temporary };
        assert_eq!(known_to(&holder.address), [1]);
        assert_eq!(holder.directories(), 1, "the cluster's data is where the options say");
        holder
    }

    fn directories(&self) -> usize {
        std::fs::read_dir(self.temporary.path()).unwrap().count()
    }

    /// Has it come to the end that was chosen for it.
    fn end(&mut self) {
        self.child.stdin.take().unwrap().write_all(b"end\n").unwrap();
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    /// Waits until the process, its node and its directory are gone.
    fn expect_nothing_left(mut self) {
        self.child.wait().unwrap();
        eventually("the node is gone", || TcpStream::connect(&self.address).err());
        eventually("the directory is gone", || (self.directories() == 0).then_some(()));
    }
}

#[tokio::test]
async fn nothing_is_left_whatever_ends_the_process_that_holds_a_cluster() {
    let _turn = TURN.lock().await;
    if !can_run().await {
        return;
    }
    let starting = ["drop", "panic", "INT", "KILL"]
        .map(|end| (end, std::thread::spawn(move || Holder::start(end))));
    let mut holders = starting.map(|(end, starting)| (end, starting.join().unwrap()));
    for (end, holder) in &mut holders {
        match *end {
            "drop" | "panic" => holder.end(),
            signal => holder.signal(signal),
        }
    }
    for (_, holder) in holders {
        holder.expect_nothing_left();
    }
}

/// What the example that breaks brokers may take: it starts three Java processes, kills one, waits
/// until that is missed, and starts it again.
const FAILOVER_LIMIT: Duration = Duration::from_secs(180);

/// The rows of the table at the end of 21_failover, without its last column, which is of times.
fn failover_table(printed: &str) -> Vec<&str> {
    let table = printed.lines().skip_while(|line| !line.starts_with("acks  min.insync.replicas"));
    let mut table = table.take(5);
    let head = table.next().unwrap();
    let width = head.find("leader away").unwrap();
    let rows: Vec<&str> = table.map(|row| row[..width].trim_end()).collect();
    assert!(rows.len() == 4 && rows.iter().all(|row| row.contains("20")), "{rows:?}");
    rows
}

#[tokio::test]
async fn failover_loses_and_refuses_on_apache_kafka_what_the_chapter_says() {
    let _turn = TURN.lock().await;
    if !can_run().await {
        return;
    }
    let chapter = std::fs::read_to_string(root().join(chapter_of("21_failover"))).unwrap();
    let printed = Workplace::fresh().start("21_failover", &[]).end_within(FAILOVER_LIMIT);
    assert!(printed.stderr.contains("workshop: apache cluster of 3 nodes"), "{printed:?}");
    assert_eq!(failover_table(&printed.stdout), failover_table(&chapter));
}
