//! A valid batch, on its way into the log.

use bytes::Bytes;

use crate::time::Timestamp;

use super::super::batch::BatchHeader;

/// A batch that may be appended: checked, and rewritten if the topic asks for it.
#[derive(Clone, Debug)]
pub(crate) struct ValidBatch {
    header: BatchHeader,
    payload: Bytes,
    is_from_client: bool,
}

impl ValidBatch {
    /// Returns a batch that a client sent.
    pub(in super::super) fn new(header: BatchHeader, payload: Bytes) -> Self {
        Self { header, payload, is_from_client: true }
    }

    /// Returns a batch that the broker itself writes.
    pub(in super::super) fn of_broker(header: BatchHeader, payload: Bytes) -> Self {
        Self { header, payload, is_from_client: false }
    }

    /// Returns the same batch with the time of the append, `now`.
    pub(in super::super) fn stamped_on_append(mut self, now: Timestamp) -> Self {
        self.header.set_log_append_time(now);
        self.header.seal(&self.payload);
        self
    }

    /// Returns whether a client sent it. The broker's batches for a producer have no sequence
    /// numbers.
    pub(in super::super) fn is_from_client(&self) -> bool {
        self.is_from_client
    }

    /// Returns the batch's header. Base offset and leader epoch are not assigned yet.
    pub(crate) fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// Returns the records after the header, compressed or not.
    pub(crate) fn payload(&self) -> &Bytes {
        &self.payload
    }
}
