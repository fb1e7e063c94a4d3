//! Waits for the signals that ask a program to end.
//!
//! At a terminal that is Ctrl-C. In deployments it is SIGTERM, from systemd, from Kubernetes, from
//! `kill`; after a grace period (30 s by default in Kubernetes) comes SIGKILL, which no program can
//! handle. Without a listener SIGTERM ends a process at once: no destructor runs, nothing is
//! flushed or committed.

use std::io;

/// Listens for Ctrl-C and, on Unix, SIGTERM.
///
/// ```no_run
/// # use helpers::StopSignal;
/// # async fn example(consumer: rdkafka::consumer::StreamConsumer) -> std::io::Result<()> {
/// let mut stop = StopSignal::listen()?;
/// loop {
///     tokio::select! {
///         polled = consumer.recv() => { /* process it, and store its offset */ }
///         () = stop.received() => break,
///     }
/// }
/// // commit what is stored, and close the consumer
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StopSignal {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(not(unix))]
    ctrl_c: tokio::signal::windows::CtrlC,
}

#[cfg(unix)]
impl StopSignal {
    /// Starts to listen. A signal that arrives before [`received`](StopSignal::received) is awaited
    /// is not lost. From here on neither signal ends the process by itself.
    ///
    /// # Errors
    /// If the system does not install a signal handler.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(StopSignal {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal. It is cancel safe, so you can use it in a `select!`.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl StopSignal {
    /// Starts to listen. A Ctrl-C that arrives before [`received`](StopSignal::received) is awaited
    /// is not lost. From here on it does not end the process by itself.
    ///
    /// # Errors
    /// If the system does not install a handler.
    pub fn listen() -> io::Result<Self> {
        Ok(StopSignal { ctrl_c: tokio::signal::windows::ctrl_c()? })
    }

    /// Waits for a signal. It is cancel safe, so you can use it in a `select!`.
    pub async fn received(&mut self) {
        let _ = self.ctrl_c.recv().await;
    }
}
