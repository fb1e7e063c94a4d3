//! Batches of messages: when one is handed over, when it is committed, and when it comes again.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::lineage::Error;
use ::lineage::{BatchMetrics, Message};
use workshop_tests::{DEADLINE, TestCluster};

use super::{batch, committed, consumer, failing_batch, numbered, numbers_of, producer};

#[tokio::test]
async fn a_batch_is_full_or_what_came_within_the_timeout() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..25)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    assert_eq!(batch(&mut consumer).await, (0..10).collect::<Vec<_>>());
    assert_eq!(batch(&mut consumer).await, (10..20).collect::<Vec<_>>());
    assert_eq!(batch(&mut consumer).await, (20..25).collect::<Vec<_>>());
    let nothing = consumer.process_batch(async |_: Vec<Message<u32>>| {
        panic!("there is nothing to handle");
        #[allow(unreachable_code)]
        Ok::<(), Infallible>(())
    });
    assert_eq!(nothing.await.unwrap(), 0);
}

#[tokio::test]
async fn a_batch_is_committed_only_after_its_handler_returned_ok() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..20)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    let while_handled = Mutex::new(Vec::new());
    let handler = async |_: Vec<Message<u32>>| {
        while_handled.lock().unwrap().push(committed(&cluster, &group, &topic, 0));
        Ok::<(), Infallible>(())
    };
    consumer.process_batch(handler).await.unwrap();
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(10));
    consumer.process_batch(handler).await.unwrap();
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(20));
    assert_eq!(*while_handled.lock().unwrap(), [None, Some(10)]);
}

#[tokio::test]
async fn a_batch_that_fails_comes_again_and_nothing_else_does() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..250)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).build().await.unwrap();
    let second: Vec<u32> = (100..200).collect();
    assert_eq!(batch(&mut consumer).await, (0..100).collect::<Vec<_>>());
    for _ in 0..3 {
        assert_eq!(failing_batch(&mut consumer).await, second);
        assert_eq!(committed(&cluster, &group, &topic, 0), Some(100));
    }
    assert_eq!(batch(&mut consumer).await, second);
    assert_eq!(batch(&mut consumer).await, (200..250).collect::<Vec<_>>());
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(250));
}

#[tokio::test]
async fn a_batch_of_several_partitions_comes_again_from_each() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(3);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..300)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(70).build().await.unwrap();
    let mut done = batch(&mut consumer).await;
    let failed: BTreeSet<u32> = failing_batch(&mut consumer).await.into_iter().collect();
    assert!(done.iter().all(|number| !failed.contains(number)));
    while done.len() < 300 {
        done.extend(batch(&mut consumer).await);
    }
    assert_eq!(done.iter().copied().collect::<BTreeSet<_>>(), (0..300).collect());
    assert_eq!(done.len(), 300, "each once, the failed ones too");
    let all: i64 = (0..3).filter_map(|id| committed(&cluster, &group, &topic, id)).sum();
    assert_eq!(all, 300);
}

#[tokio::test]
async fn a_batch_whose_future_was_dropped_comes_again() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..20)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    let (reached, mut reaches) = tokio::sync::mpsc::unbounded_channel();
    let endless = consumer.process_batch(async |_: Vec<Message<u32>>| {
        reached.send(()).unwrap();
        std::future::pending::<Result<(), Infallible>>().await
    });
    tokio::select! {
        _ = endless => panic!("the handler never returns"),
        _ = reaches.recv() => {}
    }
    assert_eq!(batch(&mut consumer).await, (0..10).collect::<Vec<_>>());
    assert_eq!(batch(&mut consumer).await, (10..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_loop_ends_at_an_error_and_goes_on_with_the_batch_that_failed() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..40)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    let seen = Mutex::new(Vec::new());
    for _ in 0..2 {
        let ended = consumer.process(|messages: Vec<Message<u32>>| {
            let numbers = numbers_of(&messages);
            seen.lock().unwrap().push(numbers[0]);
            let calls = seen.lock().unwrap().len();
            async move { if calls == 3 || calls == 5 { Err("away") } else { Ok(()) } }
        });
        assert!(matches!(ended.await.unwrap_err(), Error::Handler { .. }));
    }
    assert_eq!(*seen.lock().unwrap(), [0, 10, 20, 20, 30]);
}

#[tokio::test]
async fn the_loop_hands_a_batch_over_when_the_one_before_is_committed() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..40)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    let mut while_handled = Vec::new();
    let ended = consumer.process(|messages: Vec<Message<u32>>| {
        while_handled.push(committed(&cluster, &group, &topic, 0));
        async move { if messages[0].payload == 20 { Err("away") } else { Ok(()) } }
    });
    assert!(matches!(ended.await.unwrap_err(), Error::Handler { .. }));
    assert_eq!(while_handled, [None, Some(10), Some(20)]);
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(20));
}

#[tokio::test]
async fn a_loop_that_was_dropped_has_committed_what_it_processed() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..20)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    let enough = tokio::sync::Notify::new();
    let endless = consumer.process(|messages: Vec<Message<u32>>| {
        if messages[0].payload == 10 {
            enough.notify_one();
        }
        std::future::ready(Ok::<(), Infallible>(()))
    });
    tokio::select! {
        biased;
        _ = endless => panic!("no handler fails"),
        () = enough.notified() => {}
    }
    consumer.close().await.unwrap();
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(20));
}

#[tokio::test]
async fn two_members_share_the_work_and_leave_nothing_out() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(4);
    let producer = producer(&cluster).await;
    producer.produce_batch(&topic, &numbered(0..200)).await.unwrap();
    let group = cluster.group_name();
    let builder = || consumer(&cluster, &[&topic], &group).batch_size(7).timeout_ms(300);
    let mut first = builder().build().await.unwrap();
    let mut seen: BTreeSet<u32> = batch(&mut first).await.into_iter().collect();
    // The second joins while the first reads.
    let mut second = builder().build().await.unwrap();
    producer.produce_batch(&topic, &numbered(200..400)).await.unwrap();
    let started = std::time::Instant::now();
    while seen.len() < 400 {
        assert!(started.elapsed() < DEADLINE, "{} of 400 were seen", seen.len());
        let (one, other) = tokio::join!(batch(&mut first), batch(&mut second));
        seen.extend(one.into_iter().chain(other));
    }
    let all: i64 = (0..4).filter_map(|id| committed(&cluster, &group, &topic, id)).sum();
    assert_eq!(all, 400);
}

#[tokio::test]
async fn a_topic_that_does_not_exist_does_not_block_the_others() {
    let cluster = TestCluster::start().await;
    let (topic, missing) = (cluster.create_topic(1), cluster.topic_name());
    producer(&cluster).await.produce_batch(&topic, &numbered(0..3)).await.unwrap();
    let group = cluster.group_name();
    let builder = consumer(&cluster, &[&topic, &missing], &group).batch_size(3);
    let mut consumer = builder.build().await.unwrap();
    assert_eq!(batch(&mut consumer).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_caller_cannot_switch_auto_commit_on() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..10)).await.unwrap();
    let group = cluster.group_name();
    let builder = consumer(&cluster, &[&topic], &group).batch_size(10);
    let builder = builder.set("enable.auto.commit", "true").set("auto.commit.interval.ms", "1");
    let mut consumer = builder.build().await.unwrap();
    failing_batch(&mut consumer).await;
    // With auto-commit, closing commits what was read.
    consumer.close().await.unwrap();
    assert_eq!(committed(&cluster, &group, &topic, 0), None);
}

#[tokio::test]
async fn the_time_and_count_of_each_batch_are_reported() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..15)).await.unwrap();
    let group = cluster.group_name();
    let told: Arc<Mutex<Vec<BatchMetrics>>> = Arc::default();
    let collected = Arc::clone(&told);
    let mut consumer = consumer(&cluster, &[&topic], &group)
        .batch_size(10)
        .on_batch(move |metrics| collected.lock().unwrap().push(metrics.clone()))
        .build()
        .await
        .unwrap();
    failing_batch(&mut consumer).await;
    let mut took = Duration::ZERO;
    let handler = async |_: Vec<Message<u32>>| {
        let started = std::time::Instant::now();
        committed(&cluster, &group, &topic, 0);
        took = started.elapsed();
        Ok::<(), Infallible>(())
    };
    consumer.process_batch(handler).await.unwrap();
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert_eq!(told.len(), 2);
    for (metrics, processed) in told.iter().zip([false, true]) {
        assert_eq!((metrics.service.as_str(), &metrics.group), ("boards", &group));
        assert_eq!((metrics.messages, metrics.records, metrics.processed), (10, 10, processed));
        assert_eq!(metrics.batch, format!("{topic}[0=0:10]"));
    }
    assert!(told[1].took >= took && told[0].took < took, "{took:?}: {told:?}");
}
