//! The wish to end a command that runs until then.

/// The way in which the wish to end was expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Ctrl-C, or SIGINT.
    CtrlC,
    /// SIGTERM.
    #[cfg_attr(not(unix), allow(dead_code, reason = "only Unix has it"))]
    Terminate,
}

/// The wish to end: Ctrl-C, or on Unix the signal that `kill` sends. Listening starts before the
/// cluster does, so that neither can hit it unprepared.
pub(crate) struct Interrupt {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupt {
    pub(crate) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(crate) async fn wish(&mut self) -> Wish {
        tokio::select! {
            _ = self.interrupt.recv() => Wish::CtrlC,
            _ = self.terminate.recv() => Wish::Terminate,
        }
    }
}

#[cfg(not(unix))]
impl Interrupt {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    pub(crate) async fn wish(&mut self) -> Wish {
        let _ = tokio::signal::ctrl_c().await;
        Wish::CtrlC
    }
}

impl Interrupt {
    pub(crate) async fn wait(&mut self) {
        self.wish().await;
    }
}
