//! Formats records, batches and histories as text.

use std::collections::BTreeMap;

use crate::history::{History, Ref};

/// Formats a record as `topic:partition:offset:key`, with `null` for a record without a key.
pub fn format_kafka_ref(one: &Ref) -> String {
    let Ref { topic, partition, offset, key, .. } = one;
    let key = key.as_deref().unwrap_or("null");
    format!("{topic}:{partition}:{offset}:{key}")
}

/// Formats a batch as `topic[partition=first:last+1,…]` for each topic, such as
/// `departures[0=5:9,2=1:2]`: its first offsets, and the ones after its last.
pub fn format_batch_ref<'a>(records: impl IntoIterator<Item = &'a Ref>) -> String {
    let mut ranges = Ranges::default();
    for one in records {
        ranges.add(&one.topic, one.partition, one.offset);
    }
    ranges.to_string()
}

/// The offsets of a batch: for each partition the first, and the one after the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(pub(super) BTreeMap<String, BTreeMap<i32, (i64, i64)>>);

impl Ranges {
    pub(super) fn add(&mut self, topic: &str, partition: i32, offset: i64) {
        let Some(partitions) = self.0.get_mut(topic) else {
            let range = BTreeMap::from([(partition, (offset, offset + 1))]);
            self.0.insert(topic.to_owned(), range);
            return;
        };
        let range = partitions.entry(partition).or_insert((offset, offset + 1));
        *range = (range.0.min(offset), range.1.max(offset + 1));
    }

    pub(super) fn remove(&mut self, topic: &str, partition: i32) {
        if let Some(partitions) = self.0.get_mut(topic) {
            partitions.remove(&partition);
        }
        self.0.retain(|_, partitions| !partitions.is_empty());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns each partition with its first offset and the one after its last.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, i32, i64, i64)> {
        self.0.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(|(id, (first, next))| (topic.as_str(), *id, *first, *next))
        })
    }
}

impl std::fmt::Display for Ranges {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let topics = self.0.iter().map(|(topic, partitions)| {
            let ranges: Vec<String> = partitions
                .iter()
                .map(|(id, (first, next))| format!("{id}={first}:{next}"))
                .collect();
            format!("{topic}[{}]", ranges.join(","))
        });
        out.write_str(&topics.collect::<Vec<_>>().join(","))
    }
}

/// Formats the history of a record as a tree: the record itself, and below it what it was made
/// from.
///
/// ```text
/// boards  boards:0:4:JFK  12:00:03.120000
/// └─ delays  delays:1:7:WS042  12:00:02.010000
///    ├─ airports  airports:2:1016:JFK  12:00:00.000000
///    └─ departures  departures:0:7:WS042  12:00:01.000000
/// ```
pub fn lineage_tree(record: &Ref) -> String {
    let mut lines = vec![line(record)];
    add_below(record.hist.as_ref(), "", &mut lines);
    lines.join("\n")
}

fn line(record: &Ref) -> String {
    let place = format_kafka_ref(record);
    match &record.hist {
        Some(hist) => format!("{}  {place}  {}", hist.service, hist.at.format("%H:%M:%S%.6f")),
        None => format!("?  {place}"),
    }
}

fn add_below(history: Option<&History>, indent: &str, lines: &mut Vec<String>) {
    let refs = history.map_or(&[][..], |hist| &hist.refs);
    for (index, one) in refs.iter().enumerate() {
        let is_last = index + 1 == refs.len();
        let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines.push(format!("{indent}{branch}{}", line(one)));
        add_below(one.hist.as_ref(), &format!("{indent}{below}"), lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(topic: &str, partition: i32, offset: i64, hist: Option<History>) -> Ref {
        Ref { topic: topic.to_owned(), partition, offset, key: Some("JFK".to_owned()), hist }
    }

    fn history(service: &str, second: u32, refs: Vec<Ref>) -> Option<History> {
        let at = format!("2026-11-21T12:00:{second:02}Z").parse().unwrap();
        Some(History { service: service.to_owned(), at, refs })
    }

    #[test]
    fn a_record_is_topic_partition_offset_and_key() {
        let mut one = record("airports", 2, 1016, None);
        assert_eq!(format_kafka_ref(&one), "airports:2:1016:JFK");
        one.key = None;
        assert_eq!(format_kafka_ref(&one), "airports:2:1016:null");
    }

    #[test]
    fn a_batch_is_the_range_of_each_partition() {
        let places = [("b", 2, 1), ("a", 1, 9), ("b", 0, 8), ("b", 0, 5), ("a", 1, 10)];
        let records =
            places.map(|(topic, partition, offset)| record(topic, partition, offset, None));
        assert_eq!(format_batch_ref(&records), "a[1=9:11],b[0=5:9,2=1:2]");
        assert_eq!(format_batch_ref(&records[3..4]), "b[0=5:6]");
        assert_eq!(format_batch_ref(&[]), "");
    }

    #[test]
    fn a_history_is_a_tree() {
        let airport = record("airports", 2, 1016, history("airports", 0, vec![]));
        let departure = record("departures", 0, 7, None);
        let delay = record("delays", 1, 7, history("delays", 2, vec![airport, departure.clone()]));
        let board = record("boards", 0, 4, history("boards", 3, vec![delay, departure]));
        let expected = "\
boards  boards:0:4:JFK  12:00:03.000000
├─ delays  delays:1:7:JFK  12:00:02.000000
│  ├─ airports  airports:2:1016:JFK  12:00:00.000000
│  └─ ?  departures:0:7:JFK
└─ ?  departures:0:7:JFK";
        assert_eq!(lineage_tree(&board), expected);
    }
}
