//! What a kill leaves on disk.
//!
//! A kill takes nothing from what was written: the system keeps it. So a copy of the data
//! directory, taken while nothing is asked, is what a kill at that moment leaves. A kill in the
//! middle of a request is put together from a copy before the request and one after it: of each log
//! that has grown, the one or the other. Decisions and their completion are two batches in the same
//! log of `__transaction_state`, of which the first alone may be there.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Buf;
use tempfile::TempDir;

use super::act::Cut;

/// Copies a directory with all that is in it.
pub(crate) fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().expect("the system has a temporary directory");
    copy_into(from, to.path());
    to
}

fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("it can be created");
    for entry in fs::read_dir(from).expect("it can be listed") {
        let entry = entry.expect("it can be listed");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().expect("it has a type").is_dir() {
            copy_into(&from, &to);
        } else {
            fs::copy(from, to).expect("it can be copied");
        }
    }
}

/// What a kill during a request leaves, of which `before` and `after` are copies; `before` becomes
/// it. Answers with whether the request took effect.
pub(crate) fn cut(before: &Path, after: &Path, cut: Cut) -> bool {
    let grown = grown(before, after);
    let (decisions, markers): (Vec<_>, Vec<_>) =
        grown.into_iter().partition(|name| name.starts_with("__transaction_state-"));
    assert!(decisions.len() <= 1, "one id has one log: {decisions:?}");
    let Some(decision) = decisions.first() else {
        assert!(markers.is_empty(), "no decision led to {markers:?}");
        return true;
    };
    if !cut.decided {
        return false;
    }
    let is_marked = |at: usize| cut.marked & (1 << at) != 0;
    for (_, name) in markers.iter().enumerate().filter(|(at, _)| is_marked(*at)) {
        take(before, after, name);
    }
    let length = segment(&log(before, decision)).len();
    take(before, after, decision);
    if !(cut.complete && (0..markers.len()).all(is_marked)) {
        keep_one_batch(&log(before, decision), length);
    }
    true
}

fn log(data: &Path, name: &str) -> PathBuf {
    data.join("logs").join(name)
}

/// The logs that are not as they were.
fn grown(before: &Path, after: &Path) -> Vec<String> {
    let logs = fs::read_dir(after.join("logs")).expect("there are logs");
    let names = logs.map(|it| it.expect("it can be listed").file_name());
    let names = names.map(|name| name.into_string().expect("names are text"));
    let mut grown: Vec<String> =
        names.filter(|name| segment(&log(before, name)) != segment(&log(after, name))).collect();
    grown.sort();
    grown
}

/// The one segment that these short logs have; nothing where there is no log yet, because a log's
/// directory comes with its first batch.
fn segment(log: &Path) -> Vec<u8> {
    match segment_path(log) {
        Some(path) => fs::read(path).expect("the segment can be read"),
        None => Vec::new(),
    }
}

fn segment_path(log: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(log).ok()?;
    let paths = files.map(|it| it.expect("it can be listed").path());
    let mut segments = paths.filter(|path| path.extension().is_some_and(|it| it == "log"));
    let segment = segments.next();
    assert!(segments.next().is_none(), "{} has more than one segment", log.display());
    segment
}

fn take(before: &Path, after: &Path, name: &str) {
    let (from, to) = (log(after, name), log(before, name));
    if to.exists() {
        fs::remove_dir_all(&to).expect("it can be removed");
    }
    copy_into(&from, &to);
}

/// Cuts the segment after the first batch that was written since it was `length` bytes long.
fn keep_one_batch(log: &Path, length: usize) {
    let bytes = segment(log);
    let batch = (&bytes[length + 8..]).get_i32() as usize + 12;
    let path = segment_path(log).expect("it was just read");
    fs::write(path, &bytes[..length + batch]).expect("it can be written");
}
