//! What the ledger notes of each call: batches that were sent, and offsets that were read.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use embedded_kafka::messages::{
    DeleteTopicsResponse, FetchRequest, FetchResponse, ProduceRequest, ProduceResponse,
};
use embedded_kafka::{ApiKey, CallOutcome, InspectedCall, RecordBatch};

use crate::content::Content;
use crate::spans::Spans;

/// What a producer learned about a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reply {
    /// It got an acknowledgement.
    Acknowledged,
    /// It did not want one (`acks=0`).
    NotAwaited,
    /// It got this error code.
    Rejected(i16),
    /// Nothing: the response was dropped, or the connection ended before it.
    Lost,
}

/// An idempotent producer, and the sequence number of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sequence {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) number: i32,
}

impl Sequence {
    pub(crate) fn of(batch: &RecordBatch, record: &embedded_kafka::Record) -> Option<Self> {
        let number = batch.sequence_of(record)?;
        let (producer_id, epoch) = (batch.producer_id, batch.producer_epoch);
        (producer_id >= 0).then_some(Self { producer_id, epoch, number })
    }

    /// Returns what numbers are counted for: the id and the epoch of the producer.
    pub(crate) fn incarnation(self) -> (i64, i16) {
        (self.producer_id, self.epoch)
    }

    /// Returns the sequence number of the record that comes so many records later.
    pub(crate) fn plus(self, records: usize) -> Self {
        let number = (i64::from(self.number) + records as i64) % (1 << 31);
        Self { number: number as i32, ..self }
    }
}

/// A batch in a Produce request.
#[derive(Debug)]
pub(crate) struct SentBatch {
    /// The position of its request among all calls.
    pub(crate) order: u64,
    /// The number of the connection that it came on.
    pub(crate) connection: usize,
    /// The node that got it.
    pub(crate) node: i32,
    pub(crate) acks: i16,
    /// The sequence number of its first record, if the producer is idempotent.
    pub(crate) sequence: Option<Sequence>,
    pub(crate) reply: Reply,
    /// The offset that its first record got, if the node appended it and knew so.
    pub(crate) base_offset: Option<i64>,
    pub(crate) records: Box<[Content]>,
}

/// What the ledger knows of a partition.
#[derive(Debug, Default)]
pub(crate) struct PartitionBooks {
    pub(crate) sent: Vec<SentBatch>,
    /// The offsets of records that consumers got.
    pub(crate) read: Spans,
    /// The number of records that were acknowledged before the topic was deleted.
    pub(crate) deleted: u64,
}

/// What the ledger knows of all partitions.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) partitions: BTreeMap<(String, i32), PartitionBooks>,
    connections: HashMap<SocketAddr, usize>,
    /// The number of calls that were noted.
    pub(crate) calls: u64,
    /// The number of records that still fit.
    left: usize,
    /// The number of records that were sent and not noted, because the books were full.
    pub(crate) beyond_limit: u64,
    /// The number of batches that could not be decoded. The node rejects them as well.
    pub(crate) unreadable: u64,
}

impl Books {
    pub(crate) fn new(most_records: usize) -> Self {
        Self {
            partitions: BTreeMap::new(),
            connections: HashMap::new(),
            calls: 0,
            left: most_records,
            beyond_limit: 0,
            unreadable: 0,
        }
    }

    pub(crate) fn note(&mut self, call: &InspectedCall, batches: Vec<NewBatch>) {
        self.calls += 1;
        match call.api() {
            ApiKey::Produce => batches.into_iter().for_each(|batch| self.note_sent(call, batch)),
            ApiKey::Fetch => self.note_read(call),
            ApiKey::DeleteTopics => self.note_deleted(call),
            _ => {}
        }
    }

    fn partition(&mut self, topic: &str, partition: i32) -> &mut PartitionBooks {
        self.partitions.entry((topic.to_owned(), partition)).or_default()
    }

    fn note_sent(&mut self, call: &InspectedCall, new: NewBatch) {
        let Some((sequence, records)) = new.records else {
            self.unreadable += 1;
            return;
        };
        if records.len() > self.left {
            self.left = 0;
            self.beyond_limit += records.len() as u64;
            return;
        }
        self.left -= records.len();
        let next = self.connections.len();
        let connection = *self.connections.entry(call.client_address()).or_insert(next);
        let (order, node) = (call.number(), call.node());
        let NewBatch { acks, reply, base_offset, .. } = new;
        let batch =
            SentBatch { order, connection, node, acks, sequence, reply, base_offset, records };
        self.partition(&new.topic, new.partition).sent.push(batch);
    }

    fn note_read(&mut self, call: &InspectedCall) {
        let (Some(request), Some(response)) =
            (call.request::<FetchRequest>(), call.response::<FetchResponse>())
        else {
            return;
        };
        if !call.is_responded() {
            return;
        }
        for (wanted, topic) in request.topics.iter().zip(&response.responses) {
            let Some(name) = named(call, &topic.topic, topic.topic_id) else { continue };
            for (wanted, partition) in wanted.partitions.iter().zip(&topic.partitions) {
                let records = partition.records.clone().unwrap_or_default();
                let books = self.partition(&name, partition.partition_index);
                // The node has read them from a log that it checked.
                let headers = RecordBatch::decode_headers(&records).unwrap_or_default();
                let decode = || RecordBatch::decode_all(&records).unwrap_or_default();
                for (from, end) in offsets(headers, decode) {
                    books.read.add(from.max(wanted.fetch_offset), end);
                }
            }
        }
    }

    /// Closes the books of topics that were deleted. One that is created again begins at offset 0.
    fn note_deleted(&mut self, call: &InspectedCall) {
        let Some(response) = call.response::<DeleteTopicsResponse>() else { return };
        let deleted = response.responses.iter().filter(|topic| topic.error_code == 0);
        let names: Vec<&str> = deleted.filter_map(|it| Some(it.name.as_ref()?.as_str())).collect();
        for ((topic, _), books) in &mut self.partitions {
            if names.contains(&topic.as_str()) {
                for batch in books.sent.drain(..) {
                    self.left += batch.records.len();
                    if batch.reply == Reply::Acknowledged {
                        books.deleted += batch.records.len() as u64;
                    }
                }
                books.read = Spans::default();
            }
        }
    }
}

/// A batch as its request has it, hashed before the books are locked.
#[derive(Debug)]
pub(crate) struct NewBatch {
    topic: String,
    partition: i32,
    acks: i16,
    reply: Reply,
    base_offset: Option<i64>,
    /// `None` if it cannot be decoded.
    records: Option<(Option<Sequence>, Box<[Content]>)>,
}

impl NewBatch {
    /// Returns the batches of a Produce request, none for another API.
    pub(crate) fn all(call: &InspectedCall) -> Vec<Self> {
        let Some(request) = call.request::<ProduceRequest>() else { return Vec::new() };
        let response = call.response::<ProduceResponse>();
        let mut batches = Vec::new();
        for (at_topic, topic) in request.topic_data.iter().enumerate() {
            let name = named(call, &topic.name, topic.topic_id);
            let name = name.unwrap_or_else(|| format!("(topic id {})", topic.topic_id));
            for (at, data) in topic.partition_data.iter().enumerate() {
                let result = response.map(|it| &it.responses[at_topic].partition_responses[at]);
                let result = result.map(|it| (it.error_code, it.base_offset));
                let (reply, base_offset) = (reply(call, result), appended_at(result));
                let records = data.records.clone().unwrap_or_default();
                // A request has one batch for each partition.
                let records = match RecordBatch::decode_all(&records).as_deref() {
                    Ok([batch]) => Some(hashed(batch)),
                    _ => None,
                };
                let (topic, partition, acks) = (name.clone(), data.index, request.acks);
                batches.push(Self { topic, partition, acks, reply, base_offset, records });
            }
        }
        batches
    }
}

fn hashed(batch: &RecordBatch) -> (Option<Sequence>, Box<[Content]>) {
    let sequence = batch.records.first().and_then(|first| Sequence::of(batch, first));
    (sequence, batch.records.iter().map(Content::of).collect())
}

/// Returns the offsets of the records in batches, as ranges with exclusive ends.
fn offsets(
    headers: Vec<RecordBatch>,
    decode: impl FnOnce() -> Vec<RecordBatch>,
) -> Vec<(i64, i64)> {
    let is_whole =
        |it: &RecordBatch| i64::from(it.record_count) == it.last_offset - it.base_offset + 1;
    if headers.iter().all(|it| it.is_control || is_whole(it)) {
        let records = headers.iter().filter(|batch| !batch.is_control);
        return records.map(|it| (it.base_offset, it.last_offset + 1)).collect();
    }
    // Compaction has left gaps, so each record has to be asked for its offset.
    let records = decode().into_iter().flat_map(|batch| batch.records);
    records.map(|it| (it.offset, it.offset + 1)).collect()
}

/// Returns what the producer learned of a batch, for which the node has this error code and offset.
fn reply(call: &InspectedCall, result: Option<(i16, i64)>) -> Reply {
    match (call.outcome(), result) {
        (CallOutcome::Responded, Some((0, _))) => Reply::Acknowledged,
        (CallOutcome::NotAwaited | CallOutcome::Closed(_), Some((0, _))) => Reply::NotAwaited,
        (CallOutcome::FailedOnPurpose(error), None) => Reply::Rejected(error.code()),
        (CallOutcome::ResponseDropped | CallOutcome::Abandoned, _) | (_, None) => Reply::Lost,
        (_, Some((code, _))) => Reply::Rejected(code),
    }
}

/// Returns the offset that the node gave the batch, whether the producer learned it or not.
fn appended_at(result: Option<(i16, i64)>) -> Option<i64> {
    result.filter(|(code, offset)| *code == 0 && *offset >= 0).map(|(_, offset)| offset)
}

/// Returns a topic's name. New versions of requests have only its id.
fn named(call: &InspectedCall, name: &str, id: uuid::Uuid) -> Option<String> {
    if name.is_empty() { call.topic_name(id) } else { Some(name.to_owned()) }
}
