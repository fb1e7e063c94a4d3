//! A right program for the first exercise, which tests run as a process of its own.
//!
//! It is one of the tests of this binary. Where the environment names a topic, the test is the
//! program: it creates the topic. Otherwise it checks itself on a cluster of its own.

use std::path::Path;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;

const NAME: &str = "learn_program::a_program_creates_the_topic_and_accepts_one_that_exists";

/// The command that runs the program.
pub(crate) fn right() -> Vec<String> {
    let executable = std::env::current_exe().unwrap();
    [executable.to_str().unwrap(), "--exact", NAME].map(str::to_owned).to_vec()
}

/// A script that runs the program, or ends at once with exit code 0 and without a topic.
pub(crate) fn write_script(file: &Path, is_right: bool) {
    let command =
        if is_right { format!("exec {}", right().join(" ")) } else { "exit 0".to_owned() };
    std::fs::write(file, command + "\n").unwrap();
}

async fn create(servers: &str, topic: &str, replicas: i32) -> Result<(), RDKafkaErrorCode> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", servers).create().unwrap();
    let new = NewTopic::new(topic, 4, TopicReplication::Fixed(replicas));
    let created = admin.create_topics([&new], &AdminOptions::new()).await.unwrap();
    match created.into_iter().next().unwrap() {
        Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => Ok(()),
        Err((_, code)) => Err(code),
    }
}

#[tokio::test]
async fn a_program_creates_the_topic_and_accepts_one_that_exists() {
    let variable = |name| std::env::var(name).ok();
    if let (Some(servers), Some(topic)) = (variable("KAFKA_BOOTSTRAP_SERVERS"), variable("TOPIC")) {
        let replicas = variable("REPLICAS").map_or(2, |it| it.parse().unwrap());
        create(&servers, &topic, replicas).await.unwrap();
        return;
    }
    let cluster = engines::Engine::Embedded.start(&engines::Options::default()).await.unwrap();
    let servers = cluster.bootstrap_servers().to_owned();
    for _ in 0..2 {
        assert_eq!(create(&servers, "departures", 2).await, Ok(()));
    }
    let rejected = create(&servers, "other", 9).await;
    assert_eq!(rejected, Err(RDKafkaErrorCode::InvalidReplicationFactor));
    cluster.stop().await.unwrap();
}
