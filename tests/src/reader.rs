//! A reader of either kind: what a client makes of the records and the aborted transactions that a
//! fetch returns.

use std::collections::BTreeSet;

use crate::raw::RawClient;
use crate::requests::{fetch, list_offsets};
use kafka_protocol::messages::fetch_response::{AbortedTransaction, PartitionData};
use kafka_protocol::records::{Record, RecordBatchDecoder};

/// What a reader got to see of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Offsets and values.
    pub records: Vec<(i64, String)>,
    /// Up to where every reader may read, exclusive.
    pub high_watermark: i64,
    /// Up to where a reader of committed records may read, exclusive.
    pub last_stable_offset: i64,
}

/// Reads a partition from an offset to its end.
///
/// # Panics
/// When the node answers with an error, or not at all.
pub fn read(
    client: &mut RawClient,
    topic: &str,
    partition: usize,
    from: i64,
    is_committed_only: bool,
) -> Seen {
    let request = fetch(topic, partition as i32, from);
    let answer = client.call(12, &request.with_isolation_level(i8::from(is_committed_only)));
    let data = &answer.responses[0].partitions[0];
    assert_eq!(data.error_code, 0, "fetching from {from}");
    seen(data, from)
}

/// What a client makes of a fetch from an offset on.
///
/// # Panics
/// When the records cannot be decoded.
pub fn seen(data: &PartitionData, from: i64) -> Seen {
    let mut bytes = data.records.clone().unwrap_or_default();
    let batches = RecordBatchDecoder::decode_all(&mut bytes).expect("batches can be decoded");
    let records: Vec<Record> = batches.into_iter().flat_map(|batch| batch.records).collect();
    let aborted = data.aborted_transactions.clone().unwrap_or_default();
    let records = committed(&records, aborted).into_iter().filter(|it| it.offset >= from);
    let text = |it: &Record| {
        let value = it.value.clone().expect("every record has a value");
        (it.offset, String::from_utf8(value.to_vec()).expect("a text"))
    };
    Seen {
        records: records.map(text).collect(),
        high_watermark: data.high_watermark,
        last_stable_offset: data.last_stable_offset,
    }
}

/// Leaves out markers and what was aborted, as clients do: from the first offset of an aborted
/// transaction on nothing of its producer counts, up to the marker.
fn committed(records: &[Record], mut aborted: Vec<AbortedTransaction>) -> Vec<&Record> {
    aborted.sort_by_key(|it| it.first_offset);
    let mut aborted = aborted.into_iter().peekable();
    let (mut producers, mut committed) = (BTreeSet::new(), Vec::new());
    for record in records {
        while let Some(begun) = aborted.next_if(|it| it.first_offset <= record.offset) {
            producers.insert(begun.producer_id.0);
        }
        if record.control {
            if is_abort(record) {
                producers.remove(&record.producer_id);
            }
        } else if !record.transactional || !producers.contains(&record.producer_id) {
            committed.push(record);
        }
    }
    committed
}

/// A marker's key is its version and its type: 0 aborts, 1 commits.
fn is_abort(marker: &Record) -> bool {
    let key = marker.key.as_ref().expect("a marker has a key");
    let kind = key[2..4].try_into().map(i16::from_be_bytes).expect("two bytes");
    assert!([0, 1].contains(&kind), "a marker of type {kind}");
    kind == 0
}

/// The end of a partition, as ListOffsets tells it.
///
/// # Panics
/// When the node answers with an error, or not at all.
pub fn end(client: &mut RawClient, topic: &str, partition: usize, is_committed_only: bool) -> i64 {
    let request = list_offsets(topic, partition as i32, -1);
    let answer = client.call(5, &request.with_isolation_level(i8::from(is_committed_only)));
    let answer = &answer.topics[0].partitions[0];
    assert_eq!(answer.error_code, 0);
    answer.offset
}
