//! Kills the processes that a program started if the program itself is killed and cannot do it.
//!
//! All processes of a cluster are in one process group, whose leader only keeps it alive. A second
//! shell waits for the end of its standard input, a pipe whose other end only this program holds:
//! however the program ends, the system closes the pipe, and the shell kills the group and removes
//! its directory. Both shells are in their own process groups, so Ctrl-C in the terminal does not
//! reach them.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::Error;

/// Waits until the program ends; $1 is the process group, $2 the directory.
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

/// Guards a process group for as long as this program lives.
#[derive(Debug)]
pub(crate) struct Guard {
    leader: Child,
    watcher: Child,
}

impl Guard {
    /// Starts the guard, which also removes `directory`.
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

    /// Makes `command` start its process in the guarded group.
    #[cfg(unix)]
    pub(crate) fn adopt(&self, command: &mut Command) {
        use std::os::unix::process::CommandExt;
        command.process_group(self.leader.id() as i32);
    }

    /// Does nothing: the engine rejects other systems before it is called.
    #[cfg(not(unix))]
    pub(crate) fn adopt(&self, _command: &mut Command) {}
}

impl Drop for Guard {
    /// Ends the watcher last, in case this program is killed now. The other processes have been
    /// stopped already.
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
    // Fails if it has already ended, which is fine.
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
        // A child that outlives this program must not keep its output open.
        self.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.spawn().map_err(|source| Error::Run { program: "sh".to_owned(), source })
    }
}
