//! Chapters that cannot rot: what they show is what the code says and what the examples print.
//!
//! [`sections`] compares the exercises of each chapter with exercises/, [`defaults`] the defaults
//! that a page names with librdkafka and Apache Kafka, and [`troubleshooting`] makes each mistake
//! of its page.
//!
//! `UPDATE=1 cargo test --test docs` rewrites the blocks, and keeps the wildcards that still match.
//! Each example runs once here on a fresh data directory, for its blocks and for the facts about
//! what it prints. Those that run more often do so next to them, since they wait more than they
//! compute.

mod defaults;
mod examples;
mod facts;
mod in_your_project;
mod metrics;
mod pages;
mod sections;
mod troubleshooting;

use kafka_protocol::messages::{ApiKey, ApiVersionsRequest};
use snapbox::{Assert, Data};
use workshop_tests::chapters::{chapter_of, current, files, heading_names, links};
use workshop_tests::examples::{main_file, names, root};
use workshop_tests::raw::RawClient;

use pages::{PAGES, chapters, is_update, read};

/// The parts of a chapter, in this order.
const SECTIONS: [&str; 8] = [
    "## Run it",
    "## The code",
    "## What it prints",
    "## What went over the wire",
    "## Try changing",
    "## In your project",
    "## Exercise",
    "## In production",
];

fn check_blocks(example: &str) {
    let file = chapter_of(example);
    let written = read(&file);
    let current = current(&written).unwrap_or_else(|unnamed| panic!("{file}: {unnamed:#?}"));
    if is_update() {
        let _one_writer = PAGES.lock().expect("no test panics with it");
        let current = sections::with_exercises(&file, &current).unwrap_or(current);
        std::fs::write(root().join(&file), current).expect("the chapter can be written");
        return;
    }
    // Differences are shown line by line; the wildcards have done their work already.
    let (current, written) = (Data::text(current).raw(), Data::text(written).raw());
    Assert::new().eq(current, written);
}

/// Makes a test of the blocks for each chapter, so that they run side by side and a failure has the
/// chapter's name.
macro_rules! blocks_of_chapters {
    ($($test:ident),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                check_blocks(example_of(stringify!($test)));
            }
        )+

        const TESTS_OF_BLOCKS: &[&str] = &[$(stringify!($test)),+];
    };
}

fn example_of(test: &str) -> &str {
    test.strip_prefix("blocks_of_").expect("the test is named after its example")
}

blocks_of_chapters! {
    blocks_of_01_create_topic,
    blocks_of_02_topic_metadata,
    blocks_of_03_producer,
    blocks_of_04_consumer,
    blocks_of_05_delete_topic,
    blocks_of_06_partitions,
    blocks_of_07_consumer_group,
    blocks_of_08_commit_semantics,
    blocks_of_09_seek_and_pause,
    blocks_of_10_transactions,
    blocks_of_11_exactly_once,
    blocks_of_12_json_batches,
    blocks_of_13_lineage,
    blocks_of_14_async_consumers,
    blocks_of_15_json_schema,
    blocks_of_16_avro,
    blocks_of_17_protobuf,
    blocks_of_18_schema_evolution,
    blocks_of_21_failover,
    blocks_of_22_retention_and_compaction,
    blocks_of_24_lag_and_metrics,
    blocks_of_25_dead_letters,
}

#[test]
fn the_blocks_of_every_chapter_are_checked() {
    let checked: Vec<&str> = TESTS_OF_BLOCKS.iter().copied().map(example_of).collect();
    assert_eq!(checked, names());
}

#[test]
fn every_example_has_a_chapter_and_every_chapter_an_example() {
    let expected: Vec<String> = names().iter().map(|example| chapter_of(example)).collect();
    assert!(!expected.is_empty());
    assert_eq!(chapters(), expected);
}

#[test]
fn every_example_opens_with_how_to_run_it_and_where_to_read_on() {
    for example in names() {
        let text = read(&main_file(&example));
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let number = &example[..2];
        assert!(head[0].starts_with(&format!("//! {number} · ")), "{example}: {}", head[0]);
        let run = format!("//! Run:      cargo run --example {example}");
        assert!(head.contains(&run.as_str()), "{example} lacks: {run}");
        let chapter = format!("//! Chapter:  {}", chapter_of(&example));
        assert!(head.contains(&chapter.as_str()), "{example} lacks: {chapter}");
        let lines = text.lines().count();
        assert!((40..=120).contains(&lines), "{example} has {lines} lines");
    }
}

#[test]
fn every_chapter_has_the_same_parts() {
    for chapter in chapters() {
        let text = read(&chapter);
        let parts: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(parts, SECTIONS, "{chapter}");
        assert!(text.contains(" minutes"), "{chapter} does not say how long it takes");
    }
}

#[test]
fn the_way_through_names_every_chapter() {
    for page in ["docs/README.md", "README.md"] {
        let text = read(page);
        for chapter in chapters() {
            let link = chapter.strip_prefix("docs/").filter(|_| page.starts_with("docs"));
            let link = link.unwrap_or(&chapter).to_owned();
            assert!(links(&text).contains(&link), "{page} has no link to {link}");
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages = files("docs", "md");
    pages.extend(["README.md", "ARCHITECTURE.md", "data/README.md"].map(str::to_owned));
    let mut dead = Vec::new();
    for page in &pages {
        let text = read(page);
        for link in links(&text) {
            if link.starts_with("http://") || link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let directory = root().join(page);
            let directory = directory.parent().expect("a page is in a directory");
            let target = directory.join(file);
            let target = if file.is_empty() { root().join(page) } else { target };
            let exists = target.exists();
            let found = heading.is_empty()
                || std::fs::read_to_string(&target)
                    .is_ok_and(|text| heading_names(&text).iter().any(|name| name == heading));
            if !exists || !found {
                dead.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "links that lead nowhere: {dead:#?}");
}

#[tokio::test]
async fn the_page_of_the_embedded_cluster_lists_the_versions_that_it_advertises() {
    let cluster = embedded_kafka::Cluster::builder().nodes(1).start().await.unwrap();
    let mut client = RawClient::connect(cluster.bootstrap_servers());
    let answer = client.call(0, &ApiVersionsRequest::default());
    let page = read("docs/embedded-cluster.md");
    let rows = page.lines().skip_while(|line| *line != "| Request | Versions |").skip(2);
    let mut listed: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    let mut advertised: Vec<String> = answer
        .api_keys
        .iter()
        .map(|api| {
            let name = ApiKey::try_from(api.api_key).expect("the codec knows what is served");
            match (api.min_version, api.max_version) {
                (lowest, highest) if lowest == highest => format!("| {name:?} | {lowest} |"),
                (lowest, highest) => format!("| {name:?} | {lowest}–{highest} |"),
            }
        })
        .collect();
    listed.sort_unstable();
    advertised.sort_unstable();
    assert_eq!(listed, advertised);
    cluster.shutdown().await;
}
