//! Ctrl-C while batches are processed.
//!
//! One test, because a signal reaches the whole process.

use std::convert::Infallible;
use std::process::Command;
use std::time::Duration;

use lineage::{Consumer, Error, Message, Processor, Producer};
use workshop_tests::{DEADLINE, TestCluster};

/// How long the listeners of one signal may take to be woken.
const WOKEN: Duration = Duration::from_millis(200);

/// Returns when the loop has heard it too.
async fn press_ctrl_c() {
    let mut heard = std::pin::pin!(tokio::signal::ctrl_c());
    assert!(is_pending(&mut heard).await);
    let id = std::process::id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.expect("kill is there").success());
    heard.await.expect("Ctrl-C can be heard");
    // Listeners are woken one after the other, by a thread that may be interrupted between two, and
    // nothing tells when the last one was: the loop gets its time.
    tokio::time::sleep(WOKEN).await;
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
                press_ctrl_c().await;
            }
            Ok::<(), Infallible>(())
        }
    });
    assert_eq!(handled.await.unwrap(), 20);
    assert_eq!(firsts, [0, 10]);

    a_second_one_ends_a_handler_that_hangs_and_its_batch_comes_again(&mut consumer).await;
    // Nothing was lost: the next batch is the third.
    assert_eq!(next_batch(&mut consumer).await, (20..30).collect::<Vec<_>>());
    a_processor_that_hangs_is_ended_too(consumer, &cluster).await;
}

async fn next_batch(consumer: &mut Consumer) -> Vec<i32> {
    let mut next = Vec::new();
    let handler = async |batch: Vec<Message<i32>>| {
        next.extend(batch.iter().map(|it| it.payload));
        Ok::<(), Infallible>(())
    };
    consumer.process_batch(handler).await.expect("the batch is processed");
    next
}

async fn a_second_one_ends_a_handler_that_hangs_and_its_batch_comes_again(consumer: &mut Consumer) {
    let mut firsts = Vec::new();
    let endless = consumer.process(|batch: Vec<Message<i32>>| {
        firsts.push(batch[0].payload);
        async {
            press_ctrl_c().await;
            press_ctrl_c().await;
            std::future::pending::<Result<(), Infallible>>().await
        }
    });
    let ended = tokio::time::timeout(DEADLINE, endless).await.expect("it is ended from outside");
    assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
    assert_eq!(firsts, [20]);
}

async fn a_processor_that_hangs_is_ended_too(consumer: Consumer, cluster: &TestCluster) {
    // What is made of the batch is not sent for two minutes.
    let producer = Producer::builder("boards", cluster.bootstrap_servers());
    let producer = producer.set("linger.ms", "120000").build().await.expect("the cluster answers");
    let mut processor = Processor::new(consumer, producer, cluster.create_topic(1));
    let (reached, mut reaches) = tokio::sync::mpsc::unbounded_channel();
    let endless = processor.process(|message: &Message<i32>| {
        reached.send(message.payload).expect("someone waits for it");
        Ok::<_, Infallible>(vec![message.derive("JFK", message.payload)])
    });
    let pressing = async {
        assert_eq!(reaches.recv().await, Some(30));
        press_ctrl_c().await;
        press_ctrl_c().await;
    };
    let both = async { tokio::join!(biased; endless, pressing).0 };
    let ended = tokio::time::timeout(DEADLINE, both).await.expect("it is ended from outside");
    assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
}

/// Polls once, and says whether there is nothing yet.
async fn is_pending<F: Future>(future: &mut std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(future.as_mut().poll(context).is_pending())
    })
    .await
}
