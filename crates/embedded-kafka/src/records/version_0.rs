//! The common part of the values of a consumer group's records. All are flexible, and version 0 of
//! each is the only one. Tagged fields that a later Kafka may write as well are skipped.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::primitives::{Reader, UnreadableRecord, Writer};

/// Partitions of topics.
pub(crate) type Partitions = BTreeMap<Uuid, BTreeSet<i32>>;

pub(super) fn read_version_0(bytes: &[u8]) -> Result<Reader<'_>, UnreadableRecord> {
    let mut reader = Reader::new(bytes);
    if reader.int16()? == 0 { Ok(reader) } else { Err(UnreadableRecord) }
}

pub(super) fn write_names(writer: &mut Writer, names: &BTreeSet<String>) {
    writer.compact_array_length(names.len());
    for name in names {
        writer.compact_string(name);
    }
}

pub(super) fn read_names(reader: &mut Reader<'_>) -> Result<BTreeSet<String>, UnreadableRecord> {
    (0..reader.array_length(true)?).map(|_| reader.string(true)).collect()
}

pub(super) fn write_partitions(writer: &mut Writer, topics: &Partitions) {
    writer.compact_array_length(topics.len());
    for (topic, partitions) in topics {
        writer.uuid(*topic);
        writer.compact_array_length(partitions.len());
        for partition in partitions {
            writer.int32(*partition);
        }
        writer.unsigned_varint(0);
    }
}

pub(super) fn read_partitions(reader: &mut Reader<'_>) -> Result<Partitions, UnreadableRecord> {
    let mut topics = Partitions::new();
    for _ in 0..reader.array_length(true)? {
        let topic = reader.uuid()?;
        let count = reader.array_length(true)?;
        let partitions = (0..count).map(|_| reader.int32()).collect::<Result<_, _>>()?;
        reader.tagged_fields(|_, _| Ok(()))?;
        topics.insert(topic, partitions);
    }
    Ok(topics)
}
