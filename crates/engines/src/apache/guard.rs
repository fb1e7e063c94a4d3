//! Ending what a holder started when the holder itself is killed and can end nothing.
//!
//! All processes of a cluster are in one process group. Its leader does nothing but be there, and a
//! second shell waits for the end of its standard input, which is a pipe that the holder alone holds
//! open: however the holder ends, the system closes the pipe, and the shell kills the group and
//! removes its directory. Both are in process groups of their own, so Ctrl-C in the holder's terminal
//! does not reach them.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::Error;

/// Waits for the holder's end; $1 is the process group, $2 the directory.
const WATCH: &str = r#"
while read -r _; do :; done
kill -s KILL -- "-$1" 2>/dev/null
tries=0
while kill -s 0 -- "-$1" 2>/dev/null && [ "$tries" -lt 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
rm -rf -- "$2"
"#;

/// Watches over a process group for as long as its holder lives.
#[derive(Debug)]
pub(crate) struct Guard {
    leader: Child,
    watcher: Child,
}

impl Guard {
    /// Begins to watch; `directory` goes with the processes.
    pub(crate) fn watch(directory: &Path) -> Result<Self, Error> {
        let mut leader = own_group(Command::new("sh").args(["-c", "read -r _"])).spawn_piped()?;
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "workshop-guard", &leader.id().to_string()]).arg(directory);
        match own_group(&mut watch).spawn_piped() {
            Ok(watcher) => Ok(Self { leader, watcher }),
            Err(error) => {
                end(&mut leader);
                Err(error)
            }
        }
    }

    /// Has `command` start its process in the group that is watched.
    #[cfg(unix)]
    pub(crate) fn adopt(&self, command: &mut Command) {
        use std::os::unix::process::CommandExt;
        command.process_group(self.leader.id() as i32);
    }

    /// Never called: the engine is refused before.
    #[cfg(not(unix))]
    pub(crate) fn adopt(&self, _command: &mut Command) {}
}

impl Drop for Guard {
    /// The holder has ended the other processes. The watcher goes last, so that it is there should
    /// the holder be killed now.
    fn drop(&mut self) {
        end(&mut self.leader);
        end(&mut self.watcher);
    }
}

/// Creates the directory of a cluster or a worker, for a [`Guard`] to watch.
pub(crate) fn temporary_directory() -> Result<tempfile::TempDir, Error> {
    let made = tempfile::Builder::new().prefix("workshop-kafka-").tempdir();
    made.map_err(|e| Error::file("create a directory in", &std::env::temp_dir(), e))
}

fn end(child: &mut Child) {
    // Fails where it has ended, which is well.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(unix)]
fn own_group(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt;
    command.process_group(0)
}

#[cfg(not(unix))]
fn own_group(command: &mut Command) -> &mut Command {
    command
}

trait SpawnPiped {
    fn spawn_piped(&mut self) -> Result<Child, Error>;
}

impl SpawnPiped for Command {
    fn spawn_piped(&mut self) -> Result<Child, Error> {
        // A holder's own output must not be kept open by those who outlive it.
        self.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.spawn().map_err(|source| Error::Run { program: "sh".to_owned(), source })
    }
}
