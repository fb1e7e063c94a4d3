//! What a cluster should be like: the defaults of its topics, any setting of its brokers, and
//! topics that are there from the start. The same for every engine.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::value_parser;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use wire_client::raw::RawClient;
use wire_client::requests::{create_topic, metadata};
use workshop::TopicAtStart;

const PARTITIONS: &str = "num.partitions";
const REPLICATION_FACTOR: &str = "default.replication.factor";
const AUTO_CREATE: &str = "auto.create.topics.enable";

const METADATA_VERSION: i16 = 12;

/// How long a node may take to know a topic, and to answer at all.
const LIMIT: Duration = Duration::from_secs(30);

/// How often it is asked.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// CreateTopics, in the version that takes -1 for a default.
const CREATE_TOPICS_VERSION: i16 = 5;

/// The options of `up` that say what the cluster is like.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Wanted {
    /// How many partitions a topic has where its creator leaves it open [default: 1].
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(i32).range(1..=10_000))]
    partitions: Option<i32>,

    /// On how many nodes each partition is where its creator leaves it open [default: 3, or as many
    /// as there are].
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u16).range(1..=9))]
    replication_factor: Option<u16>,

    /// A setting of the brokers by its name in Kafka's server.properties. Can be given more than
    /// once.
    ///
    /// The embedded cluster refuses one that means nothing there; apache and docker take every
    /// setting of Apache Kafka but those that the engine needs for itself, such as listeners.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,

    /// A topic that is there from the start: orders, orders:6 with six partitions, or orders:6:3
    /// with three replicas of each. Can be given more than once.
    ///
    /// One that the data directory has already stays as it is.
    #[arg(long, value_name = "NAME[:PARTITIONS[:REPLICAS]]", value_parser = topic)]
    topic: Vec<TopicAtStart>,

    /// Create no topic because a client asks for it.
    #[arg(long)]
    no_auto_create: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        Some(_) => Err("a setting is NAME=VALUE, such as log.retention.ms=60000".to_owned()),
        None => Err(format!("{text} has no value: a setting is NAME=VALUE")),
    }
}

fn topic(text: &str) -> Result<TopicAtStart, String> {
    text.parse()
}

impl Wanted {
    /// Checks what the options say together.
    ///
    /// # Errors
    /// Where they contradict each other, or ask for more replicas than there are nodes.
    pub(crate) fn check(&self, nodes: u16) -> anyhow::Result<()> {
        if let Some(factor) = self.replication_factor {
            ensure!(
                factor <= nodes,
                "--replication-factor {factor} needs {factor} nodes, and there are {nodes}: choose \
                 a higher --nodes"
            );
        }
        let of_options = [
            (self.partitions.is_some(), PARTITIONS, "--partitions"),
            (self.replication_factor.is_some(), REPLICATION_FACTOR, "--replication-factor"),
            (self.no_auto_create, AUTO_CREATE, "--no-auto-create"),
        ];
        for (position, (name, _)) in self.set.iter().enumerate() {
            if let Some((.., option)) = of_options.iter().find(|it| it.0 && it.1 == name) {
                bail!("{option} and --set {name}=… say the same: leave one of them out");
            }
            if self.set[..position].iter().any(|(other, _)| other == name) {
                bail!("--set {name}=… is there twice: leave one of them out");
            }
        }
        for (position, topic) in self.topic.iter().enumerate() {
            topic.check(nodes.into()).map_err(anyhow::Error::msg)?;
            if self.topic[..position].iter().any(|other| other.name() == topic.name()) {
                bail!("--topic {} is there twice: leave one of them out", topic.name());
            }
        }
        Ok(())
    }

    /// All of it that is settings of brokers.
    pub(crate) fn properties(&self) -> Vec<(String, String)> {
        let chosen = [
            (PARTITIONS, self.partitions.map(|count| count.to_string())),
            (REPLICATION_FACTOR, self.replication_factor.map(|count| count.to_string())),
            (AUTO_CREATE, self.no_auto_create.then(|| "false".to_owned())),
        ];
        let chosen = chosen.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        chosen.chain(self.set.iter().cloned()).collect()
    }

    /// Returns the topics that must exist from the start.
    pub(crate) fn topics(&self) -> &[TopicAtStart] {
        &self.topic
    }

    /// Prints what differs from a cluster without any wishes.
    pub(crate) fn describe(&self) {
        for (name, value) in self.properties() {
            println!("  {name}={value}");
        }
        for topic in &self.topic {
            let partitions = topic.chosen_partitions();
            let partitions = partitions.map_or(String::new(), |it| format!(", {it} partition(s)"));
            let replicas = topic.chosen_replicas();
            let replicas = replicas.map_or(String::new(), |it| format!(", {it} replica(s)"));
            println!("  topic {}{partitions}{replicas}", topic.name());
        }
    }

    /// Creates the topics on a cluster that has none yet, and waits until every node knows them.
    ///
    /// # Errors
    /// What the cluster says.
    pub(crate) async fn create_topics(&self, nodes: Vec<SocketAddr>) -> anyhow::Result<()> {
        let topics = self.topic.clone();
        // The client blocks.
        let created = tokio::task::spawn_blocking(move || {
            let first = *nodes.first().context("the cluster has no nodes")?;
            topics.iter().try_for_each(|topic| create(topic, first))?;
            let names: Vec<&str> = topics.iter().map(TopicAtStart::name).collect();
            nodes.iter().try_for_each(|node| wait_until_known(&names, *node))
        });
        created.await?
    }
}

/// A node learns of a topic a moment after the controller has created it.
fn wait_until_known(topics: &[&str], address: SocketAddr) -> anyhow::Result<()> {
    let mut node = RawClient::connect_within(address, LIMIT)?;
    let begin = Instant::now();
    loop {
        let answer = node.try_call(METADATA_VERSION, &metadata(topics))?;
        let is_led = |topic: &MetadataResponseTopic| {
            topic.error_code == 0 && topic.partitions.iter().all(|it| it.error_code == 0)
        };
        if answer.topics.iter().all(is_led) {
            return Ok(());
        }
        ensure!(begin.elapsed() < LIMIT, "{address} does not know the new topics");
        std::thread::sleep(TRY_AGAIN);
    }
}

fn create(topic: &TopicAtStart, address: SocketAddr) -> anyhow::Result<()> {
    let name = topic.name();
    let partitions = topic.chosen_partitions().unwrap_or(-1);
    let request = create_topic(name, partitions, topic.chosen_replicas().unwrap_or(-1), &[]);
    let answer = RawClient::connect_within(address, LIMIT)
        .and_then(|mut node| node.try_call(CREATE_TOPICS_VERSION, &request))
        .with_context(|| format!("topic {name} cannot be created"))?;
    let result = answer.topics.first().context("the cluster says nothing of the topic")?;
    if result.error_code != 0 {
        let message = result.error_message.as_deref().unwrap_or("no reason given");
        bail!("topic {name} was not created: {message}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        wanted: Wanted,
    }

    fn parsed(arguments: &[&str]) -> Result<Wanted, String> {
        let line = Line::try_parse_from([&["up"], arguments].concat());
        let wanted = line.map_err(|error| error.to_string())?.wanted;
        wanted.check(3).map_err(|error| error.to_string())?;
        Ok(wanted)
    }

    #[test]
    fn options_become_settings_of_brokers() {
        let wanted = parsed(&[
            "--partitions",
            "4",
            "--replication-factor",
            "2",
            "--no-auto-create",
            "--set",
            "log.retention.ms= 60000",
            "--topic",
            "orders:6:3",
            "--topic=a",
        ]);
        let wanted = wanted.unwrap();
        let expected = [
            ("num.partitions", "4"),
            ("default.replication.factor", "2"),
            ("auto.create.topics.enable", "false"),
            ("log.retention.ms", "60000"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(wanted.properties(), expected);
        let orders = TopicAtStart::new("orders").partitions(6).replicas(3);
        assert_eq!(wanted.topics(), [orders, TopicAtStart::new("a")]);
        assert_eq!(parsed(&[]).unwrap().properties(), []);
    }

    #[test]
    fn bad_input_says_what_is_wrong() {
        let rows: &[(&[&str], &str)] = &[
            (&["--partitions", "0"], "0 is not in 1..=10000"),
            (&["--partitions", "x"], "invalid value 'x'"),
            (&["--replication-factor", "0"], "0 is not in 1..=9"),
            (&["--replication-factor", "4"], "--replication-factor 4 needs 4 nodes"),
            (&["--set", "log.retention.ms"], "has no value: a setting is NAME=VALUE"),
            (&["--set", "=5"], "a setting is NAME=VALUE"),
            (&["--set", "a=1", "--set", "a=2"], "--set a=… is there twice"),
            (&["--partitions", "2", "--set", "num.partitions=3"], "say the same"),
            (&["--topic", "a:0"], "topic a has 1 to 10000 partitions, not 0"),
            (&["--topic", "a:x"], "\"x\" is no number of partitions"),
            (&["--topic", "a:1:4"], "3 node(s) cannot hold 4 replicas"),
            (&["--topic", "bad name"], "'bad name' contains one or more characters"),
            (&["--topic", ""], "the empty string is not allowed"),
            (&["--topic", "a", "--topic", "a:2"], "--topic a is there twice"),
        ];
        for (arguments, reason) in rows {
            let refused = parsed(arguments).unwrap_err();
            assert!(refused.contains(reason), "{arguments:?}: {refused}");
        }
    }
}
