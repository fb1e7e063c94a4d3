//! The files of all logs: opened on first use, shared while in use, closed when idle.
//!
//! Ten thousand partitions must not hold ten thousand descriptors. A [`LogFile`] is a path that has
//! a descriptor only while it is used; [`OpenFiles`] counts the descriptors of all logs, and closes
//! those that were not used lately. A reader that holds the shared file keeps it open until done.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// The descriptors of all logs of a cluster.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    limit: usize,
    open: Mutex<VecDeque<Weak<LogFile>>>,
}

impl OpenFiles {
    /// Keeps at most about `limit` descriptors open in addition to those being read at the moment.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit: limit.max(1), open: Mutex::default() })
    }

    /// Closes every file that was not used since the last call.
    pub(crate) fn close_idle(&self) {
        let mut idle = Vec::new();
        self.open.lock().retain(|file| match file.upgrade() {
            Some(file) if file.used.swap(false, Ordering::Relaxed) => true,
            Some(file) => {
                idle.push(file);
                false
            }
            None => false,
        });
        for file in idle {
            file.close();
        }
    }

    /// Returns how many descriptors are open.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        let open = self.open.lock();
        open.iter().filter_map(Weak::upgrade).filter(|file| file.file.lock().is_some()).count()
    }

    /// Takes note of a newly opened file and closes the one that was idle longest when there are
    /// too many. A file used since it was last looked at gets a second chance.
    fn register(&self, file: &Arc<LogFile>) {
        let mut closing = Vec::new();
        {
            let mut open = self.open.lock();
            open.push_back(Arc::downgrade(file));
            let mut chances = open.len();
            while open.len() > self.limit {
                let Some(oldest) = open.pop_front() else {
                    break;
                };
                let Some(candidate) = oldest.upgrade() else {
                    continue;
                };
                if chances > 0 && candidate.used.swap(false, Ordering::Relaxed) {
                    chances -= 1;
                    open.push_back(oldest);
                } else {
                    closing.push(candidate);
                }
            }
        }
        // Not under the lock: another thread may hold a file's own lock while it opens the file.
        for file in closing {
            file.close();
        }
    }
}

/// One file of a log, with a descriptor only while it is used.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: Mutex<Option<Arc<File>>>,
    used: AtomicBool,
    pool: Arc<OpenFiles>,
}

impl LogFile {
    pub(super) fn new(path: PathBuf, pool: &Arc<OpenFiles>) -> Arc<Self> {
        Arc::new(Self {
            path,
            file: Mutex::new(None),
            used: AtomicBool::new(false),
            pool: Arc::clone(pool),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file, opened if it is not; an error if it does not exist.
    pub(super) fn open(self: &Arc<Self>) -> io::Result<Arc<File>> {
        self.get(false)
    }

    /// Returns the file, opened if it is not and created if it does not exist.
    pub(super) fn open_or_create(self: &Arc<Self>) -> io::Result<Arc<File>> {
        self.get(true)
    }

    /// Appends at the end of the file, wherever that is: the next write first cuts off the bytes
    /// that a failed write left.
    fn get(self: &Arc<Self>, create: bool) -> io::Result<Arc<File>> {
        self.used.store(true, Ordering::Relaxed);
        let opened = {
            let mut slot = self.file.lock();
            if let Some(file) = &*slot {
                return Ok(Arc::clone(file));
            }
            let file =
                OpenOptions::new().read(true).append(true).create(create).open(&self.path)?;
            Arc::clone(slot.insert(Arc::new(file)))
        };
        self.pool.register(self);
        Ok(opened)
    }

    /// Closes the descriptor. The next use opens it again.
    pub(super) fn close(&self) {
        *self.file.lock() = None;
    }

    /// Puts another file in this one's place, to test a file that fails.
    #[cfg(test)]
    pub(super) fn replace_with(&self, file: File) {
        *self.file.lock() = Some(Arc::new(file));
    }

    /// Removes the file. A missing file is no error.
    pub(super) fn remove(&self) -> io::Result<()> {
        self.close();
        remove_if_there(&self.path)
    }
}

/// A function that reads bytes of a file: [`read_at`] or [`read_cached_at`].
pub(super) type ReadAt = fn(&File, u64, usize) -> io::Result<Vec<u8>>;

/// Reads `length` bytes at `position`, or as many as there are.
pub(super) fn read_at(file: &File, position: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match positional_read(file, &mut buffer[filled..], position + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Reads like [`read_at`], but only what is in the page cache.
///
/// # Errors
/// `WouldBlock` if any of it would have to come from the disk, `Unsupported` if the system or the
/// file system cannot tell.
#[cfg(target_os = "linux")]
pub(super) fn read_cached_at(file: &File, position: u64, length: usize) -> io::Result<Vec<u8>> {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};

    let mut buffer = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let mut slice = [io::IoSliceMut::new(&mut buffer[filled..])];
        match preadv2(file, &mut slice, position + filled as u64, ReadWriteFlags::NOWAIT) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Err(io::ErrorKind::Unsupported.into()),
            Err(error) => return Err(error.into()),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Reads like [`read_at`], but only what is in the page cache, which this system cannot tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn read_cached_at(_file: &File, _position: u64, _length: usize) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn positional_read(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, position)
}

#[cfg(windows)]
fn positional_read(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, position)
}

/// Replaces the contents of the file at `path` in one step: a reader, or a process that starts
/// after this one was killed, sees the old contents or the new ones.
pub(super) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(TEMPORARY_SUFFIX);
    let temporary = path.with_file_name(name);
    std::fs::write(&temporary, contents)?;
    std::fs::rename(&temporary, path)
}

/// The suffix of the temporary file that [`replace`] writes.
pub(super) const TEMPORARY_SUFFIX: &str = ".tmp";

/// Reads a whole small file, `None` if there is none.
pub(super) fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(contents) => Ok(Some(contents)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes the file at `path`, if there is one.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(directory: &Path, pool: &Arc<OpenFiles>, name: &str) -> Arc<LogFile> {
        let file = LogFile::new(directory.join(name), pool);
        file.open_or_create().unwrap();
        file
    }

    #[test]
    fn descriptors_stay_below_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let pool = OpenFiles::new(3);
        let files: Vec<_> =
            (0..20).map(|index| create(directory.path(), &pool, &index.to_string())).collect();
        assert!(pool.count() <= 3);
        for file in &files {
            file.open().unwrap();
        }
        assert!(pool.count() <= 3);
    }

    #[test]
    fn only_what_was_not_used_lately_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let pool = OpenFiles::new(10);
        let busy = create(directory.path(), &pool, "busy");
        let idle = create(directory.path(), &pool, "idle");
        pool.close_idle();
        assert_eq!(pool.count(), 2);
        busy.open().unwrap();
        pool.close_idle();
        assert!(busy.file.lock().is_some());
        assert!(idle.file.lock().is_none());
        assert_eq!(pool.count(), 1);
        idle.open().unwrap();
        assert_eq!(pool.count(), 2);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_in_the_page_cache_is_read_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("batches");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = File::open(&path).unwrap();
        match read_cached_at(&file, 4, 100) {
            // The temporary directory's file system cannot tell.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            read => assert_eq!(read.unwrap(), b"456789"),
        }
        assert_eq!(read_at(&file, 4, 100).unwrap(), b"456789");
    }

    #[test]
    fn a_file_is_not_created_by_reading() {
        let directory = tempfile::tempdir().unwrap();
        let file = LogFile::new(directory.path().join("absent"), &OpenFiles::new(1));
        assert_eq!(file.open().unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
