//! `cargo workshop node` and `cargo workshop fault`, given from another process than the cluster's.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::process::{Data, Up, stderr};

const LIMIT: Duration = Duration::from_secs(30);

fn up(data: &Data) -> Up {
    Up::start(data, &["--port", "0", "--no-registry"])
}

fn config(up: &Up) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", up.bootstrap_servers());
    config
}

/// The states of the nodes, as status prints them.
fn states(data: &Data) -> Vec<String> {
    let status = data.printed(&["status"]);
    let nodes = status.lines().skip_while(|line| !line.starts_with("NODE")).skip(1);
    let nodes = nodes.take_while(|line| !line.is_empty());
    nodes.map(|line| line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")).collect()
}

/// What the command says on stderr when it is refused.
fn refused(data: &Data, arguments: &[&str]) -> String {
    let output = data.run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    stderr(&output)
}

/// Produces one record and answers with its offset.
async fn produce(producer: &FutureProducer) -> i64 {
    let record = FutureRecord::<(), str>::to("airports").partition(0).payload("EHAM");
    producer.send(record, LIMIT).await.map_err(|(error, _)| error).unwrap().offset
}

#[tokio::test]
async fn a_node_that_is_killed_from_another_process_is_gone_and_comes_back() {
    let data = Data::new();
    let up = up(&data);
    let producer: FutureProducer = config(&up).create().unwrap();
    assert_eq!(produce(&producer).await, 0);
    // The first one is also the one whose address everyone tries first.
    assert_eq!(data.printed(&["node", "1", "kill"]), "node 1 was killed\n");
    assert_eq!(states(&data), ["stopped", "running", "running"]);
    assert_eq!(produce(&producer).await, 1);

    assert!(data.printed(&["node", "1", "start"]).contains("runs again"));
    assert!(data.printed(&["node", "2", "stop"]).contains("in order"));
    assert!(data.printed(&["node", "3", "pause"]).contains("paused"));
    assert_eq!(states(&data), ["running", "stopped", "paused"]);
    data.printed(&["node", "3", "resume"]);
    data.printed(&["node", "3", "pause-replication"]);
    assert_eq!(states(&data), ["running", "stopped", "running, replication paused"]);
    data.printed(&["node", "3", "resume-replication"]);
    assert_eq!(states(&data), ["running", "stopped", "running"]);
}

#[test]
fn a_cluster_without_a_running_node_says_so_and_can_be_started_again() {
    let data = Data::new();
    let up = up(&data);
    for node in ["1", "2", "3"] {
        data.printed(&["node", node, "kill"]);
    }
    let status = data.printed(&["status"]);
    assert!(status.contains("all its nodes are down"), "{status}");
    assert_eq!(states(&data), ["stopped", "stopped", "stopped"]);
    data.printed(&["node", "3", "start"]);
    assert_eq!(states(&data), ["stopped", "stopped", "running"]);
    assert!(up.interrupt().1, "it ends in order with nodes that are down");
}

#[test]
fn a_change_that_changes_nothing_is_refused_and_says_what_would() {
    let data = Data::new();
    let _up = up(&data);
    let rows: [(&[&str], &str); 8] = [
        (&["node", "9", "kill"], "there is no node 9: the cluster has the nodes 1, 2, 3"),
        (&["node", "2", "start"], "node 2 is running"),
        (&["node", "2", "resume"], "node 2 pause`"),
        (&["node", "2", "resume-replication"], "is not paused"),
        (&["fault", "fail", "Prodce", "NOT_ENOUGH_REPLICAS"], "These can: Produce, Fetch"),
        (&["fault", "fail", "Produce", "NOT_ENOUGH_COFFEE"], "no error NOT_ENOUGH_COFFEE"),
        (&["fault", "drop-response", "Prodce"], "there is no API Prodce"),
        (&["fault", "delay", "5", "--node", "4"], "there is no node 4"),
    ];
    for (arguments, reason) in rows {
        let said = refused(&data, arguments);
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
    data.printed(&["node", "2", "kill"]);
    data.printed(&["node", "1", "pause-replication"]);
    assert!(refused(&data, &["node", "2", "stop"]).contains("`cargo workshop node 2 start`"));
    let again = refused(&data, &["node", "1", "pause-replication"]);
    assert!(again.contains("`cargo workshop node 1 resume-replication`"), "{again}");
}

#[tokio::test]
async fn an_answer_that_was_lost_on_purpose_was_written_all_the_same() {
    let data = Data::new();
    let up = up(&data);
    // Idempotence would have the next try taken for what it is.
    let producer: FutureProducer = config(&up)
        .set("enable.idempotence", "false")
        .set("retry.backoff.ms", "10")
        .create()
        .unwrap();
    produce(&producer).await;
    data.printed(&["fault", "drop-response", "produce"]);
    data.printed(&["fault", "fail", "Produce", "not-enough-replicas", "--times", "2"]);
    // Refused twice, then written and not told, then written once more.
    assert_eq!(produce(&producer).await, 2);
    let consumer: BaseConsumer = config(&up).create().unwrap();
    assert_eq!(consumer.fetch_watermarks("airports", 0, LIMIT).unwrap(), (0, 3));

    data.printed(&["fault", "fail", "Produce", "NOT_ENOUGH_REPLICAS", "--times", "65535"]);
    data.printed(&["fault", "delay", "600000"]);
    data.printed(&["fault", "clear"]);
    assert_eq!(produce(&producer).await, 3);
}

#[test]
fn without_a_cluster_an_order_says_how_to_start_one() {
    let data = Data::new();
    let said = refused(&data, &["node", "2", "kill"]);
    assert!(said.contains("`cargo workshop up`"), "{said}");
    assert!(!data.path().exists());

    up(&data).kill();
    assert!(data.path().join("control.json").exists(), "a killed process cannot clean up");
    let said = refused(&data, &["fault", "clear"]);
    assert!(said.contains("`cargo workshop up`"), "{said}");

    let mut elsewhere = data.command();
    elsewhere.args(["node", "2", "kill"]).env("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1");
    let said = stderr(&elsewhere.output().unwrap());
    assert!(said.contains("127.0.0.1:1") && said.contains("where they run"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_client_that_cannot_read_the_secret_gives_no_orders() {
    use std::os::unix::fs::PermissionsExt;
    let data = Data::new();
    let _up = up(&data);
    let file = data.path().join("control.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = std::fs::read_to_string(&file).unwrap();
    let (_, token) = secret.split_once("\"token\": \"").unwrap();
    let guessed = secret.replace(&token[..8], "00000000");
    std::fs::write(&file, guessed).unwrap();
    let said = refused(&data, &["node", "2", "kill"]);
    assert!(said.contains("does not take the order"), "{said}");
    std::fs::write(&file, secret).unwrap();
    data.printed(&["node", "2", "kill"]);
}
