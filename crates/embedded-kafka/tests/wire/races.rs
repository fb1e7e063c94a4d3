//! Topics that are created and deleted while others write to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use embedded_kafka::Cluster;
use kafka_protocol::messages::MetadataRequest;

use crate::client::{ask, create, delete, produce_one, start};

const SUCCESS: i16 = 0;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const TOPIC_ALREADY_EXISTS: i16 = 36;

/// Four clients create and delete the same topic, two write to it. At the end the disk has exactly
/// the remaining topic, and nothing prevents the next start.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_topic_may_be_created_deleted_and_written_to_at_the_same_time() {
    let data = tempfile::tempdir().unwrap();
    let cluster = Arc::new(start(Cluster::builder().data_dir(data.path())).await);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut changing = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let of = Arc::clone(&cluster);
        changing.spawn(async move {
            for _ in 0..100 {
                let created = create(&of, "airports", 3).await;
                assert!([SUCCESS, TOPIC_ALREADY_EXISTS].contains(&created), "{created}");
            }
        });
        let of = Arc::clone(&cluster);
        changing.spawn(async move {
            for _ in 0..100 {
                let deleted = delete(&of, "airports").await;
                assert!([SUCCESS, UNKNOWN_TOPIC_OR_PARTITION].contains(&deleted), "{deleted}");
            }
        });
    }
    let mut writing = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (of, is_over) = (Arc::clone(&cluster), Arc::clone(&is_over));
        writing.spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                let written = produce_one(&of, "airports", 0).await.error_code;
                assert!([SUCCESS, UNKNOWN_TOPIC_OR_PARTITION].contains(&written), "{written}");
            }
        });
    }
    while let Some(changed) = changing.join_next().await {
        changed.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    while let Some(written) = writing.join_next().await {
        written.unwrap();
    }

    // Written once more, so that the remaining topic has a record to find again.
    create(&cluster, "airports", 3).await;
    let last = produce_one(&cluster, "airports", 0).await;
    assert_eq!(last.error_code, SUCCESS);
    Arc::into_inner(cluster).unwrap().shutdown().await;
    assert_eq!(std::fs::read_dir(data.path().join("logs")).unwrap().count(), 1);

    let cluster = start(Cluster::builder().data_dir(data.path())).await;
    let request = MetadataRequest::default().with_topics(None);
    assert_eq!(ask(&cluster, 1, 12, &request).await.topics.len(), 1);
    let next = produce_one(&cluster, "airports", 0).await;
    assert_eq!((next.error_code, next.base_offset), (SUCCESS, last.base_offset + 1));
}
