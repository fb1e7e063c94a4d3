//! A Java process in the guarded process group, which is killed when dropped.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::guard::Guard;
use crate::error::Error;

/// The time limit for a node to start, to join the cluster, or to shut down. A start takes two to
/// six seconds.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// The interval between two checks whether a node has started or stopped.
pub(crate) const TRY_AGAIN: Duration = Duration::from_millis(50);

/// A child process, killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `command` and appends its output to the file `log`.
    pub(crate) fn start(command: &mut Command, log: &Path, guard: &Guard) -> Result<Self, Error> {
        let open = || File::options().create(true).append(true).open(log);
        let stdout = open().map_err(|e| Error::file("write", log, e))?;
        let stderr = open().map_err(|e| Error::file("write", log, e))?;
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        guard.adopt(command);
        let program = command.get_program().display().to_string();
        let child = command.spawn().map_err(|source| Error::Run { program, source })?;
        Ok(Self { child })
    }

    /// Returns its exit status, `None` while it runs.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends a signal by its name, such as `TERM`. The child was not waited for yet, so no other
    /// process can have its id.
    pub(crate) fn signal(&self, signal: &str) -> Result<(), Error> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).stderr(Stdio::null()).status();
        // Signaling a process that has just ended fails, and the code that waits for it notices the
        // end.
        sent.map(drop).map_err(|source| Error::Run { program: "kill".to_owned(), source })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if it has already ended, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
