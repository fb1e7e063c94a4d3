//! A data directory that something has damaged: a torn end of a log is cut off, indexes are built
//! again, and a file that makes no sense is named and left as it is.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use embedded_kafka::{Cluster, StartError};
use kafka_protocol::messages::OffsetFetchRequest;
use workshop_tests::batch::{Batch, offsets};
use workshop_tests::requests::{create_topic, fetch, group_id, list_offsets, produce, produced};
use workshop_tests::{HostedCluster, TestCluster, requests};

const HOST: &str = env!("CARGO_BIN_EXE_cluster-host");
const TOPIC: &str = "flights";
const GROUP: &str = "dispatch";
const LATEST: i64 = -1;

fn create(cluster: &TestCluster, configs: &[(&str, &str)]) {
    let answer = cluster.connect().call(7, &create_topic(TOPIC, 1, 1, configs));
    assert_eq!(answer.topics[0].error_code, 0);
}

/// Produces one record; returns its offset.
fn write(cluster: &TestCluster, value: &str) -> i64 {
    let mut leader = cluster.connect_to_leader(TOPIC, 0);
    let answer = leader.call(9, &produce(TOPIC, 0, -1, Batch::of(&[value]).encode()));
    assert_eq!(produced(&answer).error_code, 0);
    produced(&answer).base_offset
}

fn end_offset(cluster: &TestCluster) -> i64 {
    let mut leader = cluster.connect_to_leader(TOPIC, 0);
    leader.call(5, &list_offsets(TOPIC, 0, LATEST)).topics[0].partitions[0].offset
}

/// The offsets of all batches of one record, read from the start.
fn read_all(cluster: &TestCluster) -> Vec<i64> {
    let mut leader = cluster.connect_to_leader(TOPIC, 0);
    let mut found = Vec::new();
    loop {
        let answer = leader.call(12, &fetch(TOPIC, 0, found.len() as i64));
        let data = &answer.responses[0].partitions[0];
        assert_eq!(data.error_code, 0);
        let batches = offsets(data.records.clone().unwrap_or_default());
        if batches.is_empty() {
            return found;
        }
        found.extend(batches.into_iter().map(|(offset, _)| offset));
    }
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).expect("the segment is there");
    file.write_all(bytes).expect("the disk has room");
}

/// What a torn write, or worse, may leave behind the batches of a segment.
fn tails(segment: &[u8]) -> Vec<(&'static str, Bytes)> {
    let batch = Batch::of(&["never acknowledged"]).encode();
    let mut wrong_crc = segment[..100.min(segment.len())].to_vec();
    wrong_crc.resize(200, 7);
    let mut huge = batch[..61].to_vec();
    huge[8..12].copy_from_slice(&i32::MAX.to_be_bytes());
    let mut negative = batch[..61].to_vec();
    negative[8..12].copy_from_slice(&(-5_i32).to_be_bytes());
    vec![
        ("one byte", Bytes::from_static(b"x")),
        (
            "text",
            Bytes::from_static(b"this is not a record batch, however long one looks at it, no"),
        ),
        ("zeros", vec![0; 4096].into()),
        ("ones", vec![0xff; 4096].into()),
        ("half a batch", batch.slice(..batch.len() / 2)),
        ("a header alone", batch.slice(..61)),
        ("a batch with a wrong CRC", wrong_crc.into()),
        ("a batch that claims 2 GiB", huge.into()),
        ("a batch of negative length", negative.into()),
        ("a batch that is in the log already", segment.to_vec().into()),
    ]
}

#[test]
fn a_torn_tail_is_cut_off_and_every_acknowledged_record_is_there() {
    let mut cluster = HostedCluster::start_new(HOST, 1);
    create(cluster.client(), &[]);
    write(cluster.client(), "first");
    cluster.kill();
    let segment = cluster.active_segment(TOPIC, 0);
    let first = fs::read(&segment).expect("the segment is there");
    let stops: [fn(&mut HostedCluster); 2] = [HostedCluster::kill, HostedCluster::shutdown];
    let mut records = 1;
    for stop in stops {
        for (what, tail) in tails(&first) {
            let intact = fs::read(&segment).expect("the segment is there");
            append(&segment, &tail);
            cluster.start();
            assert_eq!(fs::read(&segment).expect("it is there"), intact, "{what} is cut off");
            assert_eq!(read_all(cluster.client()), (0..records).collect::<Vec<_>>(), "{what}");
            assert_eq!(write(cluster.client(), "next"), records, "after {what}");
            records += 1;
            stop(&mut cluster);
        }
    }
}

#[test]
fn committed_offsets_survive_a_torn_tail_of_the_offsets_topic() {
    let mut cluster = HostedCluster::start_new(HOST, 1);
    create(cluster.client(), &[]);
    for offset in 0..5 {
        assert_eq!(committed(cluster.client()), offset - 1);
        commit(cluster.client(), offset);
        cluster.kill();
        for log in logs_of(cluster.directory(), "__consumer_offsets-") {
            append(&log, b"half a commit");
        }
        cluster.start();
        assert_eq!(committed(cluster.client()), offset);
    }
}

fn commit(cluster: &TestCluster, offset: i64) {
    let request = requests::commit(GROUP, TOPIC, 0, offset, "");
    let answer = cluster.connect_to_coordinator(GROUP).call(8, &request);
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
}

fn committed(cluster: &TestCluster) -> i64 {
    let request = OffsetFetchRequest::default().with_group_id(group_id(GROUP)).with_topics(None);
    let answer = cluster.connect_to_coordinator(GROUP).call(7, &request);
    answer.topics.first().map_or(-1, |topic| topic.partitions[0].committed_offset)
}

/// The segments of every partition whose directory's name begins like this.
fn logs_of(directory: &Path, name: &str) -> Vec<PathBuf> {
    files_in(directory, name, &["log"])
}

fn files_in(directory: &Path, name: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = |path: &Path| {
        let entries = fs::read_dir(path).expect("it is a directory");
        entries.map(|entry| entry.expect("it can be listed").path()).collect::<Vec<_>>()
    };
    let named =
        |path: &PathBuf| path.file_name().is_some_and(|it| it.to_string_lossy().starts_with(name));
    let logs = entries(&directory.join("logs")).into_iter().filter(named);
    let files = logs.flat_map(|log| entries(&log));
    let extension = |path: &PathBuf| path.extension().and_then(|it| it.to_str()).map(str::to_owned);
    files.filter(|it| extension(it).is_some_and(|it| extensions.contains(&it.as_str()))).collect()
}

#[test]
fn damaged_indexes_are_built_again() {
    let mut cluster = HostedCluster::start_new(HOST, 1);
    create(cluster.client(), &[("segment.bytes", "1048576")]);
    let value = "x".repeat(50_000);
    for offset in 0..60 {
        assert_eq!(write(cluster.client(), &value), offset);
    }
    let damages: [fn(&PathBuf); 3] = [
        |path| fs::remove_file(path).expect("it was there"),
        |path| fs::write(path, b"rubbish").expect("the disk has room"),
        |path| {
            let half = fs::metadata(path).expect("it is there").len() / 2 + 1;
            let file = OpenOptions::new().write(true).open(path).expect("it is there");
            file.set_len(half).expect("it can be cut");
        },
    ];
    let stops: [fn(&mut HostedCluster); 2] = [HostedCluster::kill, HostedCluster::shutdown];
    for (damage, stop) in damages.iter().flat_map(|damage| stops.map(|stop| (damage, stop))) {
        stop(&mut cluster);
        let indexes = files_in(cluster.directory(), TOPIC, &["index", "timeindex"]);
        assert!(indexes.len() > 2, "there are several segments");
        indexes.iter().for_each(damage);
        cluster.start();
        assert_eq!(read_all(cluster.client()), (0..60).collect::<Vec<_>>());
        assert_eq!(end_offset(cluster.client()), 60);
        let mut leader = cluster.client().connect_to_leader(TOPIC, 0);
        for offset in [59, 31, 1, 45, 0] {
            let answer = leader.call(12, &fetch(TOPIC, 0, offset));
            let records = answer.responses[0].partitions[0].records.clone().unwrap_or_default();
            assert_eq!(offsets(records)[0].0, offset);
        }
    }
}

async fn start(directory: &Path) -> Result<Cluster, StartError> {
    Cluster::builder().data_dir(directory).start().await
}

/// A data directory with one topic and one record in it.
async fn one_record(configs: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("the system has a temporary directory");
    let cluster = start(directory.path()).await.expect("a cluster starts");
    let client = TestCluster::at(cluster.bootstrap_servers());
    create(&client, configs);
    write(&client, "record");
    cluster.shutdown().await;
    directory
}

#[tokio::test]
async fn a_topics_file_that_makes_no_sense_is_named_and_kept() {
    let directory = one_record(&[]).await;
    let path = directory.path().join("topics").join("flights.json");
    for rubbish in ["", "{", "rubbish", "{}", "[]", "{\"name\": 1}"] {
        let right = fs::read(&path).expect("the topic has a file");
        fs::write(&path, rubbish).expect("the disk has room");
        let error = start(directory.path()).await.expect_err("it makes no sense").to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert_eq!(fs::read(&path).expect("it is kept"), rubbish.as_bytes());
        fs::write(&path, right).expect("the disk has room");
    }
    let cluster = start(directory.path()).await.expect("the file is right again");
    assert_eq!(end_offset(&TestCluster::at(cluster.bootstrap_servers())), 1);
}

#[tokio::test]
async fn no_flipped_bit_in_a_topics_file_costs_a_record() {
    let directory = one_record(&[("retention.ms", "7000000")]).await;
    let path = directory.path().join("topics").join("flights.json");
    let right = fs::read(&path).expect("the topic has a file");
    let mut refused = 0;
    for position in 0..right.len() {
        let mut damaged = right.clone();
        damaged[position] ^= 1;
        fs::write(&path, &damaged).expect("the disk has room");
        match start(directory.path()).await {
            // Another number, or white space: nothing tells that it was not meant.
            Ok(cluster) => cluster.shutdown().await,
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("flights"), "byte {position}: {error}");
                refused += 1;
            }
        }
        fs::write(&path, &right).expect("the disk has room");
    }
    assert!(refused > right.len() / 3, "only {refused} were noticed");
    let cluster = start(directory.path()).await.expect("the file is right again");
    let client = TestCluster::at(cluster.bootstrap_servers());
    assert_eq!(read_all(&client), [0]);
}

#[tokio::test]
async fn the_clusters_file_is_named_where_it_makes_no_sense() {
    let directory = one_record(&[]).await;
    let path = directory.path().join("cluster.json");
    fs::write(&path, "rubbish").expect("the disk has room");
    let error = start(directory.path()).await.expect_err("it makes no sense").to_string();
    assert!(error.contains(&path.display().to_string()), "{error}");
}

#[tokio::test]
async fn files_of_another_program_are_left_alone() {
    let directory = tempfile::tempdir().expect("the system has a temporary directory");
    let mine = ["logs/app/today.txt", "logs/access-7/notes.txt", "logs/app.log", "topics/notes.md"];
    for file in mine {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().expect("it is in a directory")).expect("made");
        fs::write(path, "mine").expect("the disk has room");
    }
    if let Ok(cluster) = start(directory.path()).await {
        cluster.shutdown().await;
    }
    for file in mine {
        let kept = fs::read_to_string(directory.path().join(file));
        assert_eq!(kept.ok().as_deref(), Some("mine"), "{file}");
    }
}

#[tokio::test]
async fn two_clusters_do_not_share_a_data_directory() {
    let directory = one_record(&[]).await;
    let first = start(directory.path()).await.expect("a cluster starts");
    let error = start(directory.path()).await.expect_err("it is in use").to_string();
    assert!(error.contains(&directory.path().display().to_string()), "{error}");
    assert_eq!(end_offset(&TestCluster::at(first.bootstrap_servers())), 1);
    first.shutdown().await;
    let second = start(directory.path()).await.expect("it is free again");
    assert_eq!(end_offset(&TestCluster::at(second.bootstrap_servers())), 1);
    drop(second);
    start(directory.path()).await.expect("a dropped cluster lets go too");
}
