//! Ctrl-C while batches are processed.
//!
//! One test, because a signal reaches the whole process.

use std::convert::Infallible;
use std::process::Command;

use helpers::lineage::{Consumer, Message, Producer};
use workshop_tests::TestCluster;

fn press_ctrl_c() {
    let id = std::process::id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.expect("kill is there").success());
}

#[tokio::test]
async fn at_ctrl_c_the_batch_in_hand_is_processed_and_committed_and_no_other_is_begun() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let messages: Vec<_> = (0..40).map(|number| Message::new("WS042", number)).collect();
    let producer = Producer::new("departures", cluster.bootstrap_servers(), &[]).await.unwrap();
    producer.produce_batch(&topic, &messages).await.unwrap();
    let group = cluster.group_name();
    let brokers = cluster.bootstrap_servers();
    let mut consumer = Consumer::new("boards", brokers, &[&topic], &group, 10, 5000).await.unwrap();
    let mut firsts = Vec::new();
    let handled = consumer.process(|batch: Vec<Message<i32>>| {
        firsts.push(batch[0].payload);
        let is_second = firsts.len() == 2;
        async move {
            if is_second {
                let mut heard = std::pin::pin!(tokio::signal::ctrl_c());
                // Listening first, so that it is known when the loop has heard it too.
                assert!(is_pending(&mut heard).await);
                press_ctrl_c();
                heard.await.expect("Ctrl-C can be heard");
            }
            Ok::<(), Infallible>(())
        }
    });
    assert_eq!(handled.await.unwrap(), 20);
    assert_eq!(firsts, [0, 10]);
    // Nothing was lost: the next batch is the third.
    let mut next = Vec::new();
    let handler = async |batch: Vec<Message<i32>>| {
        next.extend(batch.iter().map(|it| it.payload));
        Ok::<(), Infallible>(())
    };
    consumer.process_batch(handler).await.unwrap();
    assert_eq!(next, (20..30).collect::<Vec<_>>());
}

/// Polls once, and says whether there is nothing yet.
async fn is_pending<F: Future>(future: &mut std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(future.as_mut().poll(context).is_pending())
    })
    .await
}
