//! The sheets in docs/embedded-cluster.md: the same example runs again, with the same fault.

use embedded_kafka::ApiKey;
use ledger::{Ledger, Sheet};
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

async fn sheet(example: &str) -> Sheet {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let data = DataDirectory::at(directory.path().to_owned());
    let host = Host::start(&data, &HostOptions::default()).await.expect("a cluster starts");
    let ledger = Ledger::watch(host.cluster());
    host.cluster().drop_response(ApiKey::Produce);
    let servers = host.running().bootstrap_servers();
    let example = example.to_owned();
    let run = move || Workplace::fresh().with("KAFKA_BOOTSTRAP_SERVERS", &servers).run(&example);
    tokio::task::spawn_blocking(run).await.expect("the example ends well");
    ledger.settle(host.cluster()).await;
    let sheet = ledger.sheet(host.cluster()).await.expect("the logs can be read");
    host.shutdown().await.expect("the cluster stops");
    sheet
}

#[tokio::test]
async fn the_sheet_of_an_idempotent_producer_is_the_one_on_the_page() {
    let sheet = sheet("03_producer").await;
    let airports = sheet.topic("airports");
    assert_eq!((airports.sent, airports.acknowledged, airports.on_the_cluster), (7884, 7884, 7884));
    assert_eq!((airports.lost, airports.duplicated, airports.out_of_order), (0, 0, 0));
    assert!(airports.resent > 0, "{sheet}");
    let printed = sheet.to_string();
    assert_eq!(without_numbers(&printed), without_numbers(&block("ledger of: 03_producer")));
}
