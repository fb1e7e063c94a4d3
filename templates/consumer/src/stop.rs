//! Waits for the signals that stop the program: Ctrl-C at a terminal, and SIGTERM from systemd,
//! Kubernetes or `docker stop`.
//!
//! Kubernetes sends SIGKILL 30 seconds after SIGTERM, Docker after 10. The program needs less than
//! 30: it finishes its current work within [`DRAIN_LIMIT`], then commits and closes.

use std::io;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// How long the current work may take after the signal.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Whether the program must stop.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Starts to listen. From here on, the signals do not end the process by themselves.
    pub fn listen() -> io::Result<Stop> {
        let signal = signal()?;
        let (tell, stop) = watch::channel(false);
        tokio::spawn(async move {
            signal.await;
            tell.send_replace(true);
        });
        Ok(Stop(stop))
    }

    /// Waits for the signal. After the signal it returns at once. It is cancel safe, and you can
    /// call it any number of times.
    pub async fn received(&self) {
        // An error means that the listening task is gone, which also stops the program.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }

    /// Waits until the current work must be abandoned.
    pub async fn overdue(&self) {
        self.received().await;
        sleep(DRAIN_LIMIT).await;
    }
}

#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = ()>> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        ctrl_c.recv().await;
    })
}
