//! `cargo workshop up` and `reset`, and what happens when a cluster ends in one way or another.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::process::{Data, Up, entries, stderr};
use workshop::{Choice, DataDirectory, Source};

const LIMIT: Duration = Duration::from_secs(30);

/// A port to which a cluster can come back after a kill.
fn free_port() -> String {
    engines::free_ports(1)[0].to_string()
}

fn choice(data: &Data) -> Choice {
    Choice { bootstrap_servers: None, data: DataDirectory::at(data.path()), wire: false }
}

#[tokio::test]
async fn a_cluster_that_is_up_is_found_and_ends_on_ctrl_c() {
    let data = Data::new();
    let up = Up::start(&data, &["--port", "0"]);
    assert_eq!(up.bootstrap_servers().split(',').count(), 3);
    let found = choice(&data).find().await.unwrap().expect("it runs");
    assert_eq!(found.bootstrap_servers, up.bootstrap_servers());
    assert_eq!(found.process_id, Some(up.process_id()));

    let (rest, success) = up.interrupt();
    assert!(success && rest.contains("Shutting down"), "{rest}");
    assert!(!rest.contains("still uses"), "{rest}");
    assert!(choice(&data).find().await.unwrap().is_none());
    assert!(data.printed(&["status"]).contains("No cluster runs here."));
}

#[tokio::test]
async fn an_example_uses_the_cluster_that_is_up_and_is_missed_when_that_ends() {
    let data = Data::new();
    let up = Up::start(&data, &["--port", "0"]);
    let cluster = choice(&data).cluster().await.unwrap();
    assert_eq!(cluster.source(), Source::Running);
    assert_eq!(cluster.bootstrap_servers(), up.bootstrap_servers());
    let (rest, success) = up.interrupt();
    assert!(success && rest.contains("still uses this cluster"), "{rest}");
    cluster.close().await.unwrap();
}

#[test]
fn a_schema_registry_runs_with_the_cluster_and_on_another_port_where_its_own_is_taken() {
    let data = Data::new();
    let neighbor = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = neighbor.local_addr().unwrap().port().to_string();
    let up = Up::start(&data, &["--port", "0", "--registry-port", &taken]);
    assert!(up.greeting.contains(&format!("(port {taken} is taken)")), "{}", up.greeting);
    let (_, url) = up.greeting.split_once("SCHEMA_REGISTRY_URL=http://").unwrap();
    let mut stream = TcpStream::connect(url.lines().next().unwrap()).unwrap();
    stream.write_all(b"GET /subjects HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("[]"), "{answer}");
    let (rest, success) = up.interrupt();
    assert!(success, "{rest}");
}

#[test]
fn a_cluster_can_be_had_without_a_schema_registry() {
    let data = Data::new();
    let up = Up::start(&data, &["--port", "0", "--no-registry"]);
    assert!(!up.greeting.contains("registry"), "{}", up.greeting);
}

#[test]
fn a_cluster_with_data_elsewhere_says_what_its_examples_need() {
    let data = Data::new();
    let up = Up::start(&data, &["--port", "0", "--no-registry"]);
    let export = format!("\n  export WORKSHOP_DATA='{}'\n", data.path().display());
    assert!(up.greeting.contains(&export), "{}", up.greeting);
    assert!(!up.greeting.contains("by themselves"), "{}", up.greeting);
}

#[test]
fn a_second_up_is_refused_and_names_the_first() {
    let data = Data::new();
    let up = Up::start(&data, &["--port", "0"]);
    let second = data.run(&["up", "--port", "0"]);
    assert_eq!(second.status.code(), Some(1));
    let error = stderr(&second);
    assert!(error.contains(&up.bootstrap_servers()), "{error}");
    assert!(error.contains(&format!("process {}", up.process_id())), "{error}");
}

#[test]
fn a_port_that_is_taken_is_replaced_and_said() {
    let data = Data::new();
    let neighbor = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = neighbor.local_addr().unwrap().port().to_string();
    let up = Up::start(&data, &["--nodes", "1", "--port", &taken]);
    assert!(up.greeting.contains(&format!("(port {taken} is taken)")), "{}", up.greeting);
    assert!(!up.bootstrap_servers().ends_with(&format!(":{taken}")));
}

#[test]
fn a_port_that_is_free_is_used() {
    let data = Data::new();
    let free = free_port();
    let up = Up::start(&data, &["--nodes", "1", "--port", &free]);
    assert_eq!(up.bootstrap_servers(), format!("127.0.0.1:{free}"));
}

#[tokio::test]
async fn a_killed_cluster_is_replaced_on_the_ports_that_its_clients_know() {
    let data = Data::new();
    let up = Up::start(&data, &["--port", &free_port()]);
    let servers = up.bootstrap_servers();
    up.kill();
    assert!(data.path().join("running.json").exists(), "a killed process cannot clean up");
    assert!(data.printed(&["status"]).contains("No cluster runs here."));

    let cluster = choice(&data).cluster().await.unwrap();
    assert_eq!(cluster.source(), Source::Embedded);
    assert_eq!(cluster.bootstrap_servers(), servers);
    cluster.close().await.unwrap();
    assert!(!data.path().join("running.json").exists());
}

#[tokio::test]
async fn a_client_of_a_killed_cluster_goes_on_with_the_next() {
    let data = Data::new();
    let up = Up::start(&data, &["--port", &free_port()]);
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", up.bootstrap_servers());
    let producer: FutureProducer = config.create().unwrap();
    let record = || FutureRecord::<(), str>::to("airports").partition(0).payload("EHAM");
    let before = producer.send(record(), LIMIT).await.map_err(|(error, _)| error).unwrap();
    up.kill();

    let cluster = choice(&data).cluster().await.unwrap();
    let after = producer.send(record(), LIMIT).await.map_err(|(error, _)| error).unwrap();
    assert_eq!((before.offset, after.offset), (0, 1));
    drop(producer);
    cluster.close().await.unwrap();
}

#[test]
fn each_answered_request_is_a_line_on_stderr_where_the_wire_is_asked_for() {
    let data = Data::new();
    let lines = tempfile::NamedTempFile::new().unwrap();
    let mut command = data.command();
    command.args(["up", "--port", "0"]).env("WORKSHOP_WIRE", "1");
    let up = Up::start_command(command.stderr(lines.reopen().unwrap()));
    data.printed(&["status"]);
    assert!(up.interrupt().1);
    let lines = std::fs::read_to_string(lines.path()).unwrap();
    assert!(lines.lines().any(|line| line.contains("Metadata v")), "{lines}");
    assert!(lines.lines().any(|line| line.contains("ListGroups v")), "{lines}");
}

#[test]
fn a_reset_leaves_nothing_but_lock_files() {
    let data = Data::new();
    assert!(data.printed(&["reset"]).contains("nothing to remove"));
    let (_, success) = Up::start(&data, &["--port", "0"]).interrupt();
    assert!(success);

    let unasked = data.run(&["reset"]);
    assert_eq!(unasked.status.code(), Some(1));
    assert!(stderr(&unasked).contains("--yes"), "{}", stderr(&unasked));
    assert!(data.path().join("cluster").exists(), "it was emptied without a yes");

    assert!(data.printed(&["reset", "--yes"]).contains("Removed"));
    assert_eq!(entries(&data.path()), ["host.lock", "users.lock"]);
    let (_, success) = Up::start(&data, &["--port", "0"]).interrupt();
    assert!(success, "a directory that was reset can be used again");
}

#[test]
fn a_reset_is_refused_while_a_cluster_runs() {
    let data = Data::new();
    let _up = Up::start(&data, &["--port", "0"]);
    let refused = data.run(&["reset", "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("End it first"), "{}", stderr(&refused));
    assert!(data.path().join("cluster").exists());
}

#[test]
fn a_directory_that_is_not_the_workshops_is_left_alone() {
    let data = Data::new();
    std::fs::create_dir(data.path()).unwrap();
    std::fs::write(data.path().join("thesis.tex"), "mine").unwrap();
    for arguments in [["reset", "--yes"], ["up", "--port=0"]] {
        let refused = data.run(&arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains("thesis.tex"), "{}", stderr(&refused));
    }
    assert_eq!(entries(&data.path()), ["thesis.tex"]);
}

#[test]
fn a_directory_of_another_version_is_refused_until_it_is_reset() {
    let data = Data::new();
    std::fs::create_dir(data.path()).unwrap();
    let marker = data.path().join("workshop.json");
    std::fs::write(&marker, r#"{"what": "a later workshop", "format": 99}"#).unwrap();
    let refused = data.run(&["up", "--port", "0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("`cargo workshop reset`"), "{}", stderr(&refused));
    data.printed(&["reset", "--yes"]);
    Up::start(&data, &["--port", "0"]);
}

#[test]
fn a_command_gets_the_cluster_and_its_exit_code_is_the_answer() {
    let data = Data::new();
    let script = "test -n \"$KAFKA_BOOTSTRAP_SERVERS\" && exit 7";
    let ended = data.run(&["up", "--nodes", "1", "--port", "0", "--", "sh", "-c", script]);
    assert_eq!(ended.status.code(), Some(7), "{}", stderr(&ended));
    assert!(data.printed(&["status"]).contains("No cluster runs here."));
}

#[tokio::test]
async fn apache_kafka_is_found_like_an_embedded_cluster_or_what_it_lacks_is_said() {
    let data = Data::new();
    let mut command = data.command();
    command.args(["up", "--engine", "apache", "--nodes", "1", "--port", "0"]);
    if let Err(missing) = engines::Engine::Apache.prepare().await {
        assert!(missing.is_unavailable(), "{missing}");
        println!("skipped: {missing}");
        return assert_eq!(command.output().unwrap().status.code(), Some(69));
    }
    let up = Up::start_command(&mut command);
    let cluster = choice(&data).cluster().await.unwrap();
    assert_eq!(cluster.source(), Source::Running);
    assert_eq!(cluster.bootstrap_servers(), up.bootstrap_servers());
    cluster.close().await.unwrap();
    let (rest, success) = up.interrupt();
    assert!(success && rest.contains("Shutting down"), "{rest}");
    assert!(choice(&data).find().await.unwrap().is_none());
}

#[test]
fn an_engine_that_this_machine_cannot_run_is_distinguished_from_a_failure() {
    let data = Data::new();
    let mut command = data.command();
    command.args(["up", "--engine", "apache", "--port", "0"]).env("JAVA_HOME", "/nowhere");
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(69));
    assert!(stderr(&refused).contains("needs Java 17"), "{}", stderr(&refused));
    let unknown = data.run(&["up", "--engine", "redpanda"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", stderr(&unknown));
}
