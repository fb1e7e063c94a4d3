//! A Java process in the guarded group: started, signalled, waited for, and ended when dropped.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::guard::Guard;
use crate::error::Error;

/// How long a node may take to start, to join or to stop in order. A start takes two to six seconds.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// How often a node is asked whether it is there, or gone, by now.
pub(crate) const TRY_AGAIN: Duration = Duration::from_millis(50);

/// A child process, killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `command` with its output added to the file `log`.
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

    /// How it ended, `None` while it runs.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends a signal by its name, such as `TERM`. The child is ours and has not been waited for, so
    /// its id is nobody else's.
    pub(crate) fn signal(&self, signal: &str) -> Result<(), Error> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).stderr(Stdio::null()).status();
        // A process that has just ended cannot be signalled, and whoever waits for it learns so.
        sent.map(drop).map_err(|source| Error::Run { program: "kill".to_owned(), source })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails where it has ended, which is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
