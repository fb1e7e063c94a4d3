//! What a chapter shows under "In your project" builds and runs in a project that has nothing else.
//!
//! The pages with Kafka's client are built and run; those with a schema registry's client are only
//! checked, because an HTTP client takes long to build.

use std::collections::BTreeMap;
use std::io::{Seek, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rdkafka::config::{ClientConfig, FromClientConfig};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Message, Offset, TopicPartitionList};
use workshop_tests::eventually;
use workshop_tests::examples::RunningExample;
use workshop_tests::your_project::{Packages, Project};

use crate::{chapters, read};

const LIMIT: Duration = Duration::from_secs(10);

/// What chapter 1 creates, and what chapter 3 sends.
const PARTITIONS: i32 = 6;
const ORDERS: usize = 5000;

/// What the section of each page says; or what it lacks.
fn projects() -> Vec<Project> {
    let projects = chapters().into_iter().map(|page| Project::of(&page, &read(&page)));
    let (found, missing): (Vec<_>, Vec<_>) = projects.partition(Result::is_ok);
    let missing: Vec<String> = missing.into_iter().filter_map(Result::err).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    found.into_iter().filter_map(Result::ok).collect()
}

fn needs_kafka(project: &Project) -> bool {
    project.dependencies.contains("\nrdkafka = ")
}

/// The programs of all pages with Kafka's client, by their names.
fn programs() -> &'static BTreeMap<String, PathBuf> {
    static PROGRAMS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let packages = Packages::write(projects());
        let programs = packages.build(needs_kafka);
        packages.check(|project| !needs_kafka(project));
        let beyond = packages.crates_beyond_the_workspace();
        assert!(beyond.is_empty(), "add to the feature `pages` of tests/Cargo.toml: {beyond:?}");
        programs
    })
}

#[test]
fn every_chapter_shows_a_whole_program_and_explains_its_features() {
    for Project { name, section, dependencies, program, .. } in &projects() {
        assert!(dependencies.starts_with("[dependencies]\n"), "{name}");
        let published =
            ["path =", "git =", "workspace ="].iter().all(|it| !dependencies.contains(it));
        assert!(published, "{name} needs more than published crates");
        assert!(program.contains("fn main()"), "{name}");
        let code = program.lines().map(str::trim);
        let lines = code.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
        assert!((15..=80).contains(&lines), "{name} has {lines} lines of code");
        let wide: Vec<&str> = program.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(wide.is_empty(), "{name}: {wide:?}");
        assert!(section.contains("\n[dependencies]"), "{name}");
    }
    for project in &projects() {
        let unexplained: Vec<&str> = (project.features().into_iter())
            .filter(|feature| !project.section.contains(&format!("`{feature}`")))
            .collect();
        assert!(unexplained.is_empty(), "{} does not explain {unexplained:?}", project.name);
    }
}

#[test]
fn what_a_chapter_shows_builds_in_an_empty_project() {
    let expected: Vec<String> =
        projects().into_iter().filter(needs_kafka).map(|project| project.name).collect();
    let built: Vec<&String> = programs().keys().collect();
    assert_eq!(built, expected.iter().collect::<Vec<_>>());
}

/// A cluster with the topic of the pages, on which their programs run.
struct Shop {
    cluster: embedded_kafka::Cluster,
}

impl Shop {
    /// Creates the topic, as chapter 1 does.
    async fn empty() -> Shop {
        let cluster = embedded_kafka::Cluster::builder().nodes(3).start().await;
        let cluster = cluster.expect("an embedded cluster starts");
        let shop = Shop { cluster };
        assert_eq!(shop.run("01"), "orders created\n");
        shop
    }

    /// Creates the topic, and sends orders, as chapter 3 does.
    async fn open() -> Shop {
        let shop = Shop::empty().await;
        assert_eq!(shop.run("03"), "5000 orders delivered\n");
        shop
    }

    fn command(&self, chapter: &str) -> Command {
        let mut command = Command::new(&programs()[&format!("chapter-{chapter}")]);
        command.env("KAFKA_BOOTSTRAP_SERVERS", self.cluster.bootstrap_servers());
        command.env_remove("POD_NAME").stdin(Stdio::null());
        command
    }

    fn run_with(&self, chapter: &str, arguments: &[&str]) -> String {
        let mut command = self.command(chapter);
        command.args(arguments);
        RunningExample::spawn(chapter, command).end().stdout
    }

    fn start(&self, chapter: &str) -> RunningExample {
        RunningExample::spawn(chapter, self.command(chapter))
    }

    /// Runs a program to its end, and returns what it printed.
    fn run(&self, chapter: &str) -> String {
        self.start(chapter).end().stdout
    }

    fn client<T: FromClientConfig>(&self, group: &str) -> T {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.cluster.bootstrap_servers()).set("group.id", group);
        config.set("enable.partition.eof", "true");
        config.create().expect("the settings are right")
    }

    /// The sum of the offsets that a group has committed for the orders.
    fn committed(&self, group: &str) -> i64 {
        let client: BaseConsumer = self.client(group);
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_range("orders", 0, PARTITIONS - 1);
        let committed = client.committed_offsets(partitions, LIMIT).expect("it has a coordinator");
        let elements = committed.elements();
        let offsets = elements.iter().filter_map(|it| it.offset().to_raw());
        offsets.filter(|offset| *offset > 0).sum()
    }

    /// The values of a topic, as a reader of committed records sees them.
    fn values_in(&self, topic: &str) -> Vec<String> {
        let client: BaseConsumer = self.client("not-joined");
        let metadata = client.fetch_metadata(Some(topic), LIMIT).expect("a broker responds");
        let mut open = metadata.topics()[0].partitions().len();
        let mut assignment = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            let begin = Offset::Beginning;
            assignment.add_partition_offset(topic, partition.id(), begin).expect("it is an offset");
        }
        client.assign(&assignment).expect("the partitions are there");
        drop(assignment);
        let mut values = Vec::new();
        while open > 0 {
            match client.poll(LIMIT).expect("every partition has an end") {
                Ok(message) => {
                    let value = message.payload().unwrap_or_default();
                    values.push(String::from_utf8_lossy(value).into_owned());
                }
                Err(KafkaError::PartitionEOF(_)) => open -= 1,
                Err(error) => panic!("{topic}: {error}"),
            }
        }
        values
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_commits_all_that_it_has_processed_when_it_is_terminated() {
    let shop = Shop::open().await;
    let groups = [
        ("04", "billing"),
        ("07", "shipping"),
        ("08", "ledger"),
        ("09", "mailing"),
        ("14", "notifications"),
    ];
    let running = groups.map(|(chapter, group)| (shop.start(chapter), group));
    for (program, group) in running {
        eventually(&format!("{group} has read all orders"), || {
            (program.stdout().matches("order ").count() == ORDERS).then_some(())
        });
        program.terminate();
        let printed = program.end();
        assert_eq!(shop.committed(group), ORDERS as i64, "{group}: {}", printed.stderr);
    }
    let lag = shop.run("24");
    assert_eq!(lag.matches("group_lag{group=\"billing\"").count(), PARTITIONS as usize, "{lag}");
    assert!(lag.lines().all(|it| it.starts_with('#') || it.ends_with(" 0")), "{lag}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_starts_again_neither_loses_nor_repeats_an_invoice() {
    let shop = Shop::open().await;
    let first = shop.start("11");
    eventually("the first worker has committed", || (shop.committed("invoices") > 0).then_some(()));
    first.terminate();
    first.end();
    let second = shop.start("11");
    eventually("the second worker has read the rest", || {
        (shop.committed("invoices") == ORDERS as i64).then_some(())
    });
    second.terminate();
    second.end();
    let mut invoices = shop.values_in("invoices");
    assert_eq!(invoices.len(), ORDERS);
    invoices.sort();
    invoices.dedup();
    assert_eq!(invoices.len(), ORDERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_by_itself_does_what_its_chapter_says() {
    let shop = Shop::open().await;
    for _ in ["once", "and again"] {
        let all = shop.run_with("00", &["orders"]);
        assert_eq!(all.lines().filter(|line| line.starts_with("orders[")).count(), ORDERS);
    }
    assert_eq!(shop.committed("not-joined"), 0, "reading leaves no trace");
    assert_eq!(shop.run("01"), "orders exists\n");
    assert_eq!(shop.run("02").matches("3 of 3 in sync").count(), PARTITIONS as usize);
    let keyed = shop.run("06");
    let of_ada: Vec<&str> = keyed.lines().filter(|it| it.starts_with("ada")).collect();
    assert_eq!(of_ada.len(), 2, "{keyed}");
    assert_eq!(shop.run("10"), "transferred in attempt 1\n");
    assert_eq!(shop.values_in("bookings").len(), 2);
    assert!(shop.run("13").contains("\"offset\": 42"));
    assert_eq!(shop.run("21").matches("customer-").count(), 10);

    let producer: FutureProducer = shop.client("not-joined");
    for (key, price) in
        [("tea", Some("7")), ("milk", Some("2")), ("tea", Some("8")), ("milk", None)]
    {
        let mut record = FutureRecord::<_, str>::to("prices").key(key);
        record.payload = price;
        producer.send(record, LIMIT).await.expect("the cluster creates the topic");
    }
    assert_eq!(shop.run("22"), "1 keys\n");

    let deleted = shop.run_with("05", &["orders", "orders-of-last-year"]);
    assert_eq!(deleted, "orders deleted\norders-of-last-year is gone\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_broken_is_skipped_by_a_producer_and_set_aside_by_a_consumer() {
    let shop = Shop::empty().await;
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(b"{\"id\":1}\nno JSON\n{\"id\":\"two\"}\n").unwrap();
    input.rewind().unwrap();
    let mut command = shop.command("12");
    command.stdin(input);
    let sent = RunningExample::spawn("12", command).end();
    assert_eq!(sent.stdout, "2 delivered, 0 failed, 1 skipped\n");

    // The three orders of chapter 6 are no JSON.
    shop.run("06");
    let consumer = shop.start("25");
    eventually("the group has read all", || (shop.committed("warehouse") == 5).then_some(()));
    consumer.terminate();
    let printed = consumer.end();
    let mut orders: Vec<&str> = printed.stdout.lines().collect();
    orders.sort_unstable();
    assert_eq!(orders, ["{\"id\":\"two\"}", "{\"id\":1}"]);
    let mut letters = shop.values_in("orders-dead-letters");
    letters.sort_unstable();
    assert_eq!(letters, ["milk", "sugar", "tea"]);
    assert!(printed.stderr.contains("dead letter orders["), "{}", printed.stderr);
}
