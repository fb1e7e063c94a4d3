//! The examples that need a schema registry: all at once, with one that is named and with one in
//! each process.

use embedded_registry::Registry;
use rdkafka::consumer::Consumer;
use rdkafka::metadata::MetadataTopic;
use serdes::RegistryClient;
use workshop_tests::examples::{Printed, RunningExample, Workplace};
use workshop_tests::{DEADLINE, TestCluster};

/// The last one twice.
const EXAMPLES: [&str; 5] =
    ["15_json_schema", "16_avro", "17_protobuf", "18_schema_evolution", "18_schema_evolution"];

fn all_at_once(workplace: &Workplace) -> Vec<Printed> {
    let running = EXAMPLES.map(|name| workplace.start(name, &[]));
    running.into_iter().map(RunningExample::end).collect()
}

/// For each change in the table of 18_schema_evolution its six verdicts.
fn verdicts(printed: &Printed) -> Vec<[bool; 6]> {
    let (_, table) = printed.stdout.split_once("compared with").expect("it ends with a table");
    let rows = table.lines().skip(1).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let verdicts = words[words.len() - 6..].iter().map(|word| match *word {
            "yes" => true,
            "no" => false,
            other => panic!("{other} is no verdict: {printed:?}"),
        });
        verdicts.collect::<Vec<bool>>().try_into().expect("these are six")
    });
    rows.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_examples_use_the_registry_that_is_named_and_leave_nothing_behind() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let registry = Registry::builder(cluster.bootstrap_servers()).topic(&topic);
    let registry = registry.basic_auth("anna", "s3cr@t").start().await.unwrap();
    let url = registry.url().replace("http://", "http://anna:s3cr%40t@");
    let workplace = Workplace::fresh()
        .with("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers())
        .with("SCHEMA_REGISTRY_URL", &url);
    let printed = all_at_once(&workplace);
    for it in &printed {
        assert!(!format!("{it:?}").contains("s3cr"), "{it:?}");
    }

    let rows = verdicts(&printed[3]);
    assert_eq!(rows, verdicts(&printed[4]));
    assert_eq!(rows.len(), 8);
    for [backward, all_backward, forward, all_forward, full, all_full] in rows {
        assert!(backward || !all_backward, "{:?}", printed[3]);
        assert!(forward || !all_forward, "{:?}", printed[3]);
        assert_eq!((full, all_full), (backward && forward, all_backward && all_forward));
    }

    let client = RegistryClient::builder(&registry.url()).basic_auth("anna", "s3cr@t");
    let subjects = client.build().unwrap().subjects().await.unwrap();
    assert!(subjects.is_empty(), "{subjects:?}");
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    let found = consumer.fetch_metadata(None, DEADLINE).unwrap();
    let names = found.topics().iter().map(MetadataTopic::name);
    let is_of_an_example = |it: &&str| {
        ["departures-", "fares-", "airports-", "aero-"].iter().any(|name| it.starts_with(name))
    };
    let of_examples: Vec<&str> = names.filter(is_of_an_example).collect();
    assert!(of_examples.is_empty() || !cluster.is_embedded(), "{of_examples:?}");
    registry.shutdown().await;
}

#[test]
fn the_schema_examples_run_at_once_each_with_a_registry_of_its_own() {
    let workplace = Workplace::fresh();
    let alone = verdicts(&workplace.run("18_schema_evolution"));
    let printed = all_at_once(&workplace);
    assert_eq!([verdicts(&printed[3]), verdicts(&printed[4])], [alone.clone(), alone]);
    // Ids go on from those that were given before.
    let id = printed[0].number_after("\nschema     ");
    assert!(id.is_some_and(|id| id > 2), "{printed:?}");
}
