//! The wish to end a check: Ctrl-C, SIGTERM, or a terminal that is closed.
//!
//! A program that is judged runs in a process group of its own, so nothing else would end it with
//! its terminal.

use crate::interrupt::Interrupt;

/// Signals that end a check, listened for from now on.
pub(crate) struct Ending {
    interrupt: Interrupt,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Ending {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: Interrupt::listen()?,
            #[cfg(unix)]
            hangup: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    #[cfg(unix)]
    pub(crate) async fn wished(&mut self) {
        tokio::select! {
            () = self.interrupt.wait() => {}
            _ = self.hangup.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn wished(&mut self) {
        self.interrupt.wait().await;
    }
}
