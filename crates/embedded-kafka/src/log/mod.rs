//! The log of a partition: record batches in segment files, and the state that follows from them.
//!
//! A [`Log`] is a state machine over a directory. It owns no lock, task or clock: the caller guards
//! it with a lock and passes the time in. Slow work is split off, so that the lock is never held
//! across it: [`validate()`] checks a batch before the lock is taken, [`Slice`] reads batches and
//! [`Lookup`] finds times after it is released. Under the lock an append is one write to the end of
//! a file, and locating an offset touches no file at all.
//!
//! A partition without any write has no directory. High watermark, replicas and waiting consumers
//! are the caller's.

mod aborted;
mod appended;
mod batch;
mod builder;
mod cleaner;
mod compression;
mod decompress;
mod delete;
mod directory;
mod epochs;
mod error;
mod files;
mod identity;
mod index;
mod log_settings;
mod lookup;
mod maintain;
mod marker;
mod partition_log;
mod position;
mod producer;
mod producers;
mod read;
mod rebuild;
mod records;
mod recover;
mod retention;
mod scan;
mod segment;
mod shutdown;
mod skim;
mod snapshot;
mod transactions;
mod validate;
mod view;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
pub(crate) mod test_batches;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod transaction_tests;

pub(crate) use self::log_settings::{LogSettings, TimestampType};
pub(crate) use aborted::AbortedTransactions;
pub(crate) use appended::Appended;
pub(crate) use batch::{BatchHeader, HEADER_SIZE};
pub(crate) use builder::BatchBuilder;
pub(crate) use compression::Compression;
pub(crate) use error::{AppendError, LogError};
pub(crate) use files::OpenFiles;
pub(crate) use identity::{is_partition_directory, owns};
pub(crate) use lookup::{Found, Lookup};
pub(crate) use maintain::DeleteRecordsError;
pub(crate) use marker::EndTransactionMarker;
pub(crate) use partition_log::Log;
pub(crate) use position::Position;
pub(crate) use producer::Producer;
pub(crate) use producers::ProducerState;
pub(crate) use read::{ReadError, Slice};
pub(crate) use records::Records;
pub(crate) use skim::{MAX_DECOMPRESSED_BYTES, Unreadable};
pub(crate) use transactions::TransactionStanding;
pub(crate) use validate::{BatchRejection, ValidBatch, is_first_batch_transactional, validate};
