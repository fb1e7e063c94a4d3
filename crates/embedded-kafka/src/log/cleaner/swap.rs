//! Replaces old segments with a cleaned one, so that a kill at any point leaves either the old ones
//! or the new one.
//!
//! The new segment is written in a directory of its own. Then it is moved next to the old ones as
//! `….log.swap`, and counts from then on: the next process that opens the log removes the old ones
//! and gives it its name. Without a `.swap` file that process removes the directory.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::directory::length_of;
use super::super::files::remove_if_there;
use super::super::partition_log::Log;
use super::super::scan::Scan;
use super::super::segment::Segment;
use super::super::view::{
    INDEX_SUFFIX, LOG_SUFFIX, SNAPSHOT_SUFFIX, SegmentView, TIME_INDEX_SUFFIX,
    TRANSACTION_INDEX_SUFFIX, file_name,
};

/// The directory that a segment is written in.
const SCRATCH: &str = "cleaning";
/// The suffix of a segment's file that has taken the place of others.
const SWAP_SUFFIX: &str = "log.swap";

/// Returns a directory to write a segment in, empty.
pub(super) fn scratch(directory: &Path) -> io::Result<PathBuf> {
    let scratch = directory.join(SCRATCH);
    remove_scratch(directory)?;
    std::fs::create_dir(&scratch)?;
    Ok(scratch)
}

/// Removes the directory with its unused files.
pub(super) fn remove_scratch(directory: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(directory.join(SCRATCH)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A segment that was written to take the place of others.
#[derive(Debug)]
pub(crate) struct CleanedSegment {
    segment: Segment,
    replaced: Vec<SegmentView>,
}

/// One change of a directory.
#[derive(Debug)]
enum Step {
    Move(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Step {
    fn take(&self) -> io::Result<()> {
        match self {
            Self::Move(from, to) => std::fs::rename(from, to),
            Self::Remove(path) => remove_if_there(path),
        }
    }
}

impl CleanedSegment {
    pub(super) fn new(segment: Segment, replaced: Vec<SegmentView>) -> Self {
        Self { segment, replaced }
    }
}

impl Log {
    /// Replaces the segments that a cleaned one was made from. Returns whether that was possible:
    /// they may have been truncated or removed in the meantime.
    ///
    /// # Errors
    /// When the files cannot be moved. The next start finishes what was begun.
    pub(crate) fn swap_in(&mut self, cleaned: CleanedSegment) -> io::Result<bool> {
        let CleanedSegment { segment, replaced } = cleaned;
        let base_offset = segment.base_offset();
        let first = self.segments.partition_point(|it| it.base_offset() < base_offset);
        let last = first + replaced.len();
        // Never the last one, which grows.
        if last >= self.segments.len() {
            return Ok(false);
        }
        let old = &self.segments[first..last];
        let is_same =
            |(view, old): (&SegmentView, &Segment)| view.is_of(old.files()) && !view.is_outdated();
        if !replaced.iter().zip(old).all(is_same) {
            return Ok(false);
        }
        let bases: Vec<i64> = old.iter().map(Segment::base_offset).collect();
        self.begin_change()?;
        for old in &self.segments[first..last] {
            old.abandon();
            old.close();
        }
        for step in swap_steps(&self.directory, base_offset, &bases) {
            step.take()?;
        }
        let end_offset = self.segments[last].base_offset();
        let segment = segment.moved_to(&self.directory, &self.files);
        self.segments.splice(first..last, [segment]);
        // The transactions that were aborted before have no records left.
        self.aborted.truncate_start(end_offset);
        Ok(true)
    }
}

/// Returns the changes of the files, in an order that may be interrupted anywhere.
fn swap_steps(directory: &Path, base_offset: i64, replaced: &[i64]) -> Vec<Step> {
    let scratch = directory.join(SCRATCH);
    let swap = directory.join(file_name(base_offset, SWAP_SUFFIX));
    let named = |suffix| file_name(base_offset, suffix);
    let mut steps = vec![Step::Move(scratch.join(named(LOG_SUFFIX)), swap.clone())];
    for replaced in replaced {
        for suffix in [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX] {
            steps.push(Step::Remove(directory.join(file_name(*replaced, suffix))));
        }
        if *replaced != base_offset {
            steps.push(Step::Remove(directory.join(file_name(*replaced, SNAPSHOT_SUFFIX))));
        }
    }
    steps.push(Step::Move(swap, directory.join(named(LOG_SUFFIX))));
    for suffix in [INDEX_SUFFIX, TIME_INDEX_SUFFIX] {
        steps.push(Step::Move(scratch.join(named(suffix)), directory.join(named(suffix))));
    }
    steps
}

/// Completes the swaps that a killed process had begun, and removes the scratch directory of those
/// that it had not.
pub(in super::super) fn finish_swaps(directory: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let (mut logs, mut swaps) = (BTreeSet::new(), Vec::new());
    for entry in entries {
        let name = entry?.file_name();
        let named = name.to_str().and_then(|name| name.split_once('.'));
        match named.map(|(offset, suffix)| (offset.parse::<i64>(), suffix)) {
            Some((Ok(offset), LOG_SUFFIX)) => _ = logs.insert(offset),
            Some((Ok(offset), SWAP_SUFFIX)) => swaps.push(offset),
            _ => {}
        }
    }
    for base_offset in swaps {
        let swap = directory.join(file_name(base_offset, SWAP_SUFFIX));
        let end_offset = end_of(&swap, base_offset)?.max(base_offset + 1);
        let replaced: Vec<i64> = logs.range(base_offset..end_offset).copied().collect();
        // The log that it replaces may be removed already, and its indexes still there.
        let replaced = if replaced.is_empty() { vec![base_offset] } else { replaced };
        let steps = swap_steps(directory, base_offset, &replaced);
        let done = steps.len() - 2;
        for step in &steps[1..done] {
            step.take()?;
        }
        for suffix in [INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX] {
            remove_if_there(&directory.join(file_name(base_offset, suffix)))?;
        }
    }
    remove_scratch(directory)
}

/// Returns the offset after the last batch of a segment's file.
fn end_of(path: &Path, base_offset: i64) -> io::Result<i64> {
    let length = length_of(path)?.unwrap_or(0);
    let mut scan = Scan::headers(Arc::new(File::open(path)?), 0, length);
    let mut end_offset = base_offset;
    while let Some((_, header)) = scan.next()? {
        end_offset = header.last_offset() + 1;
    }
    Ok(end_offset)
}

#[cfg(test)]
pub(super) mod kill {
    //! Stops in the middle, as a kill would.

    use super::*;

    impl Log {
        /// Does only the first steps of a swap. Returns whether there are more.
        pub(in super::super) fn begin_swap(
            &mut self,
            cleaned: &CleanedSegment,
            steps: usize,
        ) -> bool {
            self.begin_change().unwrap();
            let base_offset = cleaned.segment.base_offset();
            let first = self.segments.partition_point(|it| it.base_offset() < base_offset);
            let old = &self.segments[first..first + cleaned.replaced.len()];
            let bases: Vec<i64> = old.iter().map(Segment::base_offset).collect();
            let all = swap_steps(&self.directory, base_offset, &bases);
            all.iter().take(steps).for_each(|step| step.take().unwrap());
            steps < all.len()
        }
    }
}
