//! A processor between two topics, and the lineage that it carries along.

use std::convert::Infallible;
use std::sync::Mutex;

use ::lineage::{Message, Processor, Producer, calc_ref_latencies, lineage_tree};
use helpers::topic_metadata;
use workshop_tests::TestCluster;

use super::{committed, consumer, numbered, numbers_of, producer};

#[tokio::test]
async fn a_processor_carries_the_lineage_along_and_the_latency_of_each_stage_is_in_it() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let [departures, delays, boards] = [(); 3].map(|()| cluster.create_topic(1));
    producer(&cluster).await.produce_batch(&departures, &numbered(0..5)).await.unwrap();
    let group = cluster.group_name();
    for (service, from, to) in [("delays", &departures, &delays), ("boards", &delays, &boards)] {
        let reader = consumer(&cluster, &[from], &group).batch_size(5).build().await.unwrap();
        let writer = Producer::new(service, brokers, &[]).await.unwrap();
        let mut processor = Processor::new(reader, writer, to);
        // The first stage leaves the refs to the processor, the second gives them.
        let transform = |message: &Message<u32>| {
            Ok::<_, Infallible>(match service {
                "delays" => vec![Message::new(message.id.clone(), message.payload * 10)],
                _ => vec![message.derive("JFK", message.payload + 1)],
            })
        };
        assert_eq!(processor.process_batch(transform).await.unwrap(), 5);
        processor.close().await.unwrap();
    }
    let mut last = consumer(&cluster, &[&boards], &group).batch_size(5).build().await.unwrap();
    let read = Mutex::new(Vec::new());
    let handler = async |messages: Vec<Message<u32>>| {
        read.lock().unwrap().extend(messages);
        Ok::<(), Infallible>(())
    };
    last.process_batch(handler).await.unwrap();
    let read = read.into_inner().unwrap();
    assert_eq!(numbers_of(&read), [1, 11, 21, 31, 41]);
    let origin = &read[3].refs[0];
    let tree = lineage_tree(origin);
    let lines: Vec<_> = tree.lines().map(|it| it.rsplit_once("  ").unwrap().0).collect();
    let expected = [
        format!("boards  {boards}:0:3:JFK"),
        format!("└─ delays  {delays}:0:3:WS3"),
        format!("   └─ departures  {departures}:0:3:WS3"),
    ];
    assert_eq!(lines, expected);
    let stages = calc_ref_latencies(origin.hist.as_ref().unwrap());
    let names: Vec<_> = stages.iter().map(|it| (it.source.as_str(), it.service.as_str())).collect();
    assert_eq!(names, [("delays", "boards"), ("departures", "delays")]);
    assert!(stages.iter().all(|it| it.latency > chrono::TimeDelta::zero()), "{stages:?}");
}

#[tokio::test]
async fn a_processor_that_fails_reads_and_writes_its_batch_again() {
    let cluster = TestCluster::start().await;
    let [source, target] = [(); 2].map(|()| cluster.create_topic(1));
    producer(&cluster).await.produce_batch(&source, &numbered(0..10)).await.unwrap();
    let group = cluster.group_name();
    let reader = consumer(&cluster, &[&source], &group).batch_size(10).build().await.unwrap();
    let mut processor = Processor::new(reader, producer(&cluster).await, &target);
    let failing = |message: &Message<u32>| match message.payload {
        7 => Err("seven is refused"),
        number => Ok(vec![message.derive("x", number)]),
    };
    let error = processor.process_batch(failing).await.unwrap_err();
    assert!(error.to_string().contains("seven is refused"), "{error}");
    assert_eq!(committed(&cluster, &group, &source, 0), None);
    let copy =
        |message: &Message<u32>| Ok::<_, Infallible>(vec![message.derive("x", message.payload)]);
    assert_eq!(processor.process_batch(copy).await.unwrap(), 10);
    assert_eq!(committed(&cluster, &group, &source, 0), Some(10));
    let written = topic_metadata(cluster.bootstrap_servers(), &target).await.unwrap();
    assert_eq!(written.records(), 10, "nothing was written before the transform had succeeded");
}
