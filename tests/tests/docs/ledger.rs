//! The sheets in docs/embedded-cluster.md: the same example runs again, with the same fault.

use std::time::Duration;

use embedded_kafka::ApiKey;
use ledger::{Ledger, Sheet};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use workshop::{DataDirectory, Host, HostOptions};
use workshop_tests::examples::Workplace;

use super::read;

/// The text of a block of the page, by the comment in front of it.
fn block(comment: &str) -> String {
    let page = read("docs/embedded-cluster.md");
    let (_, rest) = page.split_once(&format!("<!-- {comment} -->\n```text\n")).expect(comment);
    let (block, _) = rest.split_once("```").expect("the block ends");
    block.to_owned()
}

/// Words instead of numbers and alignment: how many records a batch has is not known before.
fn without_numbers(text: &str) -> Vec<String> {
    let word = |word: &str| {
        let plain = word.trim_end_matches([',', ':', '.']);
        let is_number = plain.chars().all(|it| it.is_ascii_digit()) || plain.contains("airports/");
        if is_number { "[..]".to_owned() } else { word.to_owned() }
    };
    text.split_whitespace().map(word).collect()
}

/// The sheet of a program, whose first response to Produce is lost.
async fn sheet(program: impl FnOnce(&str) + Send + 'static) -> Sheet {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let data = DataDirectory::at(directory.path());
    let host = Host::start(&data, &HostOptions::default()).await.expect("a cluster starts");
    let ledger = Ledger::watch(host.cluster());
    host.cluster().drop_response(ApiKey::Produce);
    let servers = host.running().bootstrap_servers();
    let ended = tokio::task::spawn_blocking(move || program(&servers)).await;
    ended.expect("the program ends well");
    ledger.settle(host.cluster()).await;
    let sheet = ledger.sheet(host.cluster()).await.expect("the logs can be read");
    host.shutdown().await.expect("the cluster stops");
    sheet
}

#[tokio::test]
async fn the_sheet_of_an_idempotent_producer_is_the_one_on_the_page() {
    let sheet = sheet(|servers| {
        Workplace::fresh().with("KAFKA_BOOTSTRAP_SERVERS", servers).run("03_producer");
    });
    let sheet = sheet.await;
    let airports = sheet.topic("airports");
    assert_eq!((airports.sent, airports.acknowledged, airports.on_the_cluster), (7884, 7884, 7884));
    assert_eq!((airports.lost, airports.duplicated, airports.out_of_order), (0, 0, 0));
    assert!(airports.resent > 0, "{sheet}");
    let printed = sheet.to_string();
    assert_eq!(without_numbers(&printed), without_numbers(&block("ledger of: 03_producer")));
}

#[tokio::test]
async fn the_sheet_of_a_producer_without_idempotence_is_the_one_on_the_page() {
    let sheet = sheet(|servers| {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", servers).set("enable.idempotence", "false");
        let producer: BaseProducer = config.create().expect("a producer");
        for number in 0..100 {
            let value = format!("airport {number}");
            let record = BaseRecord::to("airports").partition(0).key("BOS").payload(&value);
            producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
        }
        producer.flush(Duration::from_secs(30)).expect("all records are delivered");
    });
    let sheet = sheet.await;
    let airports = sheet.topic("airports");
    assert!(airports.duplicated > 0, "{sheet}");
    assert_eq!(airports.on_the_cluster, airports.sent + airports.duplicated);
    let page = block("ledger of: 03_producer without idempotence");
    assert_eq!(without_numbers(&sheet.to_string()), without_numbers(&page));
}
