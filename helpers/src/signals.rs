//! How a program is told to end.
//!
//! Ctrl-C is how people end it. Deployments send SIGTERM, and SIGKILL after a grace period (30 s by
//! default in Kubernetes): a program that hears Ctrl-C alone is always killed there.

use std::io;

/// Waits until the program is told to end, and says by what: `"Ctrl-C"` or `"SIGTERM"`. Elsewhere
/// than on Unix there is Ctrl-C alone.
///
/// From the first wait on, neither ends the process by itself. Made once and polled again and again,
/// as in a `select!` in a loop, it misses none.
///
/// # Errors
/// The system's, where the program cannot listen.
pub async fn told_to_end() -> io::Result<&'static str> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.map(|()| "Ctrl-C"),
            _ = terminate.recv() => Ok("SIGTERM"),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map(|()| "Ctrl-C")
}
