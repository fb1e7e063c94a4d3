//! What consumer groups have committed, in records instead of offsets: markers take offsets too.

use std::collections::BTreeMap;

use embedded_kafka::Cluster;

use crate::logged::{Fate, LoggedRecord};
use crate::sheet::GroupSheet;

/// The next offset to read, by topic and partition.
type Offsets = BTreeMap<(String, i32), i64>;

/// What groups have committed.
pub(crate) struct Committed {
    /// The offsets of each group.
    offsets: BTreeMap<String, Offsets>,
    pub(crate) groups: Vec<GroupSheet>,
}

impl Committed {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let mut offsets: BTreeMap<String, Offsets> = BTreeMap::new();
        for committed in cluster.committed_offsets() {
            let of_group = offsets.entry(committed.group).or_default();
            of_group.insert((committed.topic, committed.partition), committed.offset);
        }
        Self { offsets, groups: Vec::new() }
    }

    /// Counts the records of a partition that come before a group's committed offset. The
    /// partitions of a topic come one after the other.
    pub(crate) fn count(&mut self, topic: &str, partition: i32, log: &[LoggedRecord]) {
        for (group, offsets) in &self.offsets {
            if !offsets.keys().any(|(of, _)| of == topic) {
                continue;
            }
            let end = offsets.get(&(topic.to_owned(), partition)).copied().unwrap_or(0);
            let read = log.iter().filter(|it| it.fate == Fate::Committed);
            let of = read.clone().count() as u64;
            let committed = read.filter(|it| it.offset < end).count() as u64;
            let known = self.groups.iter_mut().find(|it| it.group == *group && it.topic == topic);
            match known {
                Some(sheet) => {
                    sheet.committed += committed;
                    sheet.of += of;
                }
                None => {
                    let (group, topic) = (group.clone(), topic.to_owned());
                    self.groups.push(GroupSheet { group, topic, committed, of });
                }
            }
        }
    }
}
