//! Reads what a program prints, to its end, on a thread: the program never blocks on a full pipe.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The bytes of a stream that are kept: at least so many of the last ones.
pub(crate) const KEPT_OUTPUT: usize = 64 << 10;

/// The time that the pipes of an ended program may stay open in the hands of its children.
const PIPE_LIMIT: Duration = Duration::from_millis(500);

/// A stream that is being read.
#[derive(Debug)]
pub(crate) struct Capture {
    kept: Arc<Mutex<Kept>>,
    has_ended: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Kept {
    last: Vec<u8>,
    seen: usize,
}

impl Capture {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        Self::with(stream, |_| {})
    }

    /// Also copies the stream to stderr, as it comes.
    pub(crate) fn shown(stream: impl Read + Send + 'static) -> Self {
        Self::with(stream, |bytes| {
            // Without stderr there is no one to show it to.
            let _ = std::io::stderr().write_all(bytes);
        })
    }

    fn with(mut stream: impl Read + Send + 'static, show: impl Fn(&[u8]) + Send + 'static) -> Self {
        let (kept, has_ended) = <(Arc<Mutex<Kept>>, Arc<AtomicBool>)>::default();
        let (keep, end) = (Arc::clone(&kept), Arc::clone(&has_ended));
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                show(&buffer[..read]);
                let Ok(mut kept) = keep.lock() else { break };
                kept.seen += read;
                kept.last.extend_from_slice(&buffer[..read]);
                if kept.last.len() > 2 * KEPT_OUTPUT {
                    let surplus = kept.last.len() - KEPT_OUTPUT;
                    kept.last.drain(..surplus);
                }
            }
            end.store(true, Ordering::Release);
        });
        Self { kept, has_ended }
    }

    /// Returns how many bytes have come.
    pub(crate) fn seen(&self) -> usize {
        self.kept.lock().map_or(0, |kept| kept.seen)
    }

    /// Returns the last bytes as text. A process that outlived the program may keep the pipe open,
    /// so the wait for its end has a limit.
    pub(crate) fn text(&self) -> String {
        let begin = Instant::now();
        while !self.has_ended.load(Ordering::Acquire) && begin.elapsed() < PIPE_LIMIT {
            thread::sleep(Duration::from_millis(1));
        }
        let Ok(kept) = self.kept.lock() else { return String::new() };
        String::from_utf8_lossy(&kept.last).into_owned()
    }
}
