//! Runs a blocking call of librdkafka on a thread of its own, and waits only up to a limit.
//!
//! Neither the runtime nor the process waits for the thread when it ends. tokio's `spawn_blocking`
//! would: a call that blocks for 45 s holds up the end of a runtime for as long.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

/// A call in progress.
pub(crate) struct Detached<R> {
    result: R,
    thread: JoinHandle<()>,
}

impl<T: Send + 'static> Detached<oneshot::Receiver<T>> {
    /// Starts a call that a task waits for.
    pub(crate) fn run(name: &str, call: impl FnOnce() -> T + Send + 'static) -> Self {
        let (tell, result) = oneshot::channel();
        // If the receiver is gone, the result is not needed.
        let thread = spawn(name, move || drop(tell.send(call())));
        Detached { result, thread }
    }

    /// Waits for the result; `None` after the limit.
    pub(crate) async fn within(self, limit: Duration) -> Option<T> {
        match tokio::time::timeout(limit, self.result).await {
            Ok(Ok(result)) => Some(result),
            Ok(Err(_)) => panicked(self.thread),
            Err(_) => None,
        }
    }
}

impl<T: Send + 'static> Detached<mpsc::Receiver<T>> {
    /// Starts a call that a thread waits for.
    pub(crate) fn run_for_thread(name: &str, call: impl FnOnce() -> T + Send + 'static) -> Self {
        let (tell, result) = mpsc::channel();
        let thread = spawn(name, move || drop(tell.send(call())));
        Detached { result, thread }
    }

    /// Blocks until the result is available; `None` after the limit.
    pub(crate) fn block_within(self, limit: Duration) -> Option<T> {
        match self.result.recv_timeout(limit) {
            Ok(result) => Some(result),
            Err(mpsc::RecvTimeoutError::Disconnected) => panicked(self.thread),
            Err(mpsc::RecvTimeoutError::Timeout) => None,
        }
    }
}

fn spawn(name: &str, call: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(call);
    spawned.expect("the system has a thread, as for `std::thread::spawn`")
}

/// The call ended without a result, so it has panicked: for example in the caller's callback.
fn panicked<T>(thread: JoinHandle<()>) -> Option<T> {
    match thread.join() {
        Ok(()) => None,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
