//! The filter of a cleaning: keeps of a batch what survives.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

use crate::time::Timestamp;

use super::super::batch::{BatchHeader, HEADER_SIZE, NO_TIMESTAMP};
use super::super::compression::Compression;
use super::super::marker::EndTransactionMarker;
use super::super::producers::Producers;
use super::super::records::{RecordView, Records};
use super::keys::{Keys, decompressed};
use super::transactions::CleanedTransactions;

/// The last batch of a producer that the log still remembers. Its header stays when its records are
/// removed, so that the producer's sequence numbers can be found in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastBatch {
    /// `None` if its epoch has only markers.
    last_offset: Option<i64>,
    epoch: i16,
}

impl LastBatch {
    /// Returns the last batch of each producer.
    pub(super) fn of_all(producers: &Producers) -> HashMap<i64, Self> {
        let last = producers.iter().map(|(id, producer)| {
            let last_offset = producer.batches.back().map(|batch| batch.last_offset);
            (id, Self { last_offset, epoch: producer.epoch })
        });
        last.collect()
    }

    fn is(self, header: &BatchHeader) -> bool {
        match self.last_offset {
            Some(last_offset) => header.last_offset() == last_offset,
            None => header.is_control() && header.producer_epoch == self.epoch,
        }
    }
}

/// Decides which records of a batch stay, batch by batch in the order of the log.
pub(super) struct Filter<'a> {
    pub(super) keys: &'a Keys,
    pub(super) transactions: &'a mut CleanedTransactions,
    pub(super) last_batches: &'a HashMap<i64, LastBatch>,
    pub(super) delete_retention_ms: Timestamp,
    pub(super) now: Timestamp,
}

impl Filter<'_> {
    /// Returns the batch as it stays, `None` if nothing of it does.
    ///
    /// # Errors
    /// When its records cannot be read.
    pub(super) fn apply<'b>(
        &mut self,
        header: &BatchHeader,
        batch: &'b [u8],
    ) -> io::Result<Option<(BatchHeader, Cow<'b, [u8]>)>> {
        let payload = batch.get(HEADER_SIZE..).unwrap_or_default();
        let is_over = header.delete_horizon().is_some_and(|horizon| horizon <= self.now);
        let (is_unwanted, needs_horizon) = if header.is_control() {
            let marker = EndTransactionMarker::read(header, payload);
            let marks_nothing = self.transactions.on_marker(header, marker);
            (marks_nothing && is_over, marks_nothing)
        } else {
            (self.transactions.on_batch(header), false)
        };
        if is_unwanted || header.record_count == 0 {
            return Ok(self.emptied(header));
        }
        let records = decompressed(header, batch)?;
        let mut kept = Vec::new();
        let mut has_tombstone = false;
        let all = Records::new(header, &records).map_err(io::Error::other)?;
        for record in all {
            let record = record.map_err(io::Error::other)?;
            if header.is_control() || self.is_kept(header, &record, is_over) {
                has_tombstone |= record.value.is_none();
                kept.push(record);
            }
        }
        if kept.is_empty() {
            return Ok(self.emptied(header));
        }
        let is_whole = kept.len() as i64 == i64::from(header.record_count);
        let horizon = ((has_tombstone || needs_horizon) && header.delete_horizon().is_none())
            .then(|| self.now.saturating_add(self.delete_retention_ms));
        if is_whole && horizon.is_none() {
            return Ok(Some((*header, payload.into())));
        }
        let (header, payload) = rebuilt(header, &kept, horizon)?;
        Ok(Some((header, payload.into())))
    }

    /// Returns whether a record stays: it is its key's last one, and no tombstone that was kept for
    /// long enough. Records after the known keys stay.
    fn is_kept(&self, header: &BatchHeader, record: &RecordView<'_>, is_over: bool) -> bool {
        let offset = header.base_offset + i64::from(record.offset_delta);
        if offset >= self.keys.end_offset() {
            return true;
        }
        let is_last = record.key.is_some_and(|key| self.keys.is_last(key, offset));
        is_last && (record.value.is_some() || !is_over)
    }

    /// Returns the batch without its records, if it is its producer's last one.
    fn emptied<'b>(&self, header: &BatchHeader) -> Option<(BatchHeader, Cow<'b, [u8]>)> {
        if !header.has_producer_id()
            || !self.last_batches.get(&header.producer_id).is_some_and(|last| last.is(header))
        {
            return None;
        }
        let mut emptied = *header;
        emptied.record_count = 0;
        emptied.clear_delete_horizon();
        emptied.set_payload(Compression::None, 0).ok()?;
        emptied.seal(&[]);
        Some((emptied, Cow::Borrowed(&[])))
    }
}

/// Returns the batch with some of its records, at the same offsets and in the same compression.
fn rebuilt(
    header: &BatchHeader,
    kept: &[RecordView<'_>],
    horizon: Option<Timestamp>,
) -> io::Result<(BatchHeader, Vec<u8>)> {
    let mut rebuilt = *header;
    rebuilt.record_count = i32::try_from(kept.len()).map_err(io::Error::other)?;
    let timestamps = kept.iter().map(|record| header.record_timestamp(record.timestamp_delta));
    rebuilt.max_timestamp = timestamps.max().unwrap_or(NO_TIMESTAMP);
    let mut records = Vec::new();
    if let Some(horizon) = horizon {
        rebuilt.set_delete_horizon(horizon);
        let moved = header.base_timestamp.saturating_sub(horizon);
        for record in kept {
            let delta = record.timestamp_delta.saturating_add(moved);
            record.write_with_timestamp(delta, &mut records);
        }
    } else {
        kept.iter().for_each(|record| records.extend_from_slice(record.bytes));
    }
    let codec = header.compression().unwrap_or(Compression::None);
    let payload = codec.compress(&records)?;
    rebuilt.set_payload(codec, payload.len()).map_err(io::Error::other)?;
    rebuilt.seal(&payload);
    Ok((rebuilt, payload))
}
