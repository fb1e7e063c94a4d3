//! Correct batches that are too large, sent again, or in a version of the API that is too old.

use kafka_protocol::messages::{FetchRequest, ProduceRequest};
use wire_client::requests::{fetch, produce, produced};

use super::asking::Asked;
use super::codec::Codec;
use super::forge::{Forged, field, null};
use super::table::{Settings, table};
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("batches":
    large_when_uncompressed,
    large_when_compressed_anew,
    larger_than_a_segment,
    as_large_as_may_be,
    sent_again,
    sent_again_to_gzip,
    sent_again_with_log_append_time,
    one_of_two_partitions_gets_no_batch,
    zstd_by_versions_of_produce,
    unknown_codecs_by_versions_of_produce,
    record_errors_by_versions_of_produce,
    zstd_by_versions_of_fetch,
    zstd_by_versions_of_fetch_from_a_topic_of_zstd,
);

/// Makes a batch of these values.
fn with_value(value: &[u8]) -> Forged {
    let mut forged = Forged::good();
    forged.records[0].value = field(value);
    forged
}

fn of_all_codecs(scene: &Scene, settings: Settings, forged: &Forged) -> Outcome {
    let cells = Codec::ALL.map(|codec| (codec.name(), forged.encode(codec)));
    table(scene, settings, &cells)
}

fn large_when_uncompressed(scene: &Scene) -> Outcome {
    let settings = &[("compression.type", "uncompressed"), ("max.message.bytes", "1000")];
    of_all_codecs(scene, settings, &with_value(&[b'x'; 2_000]))
}

/// Sends bytes that gzip compresses better than the other codecs.
fn large_when_compressed_anew(scene: &Scene) -> Outcome {
    let settings = &[("compression.type", "gzip"), ("max.message.bytes", "1000")];
    of_all_codecs(scene, settings, &with_value(&[b'x'; 2_000]))
}

fn larger_than_a_segment(scene: &Scene) -> Outcome {
    let settings = &[
        ("compression.type", "uncompressed"),
        ("max.message.bytes", "4000000"),
        ("segment.bytes", "1048576"),
    ];
    of_all_codecs(scene, settings, &with_value(&vec![b'x'; 1_100_000]))
}

/// Sends a batch of exactly the first topic's size limit; the second topic's limit is one byte
/// less.
fn as_large_as_may_be(scene: &Scene) -> Outcome {
    let mut outcomes = Vec::new();
    for codec in Codec::ALL {
        let batch = Forged::good().encode(codec);
        for limit in [batch.len(), batch.len() - 1] {
            let limit = limit.to_string();
            let topic = scene.topic_with(1, 1, &[("max.message.bytes", &limit)])?;
            let request = produce(&topic, 0, -1, batch.clone());
            let answer = scene.leader(&topic, 0)?.try_call(9, &request)?;
            outcomes.push(name(produced(&answer).error_code));
        }
    }
    Ok(outcomes.join(", "))
}

/// Sends an idempotent producer's batch twice, with each codec.
fn twice(scene: &Scene, settings: Settings) -> Outcome {
    let topic = scene.topic_with(5, 1, &[settings, &[("retention.ms", "-1")]].concat())?;
    let mut outcomes = Vec::new();
    for (partition, codec) in (0..).zip(Codec::ALL) {
        let mut forged = Forged::good();
        forged.producer = (987_654, 0, 0);
        let (leader, sent) = (scene.leader(&topic, partition)?, forged.encode(codec));
        let mut asked = Asked { leader, topic: &topic, partition };
        let (first, again) = (asked.told(&sent)?, asked.told(&sent)?);
        outcomes.push(format!("{}: {first}; again {again}", codec.name()));
    }
    Ok(outcomes.join("; "))
}

fn sent_again(scene: &Scene) -> Outcome {
    twice(scene, &[])
}

fn sent_again_to_gzip(scene: &Scene) -> Outcome {
    twice(scene, &[("compression.type", "gzip")])
}

fn sent_again_with_log_append_time(scene: &Scene) -> Outcome {
    twice(scene, &[("message.timestamp.type", "LogAppendTime")])
}

/// Returns the responses of two partitions if the first receives a changed batch.
fn next_to_a_good_batch(scene: &Scene, change: fn(&mut Forged)) -> Outcome {
    let topic = scene.topic_with(2, 1, &[])?;
    let mut forged = Forged::good();
    change(&mut forged);
    let mut request = produce(&topic, 0, -1, forged.encode(Codec::Lz4));
    let good = produce(&topic, 1, -1, Forged::good().encode(Codec::Lz4));
    request.topic_data[0].partition_data.push(good.topic_data[0].partition_data[0].clone());
    let answer = scene.leader(&topic, 1)?.try_call(9, &request)?;
    let partitions = answer.responses[0].partition_responses.iter();
    let mut told: Vec<_> = partitions.map(|it| (it.index, name(it.error_code))).collect();
    told.sort();
    Ok(told.into_iter().map(|it| it.1).collect::<Vec<_>>().join(" and "))
}

fn one_of_two_partitions_gets_no_batch(scene: &Scene) -> Outcome {
    let unknown = next_to_a_good_batch(scene, |it| it.magic = 3)?;
    let negative = next_to_a_good_batch(scene, |it| it.length = Some(-100_000))?;
    Ok(format!("magic 3: {unknown}; a negative length: {negative}"))
}

/// Returns the response of each of these versions to a request, or that the connection is closed.
fn by_versions(scene: &Scene, topic: &str, versions: &[i16], request: &ProduceRequest) -> Outcome {
    let mut outcomes = Vec::new();
    for version in versions {
        let outcome = match scene.leader(topic, 0)?.try_call(*version, request) {
            Ok(answer) => {
                let answer = produced(&answer);
                let told = answer.error_message.as_ref().map_or("", |_| " with a message");
                let errors = answer.record_errors.len();
                format!("{}{told}, {errors} record errors", name(answer.error_code))
            }
            Err(_) => "closed".to_owned(),
        };
        outcomes.push(format!("{version}: {outcome}"));
    }
    Ok(outcomes.join("; "))
}

fn zstd_by_versions_of_produce(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 1, &[])?;
    let request = produce(&topic, 0, -1, Forged::good().encode(Codec::Zstd));
    by_versions(scene, &topic, &[3, 5, 6, 7, 8, 9], &request)
}

fn unknown_codecs_by_versions_of_produce(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 1, &[])?;
    let mut outcomes = Vec::new();
    for codec in 5..8 {
        let batch = Forged::good().around(codec, &Forged::good().payload());
        let request = produce(&topic, 0, -1, batch);
        outcomes.push(format!("{codec} {}", by_versions(scene, &topic, &[3, 6, 7, 9], &request)?));
    }
    Ok(outcomes.join("; "))
}

fn record_errors_by_versions_of_produce(scene: &Scene) -> Outcome {
    let topic = scene.topic_with(1, 1, &[("cleanup.policy", "compact")])?;
    let mut forged = Forged::good();
    forged.records[1].key = null();
    let request = produce(&topic, 0, -1, forged.encode(Codec::Lz4));
    by_versions(scene, &topic, &[3, 5, 7, 8, 9], &request)
}

/// Returns the result of each version of Fetch for a batch that was compressed with zstd.
fn fetched(scene: &Scene, settings: Settings) -> Outcome {
    let topic = scene.topic_with(1, 1, &[settings, &[("retention.ms", "-1")]].concat())?;
    let mut leader = scene.leader(&topic, 0)?;
    leader.try_call(9, &produce(&topic, 0, -1, Forged::good().encode(Codec::Zstd)))?;
    let mut outcomes = Vec::new();
    for version in [4, 9, 10, 12] {
        let request: FetchRequest = fetch(&topic, 0, 0);
        let outcome = match leader.try_call(version, &request) {
            Ok(answer) => {
                let partition = &answer.responses[0].partitions[0];
                let bytes = partition.records.as_ref().map_or(0, bytes::Bytes::len);
                let found = if bytes > 0 { "records" } else { "no records" };
                format!("{}, {found}", name(partition.error_code))
            }
            Err(_) => "closed".to_owned(),
        };
        outcomes.push(format!("{version}: {outcome}"));
    }
    Ok(outcomes.join("; "))
}

fn zstd_by_versions_of_fetch(scene: &Scene) -> Outcome {
    fetched(scene, &[])
}

fn zstd_by_versions_of_fetch_from_a_topic_of_zstd(scene: &Scene) -> Outcome {
    fetched(scene, &[("compression.type", "zstd")])
}
