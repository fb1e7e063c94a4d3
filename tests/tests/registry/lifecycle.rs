//! What stays when a registry ends in one way or another, and two registries on one topic.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use embedded_registry::{Registry, Source};
use rdkafka::Message;
use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use workshop_tests::{TestCluster, eventually};

use crate::http::{Answer, TestRegistry, avro, record, send};

/// A registry in a process of its own, killed with the test.
struct Hosted {
    child: Child,
    address: SocketAddr,
}

impl Hosted {
    fn start(cluster: &TestCluster, topic: &str, port: u16) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_registry-host"))
            .args([cluster.bootstrap_servers(), topic, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program is built");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it prints its address");
        let address = line.trim().parse().expect("it prints its address");
        Self { child, address }
    }

    /// As `kill -9` does.
    fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is a child of this process");
    }

    fn register(&self, subject: &str, body: &Value) -> Answer {
        let path = format!("/subjects/{subject}/versions");
        send(self.address, "POST", &path, &[], body.to_string().as_bytes())
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        // It has ended already where the test ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that a client can ask a registry about.
fn state(address: SocketAddr) -> Vec<Value> {
    let get = |path: &str| send(address, "GET", path, &[], b"").json();
    let mut state = vec![
        get("/subjects?deleted=true"),
        get("/schemas?deleted=true"),
        get("/config"),
        get("/mode"),
    ];
    for subject in state[0].as_array().expect("a list").clone() {
        let subject = subject.as_str().expect("a name");
        state.push(get(&format!("/config/{subject}?defaultToGlobal=true")));
        state.push(get(&format!("/mode/{subject}?defaultToGlobal=true")));
    }
    state
}

#[tokio::test]
async fn a_registry_that_starts_again_knows_everything() {
    let TestRegistry { registry, topic, cluster } = {
        let it = TestRegistry::start().await;
        it.register("a", &record(&[("code", "string", None)]));
        it.register("a", &record(&[("code", "string", Some(json!("?")))]));
        it.register("b", &avro(&json!("int")));
        it.register("c", &avro(&json!("long")));
        it.register("d", &avro(&json!("double")));
        assert_eq!(it.delete("/subjects/a/versions/1").status, 200);
        assert_eq!(it.delete("/subjects/b").status, 200);
        assert_eq!(it.delete("/subjects/d").status, 200);
        assert_eq!(it.delete("/subjects/d?permanent=true").status, 200);
        assert_eq!(it.put("/config", &json!({ "compatibility": "FULL" })).status, 200);
        assert_eq!(it.put("/config/c", &json!({ "compatibility": "NONE" })).status, 200);
        assert_eq!(it.put("/mode/c", &json!({ "mode": "READONLY" })).status, 200);
        it
    };
    let before = state(registry.address());
    registry.shutdown().await;
    let builder = Registry::builder(cluster.bootstrap_servers()).topic(&topic);
    let again = builder.start().await.expect("it starts again");
    assert_eq!(state(again.address()), before);
    let next = json!({ "schema": "\"bytes\"" }).to_string();
    let registered =
        send(again.address(), "POST", "/subjects/e/versions", &[], next.as_bytes()).json();
    assert_eq!(registered["id"], 6, "an id is not assigned twice");
    again.shutdown().await;
}

#[tokio::test]
async fn what_a_registry_answered_survives_that_it_is_killed() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let mut ids = BTreeSet::new();
    for round in 0..3 {
        let mut hosted = Hosted::start(&cluster, &topic, 0);
        for number in 0..5 {
            let name = format!("r{round}n{number}");
            let schema = avro(&json!({ "type": "fixed", "name": name, "size": 1 }));
            let answer = hosted.register(&name, &schema);
            let id = answer.json()["id"].as_u64().unwrap_or_else(|| panic!("{answer:?}"));
            assert!(ids.insert(id), "id {id} was assigned twice");
        }
        hosted.kill();
    }
    let hosted = Hosted::start(&cluster, &topic, 0);
    let subjects = send(hosted.address, "GET", "/subjects", &[], b"").json();
    assert_eq!(subjects.as_array().map(Vec::len), Some(15), "{subjects}");
    assert_eq!(ids, (1..=15).collect());
}

#[tokio::test]
async fn a_registry_that_is_killed_while_it_writes_leaves_nothing_half_done() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let mut hosted = Hosted::start(&cluster, &topic, 0);
    let address = hosted.address;
    let writer = std::thread::spawn(move || {
        let mut answered = Vec::new();
        for number in 0.. {
            let name = format!("n{number}");
            let schema = json!({ "type": "fixed", "name": name, "size": 1 });
            let body = json!({ "schema": schema.to_string() }).to_string();
            let path = format!("/subjects/{name}/versions");
            let Ok(answer) = std::panic::catch_unwind(|| {
                send(address, "POST", &path, &[], body.as_bytes()).json()
            }) else {
                return answered;
            };
            answered.push((name, answer["id"].as_u64().expect("an id")));
        }
        answered
    });
    eventually("some schemas are registered", || {
        let subjects = send(address, "GET", "/subjects", &[], b"").json();
        (subjects.as_array().map_or(0, Vec::len) > 20).then_some(())
    });
    hosted.kill();
    let answered = writer.join().expect("it ends with the registry");
    let hosted = Hosted::start(&cluster, &topic, 0);
    for (name, id) in &answered {
        let path = format!("/subjects/{name}/versions/1");
        let found = send(hosted.address, "GET", &path, &[], b"").json();
        assert_eq!(found["id"], *id, "{name}: {found}");
    }
    let fresh = hosted.register("fresh", &avro(&json!("int"))).json()["id"].as_u64();
    assert!(fresh > answered.last().map(|(_, id)| *id), "{fresh:?}");
}

#[tokio::test]
async fn two_registries_on_one_topic_give_out_each_id_once() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let one = Hosted::start(&cluster, &topic, 0);
    let other = Hosted::start(&cluster, &topic, 0);
    let ids: Vec<(String, u64)> = std::thread::scope(|scope| {
        let writers: Vec<_> = [&one, &other, &one, &other]
            .into_iter()
            .enumerate()
            .map(|(writer, hosted)| {
                scope.spawn(move || {
                    let register = |number: usize| {
                        // Each schema is registered by two writers, one at each registry.
                        let name = format!("w{}n{number}", writer / 2);
                        // They differ in their documentation, so each may follow the others.
                        let schema =
                            json!({ "type": "fixed", "name": "F", "size": 1, "doc": name });
                        let answer = hosted.register("shared", &avro(&schema));
                        let id = answer.json()["id"].as_u64();
                        (name, id.unwrap_or_else(|| panic!("{answer:?}")))
                    };
                    (0..5).map(register).collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().expect("it ends")).collect()
    });
    let pairs: BTreeSet<(String, u64)> = ids.iter().cloned().collect();
    let names: BTreeSet<&String> = ids.iter().map(|(name, _)| name).collect();
    let given: BTreeSet<u64> = ids.iter().map(|(_, id)| *id).collect();
    assert_eq!((pairs.len(), names.len()), (10, 10), "one schema has one id: {pairs:?}");
    assert_eq!(given, (1..=10).collect(), "one id is one schema's");
    eventually("both know the same", || (state(one.address) == state(other.address)).then_some(()));
    let versions = send(one.address, "GET", "/subjects/shared/versions", &[], b"").json();
    assert_eq!(versions, json!((1..=10).collect::<Vec<_>>()));
}

#[tokio::test]
async fn registries_that_take_over_from_each_other_all_finish_their_writes() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let hosted: Vec<Hosted> = (0..6).map(|_| Hosted::start(&cluster, &topic, 0)).collect();
    let ids: BTreeSet<u64> = std::thread::scope(|scope| {
        let register = |(number, hosted): (usize, &Hosted)| {
            let schema = json!({ "type": "fixed", "name": "F", "size": number + 1 });
            let answer = hosted.register(&format!("s{number}"), &avro(&schema));
            answer.json()["id"].as_u64().unwrap_or_else(|| panic!("{number}: {answer:?}"))
        };
        let writers: Vec<_> =
            hosted.iter().enumerate().map(|it| scope.spawn(move || register(it))).collect();
        writers.into_iter().map(|writer| writer.join().expect("it ends")).collect()
    });
    assert_eq!(ids, (1..=6).collect());
}

#[tokio::test]
async fn the_topic_is_compacted_and_holds_what_confluents_registry_would_write() {
    let it = TestRegistry::start().await;
    it.register("s", &avro(&json!("int")));
    it.put("/config/s", &json!({ "compatibility": "FULL" }));
    it.delete("/subjects/s");
    let settings = [("isolation.level", "read_committed"), ("enable.partition.eof", "true")];
    let consumer = it.cluster.consumer(&it.cluster.group_name(), &settings);
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(&it.topic, 0, Offset::Beginning).expect("it is valid");
    consumer.assign(&assignment).expect("it is valid");
    let text = |bytes: Option<&[u8]>| bytes.map(|it| String::from_utf8_lossy(it).into_owned());
    let mut records = Vec::new();
    eventually("the topic is read", || match consumer.poll(std::time::Duration::from_secs(1)) {
        Some(Ok(message)) => {
            records.push((text(message.key()).unwrap_or_default(), text(message.payload())));
            (records.len() == 5).then_some(())
        }
        _ => None,
    });
    let expected = [
        (r#"{"keytype":"NOOP","magic":0}"#, None),
        (
            r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#,
            Some(r#"{"subject":"s","version":1,"id":1,"schema":"\"int\"","deleted":false}"#),
        ),
        (
            r#"{"keytype":"CONFIG","subject":"s","magic":0}"#,
            Some(r#"{"compatibilityLevel":"FULL"}"#),
        ),
        (
            r#"{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}"#,
            Some(r#"{"subject":"s","version":1}"#),
        ),
        (r#"{"keytype":"CONFIG","subject":"s","magic":0}"#, None),
    ];
    let expected: Vec<(String, Option<String>)> =
        expected.map(|(key, value)| (key.to_owned(), value.map(str::to_owned))).into();
    assert_eq!(records, expected);
}

#[tokio::test]
async fn a_topic_that_cannot_keep_the_state_is_refused() {
    let cluster = TestCluster::start().await;
    let compacted = [("cleanup.policy", "compact")];
    for (partitions, configs, reason) in
        [(2, &compacted[..], "2 partitions"), (1, &[][..], "cleanup.policy")]
    {
        let topic = cluster.create_topic_with(partitions, 1, configs);
        let started = Registry::builder(cluster.bootstrap_servers()).topic(&topic).start().await;
        let error = started.expect_err("it is refused").to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_registry_that_is_announced_is_found_until_it_ends() {
    let cluster = TestCluster::start().await;
    if !cluster.is_embedded() {
        eprintln!("skipped: the topic _schemas of this cluster is not this test's to use");
        return;
    }
    let servers = cluster.bootstrap_servers();
    let mut registry = Registry::builder(servers).start().await.expect("it starts");
    let unannounced = embedded_registry::for_cluster(servers).await.expect("it starts one");
    assert_eq!(unannounced.source(), Source::Embedded);
    assert_ne!(unannounced.url(), registry.url());
    unannounced.close().await;

    registry.announce().await.expect("the cluster takes it");
    let found = embedded_registry::for_cluster(servers).await.expect("it finds one");
    assert_eq!((found.source(), found.url()), (Source::Running, registry.url().as_str()));
    found.close().await;
    let url = registry.url();
    // Dropped, as where a program breaks off: the announcement stays, and no one answers there.
    drop(registry);
    let replaced = embedded_registry::for_cluster(servers).await.expect("it starts one");
    assert_eq!(replaced.source(), Source::Embedded);
    assert_ne!(replaced.url(), url);
    replaced.close().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_names_it() {
    let it = TestRegistry::start().await;
    let taken = it.registry.address();
    let builder = Registry::builder(it.cluster.bootstrap_servers()).topic(&it.topic);
    let error = builder.port(taken.port()).start().await.expect_err("it is taken").to_string();
    assert!(error.contains(&taken.to_string()), "{error}");
}
