//! Every default that a page of docs/ names, compared with the linked librdkafka and with what
//! Apache Kafka defines: in tables of settings, and in sentences such as "`linger.ms` (default 5)".
//!
//! Defaults of Java's clients and of the registry are not compared: neither is here to be asked.

mod named;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::BaseProducer;
use serde_json::Value;
use workshop_tests::TestCluster;
use workshop_tests::chapters::files;

use super::read;
use named::{Named, Of, cells, in_sentences, in_tables, value_in};

const PAGE: &str = "docs/production.md";

/// What Apache Kafka 4.4 reports: a line of JSON for each setting.
const APACHE: &str = "crates/embedded-kafka/src/config/apache-4.4.jsonl";

/// Settings of the registry and of Java's serializers.
const NOT_HERE: [&str; 2] = ["schema.compatibility.level", "latest.compatibility.strict"];

/// The default of a setting in librdkafka; `None` if it has no such setting.
fn of_client(name: &str) -> Option<String> {
    let mut config = ClientConfig::new();
    // The settings of topics, such as `acks`, can be read once any of them is set.
    config.set("consume.callback.max.messages", "0");
    config.create_native_config().expect("the setting is valid").get(name).ok()
}

/// The defaults of the settings of topics and brokers, by kind and name.
static OF_APACHE: LazyLock<BTreeMap<(String, String), String>> = LazyLock::new(|| {
    let text = read(APACHE);
    let rows = text.lines().filter(|line| line.starts_with('{'));
    rows.map(|line| {
        let row: Value = serde_json::from_str(line).expect("a line is JSON");
        let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        ((word("of"), word("name")), word("default"))
    })
    .collect()
});

fn of_apache(kind: &str, name: &str) -> Option<String> {
    OF_APACHE.get(&(kind.to_owned(), name.to_owned())).cloned()
}

/// What a setting is by default, as each of those that may be meant has it.
fn defaults(of: Of, name: &str) -> Vec<String> {
    let (client, topic, broker) =
        (of_client(name), of_apache("topic", name), of_apache("broker", name));
    let meant = match of {
        Of::Client => vec![client],
        Of::Topic => vec![topic],
        Of::Broker => vec![broker],
        Of::Any => vec![client, topic, broker],
    };
    meant.into_iter().flatten().map(|value| canonical(&value)).collect()
}

/// Brings a value into one form: librdkafka's synonyms, and Kafka's ways to say that there is none.
fn canonical(value: &str) -> String {
    match value {
        "-1" | "all" => "-1",
        "largest" => "latest",
        "9223372036854775807" => "no limit",
        "" => "none",
        other => other,
    }
    .to_owned()
}

fn named_on(page: &str) -> Vec<Named> {
    let text = read(page);
    let mut named = in_tables(page, &text);
    named.extend(in_sentences(page, &text));
    named.retain(|it| !NOT_HERE.contains(&it.name.as_str()));
    named
}

/// Why what a page says is wrong; `None` if it is right.
fn contradiction(named: &Named) -> Option<String> {
    let actual = defaults(named.of, &named.name);
    let said = canonical(&named.value);
    // Where a page has words instead of a value, or says that there is none, there is none.
    let right = actual.contains(&said) || (said == "none" && actual.is_empty());
    let Named { place, name, of, .. } = named;
    (!right).then(|| format!("{place}: {name} is said to be {said:?}, and {of:?} has {actual:?}"))
}

#[test]
fn defaults_on_every_page_are_those_of_librdkafka_and_apache_kafka() {
    let named: Vec<Named> = files("docs", "md").iter().flat_map(|page| named_on(page)).collect();
    let wrong: Vec<String> = named.iter().filter_map(contradiction).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let sentences: usize =
        files("docs", "md").iter().map(|page| in_sentences(page, &read(page)).len()).sum();
    assert!(named.len() > 130 && sentences >= 20, "{} and {sentences} are too few", named.len());
}

#[test]
fn defaults_that_a_page_gets_wrong_are_found() {
    let page = "| Setting | librdkafka |\n|---|---|\n| `linger.ms` | 6 |\n| `acks` | `all` |\n\n\
                A batch waits for `batch.size` (default 1,000,000) or `linger.ms` (default 4).";
    let mut named = in_tables("page", page);
    named.extend(in_sentences("page", page));
    let wrong: Vec<String> = named.iter().filter_map(contradiction).collect();
    assert_eq!(named.len(), 4);
    assert_eq!(wrong.len(), 2, "{wrong:#?}");
    assert!(wrong[0].starts_with("page:3: linger.ms") && wrong[1].starts_with("page:6: linger.ms"));
}

#[test]
fn defaults_that_production_changes_are_bold() {
    for row in read(PAGE).lines().filter(|row| row.starts_with("| `")) {
        let row = cells(row);
        let differs = value_in(row[1]) != value_in(row[2]);
        assert_eq!(row[2].starts_with("**"), differs, "{}", row[0]);
    }
}

/// The recommended values of a section, without those that a program has to choose itself.
fn recommended(of: Of, section: &str) -> Vec<(String, String)> {
    let text = read(PAGE);
    let (_, rest) = text.split_once(&format!("\n## {section}\n")).expect("the section is there");
    let section = rest.split("\n## ").next().unwrap_or_default();
    let named = in_tables(PAGE, section).into_iter();
    let chosen = named.filter_map(|it| {
        let value = it.recommended.filter(|value| !value.is_empty() && value != "none")?;
        assert_eq!(it.of, of, "{}", it.name);
        Some((it.name, value))
    });
    // librdkafka is built without OpenSSL here.
    chosen.filter(|(name, _)| name != "security.protocol").collect()
}

fn client(section: &str, more: (&str, &str)) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set(more.0, more.1);
    for (name, value) in
        [recommended(Of::Client, "Every client"), recommended(Of::Client, section)].concat()
    {
        config.set(name, value);
    }
    config
}

#[tokio::test]
async fn defaults_changed_as_recommended_make_clients_and_topics() {
    let producer = client("Producer", ("transactional.id", "billing"));
    producer.create::<BaseProducer>().expect("a producer accepts the recommended settings");
    let consumer = client("Consumer", ("group.id", "billing"));
    consumer.create::<BaseConsumer>().expect("a consumer accepts the recommended settings");

    let cluster = TestCluster::start().await;
    let topic = recommended(Of::Topic, "Topic");
    let settings: Vec<(&str, &str)> = topic.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    cluster.create_topic_with(1, 3, &settings);
    for (name, value) in recommended(Of::Broker, "Broker") {
        let checked = embedded_kafka::check_broker_property(&name, &value);
        checked.unwrap_or_else(|reason| panic!("{name}={value}: {reason}"));
    }
}
