//! Running the command as a learner does: as a process of its own, on a data directory of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// A data directory that goes with the test.
pub(crate) struct Data {
    directory: tempfile::TempDir,
}

impl Data {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// Below the temporary directory, so that the command has to create it.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The command on this directory, with nothing in the environment that leads elsewhere.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_workshop-cli"));
        command.env("WORKSHOP_DATA", self.path()).stdin(Stdio::null());
        let elsewhere = [
            "KAFKA_BOOTSTRAP_SERVERS",
            "KAFKA_SECURITY_PROTOCOL",
            "WORKSHOP_ENGINE",
            "WORKSHOP_WIRE",
        ];
        for variable in elsewhere {
            command.env_remove(variable);
        }
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs the command, which must succeed, and returns what it printed.
    pub(crate) fn printed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// What the command wrote to stderr.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A cluster that `cargo workshop up` runs, killed with the test.
pub(crate) struct Up {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it has printed until it was ready.
    pub(crate) greeting: String,
}

impl Up {
    pub(crate) fn start(data: &Data, arguments: &[&str]) -> Self {
        Self::start_command(data.command().arg("up").args(arguments))
    }

    pub(crate) fn start_command(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("Ctrl-C ends it.") {
            let read = stdout.read_line(&mut greeting).unwrap();
            assert!(read > 0, "it ended before it was ready: {greeting}");
        }
        Self { child, stdout, greeting }
    }

    /// The addresses that it says clients take.
    pub(crate) fn bootstrap_servers(&self) -> String {
        let (_, servers) = self.greeting.split_once("KAFKA_BOOTSTRAP_SERVERS=").unwrap();
        servers.lines().next().unwrap().to_owned()
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Presses Ctrl-C, and returns what was printed until the end and whether that was a success.
    pub(crate) fn interrupt(mut self) -> (String, bool) {
        let process_id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &process_id]).status().unwrap().success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().success())
    }

    /// Ends it as the system does in need: without a chance to clean up.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It has ended already where the test ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The names in a directory, in order.
pub(crate) fn entries(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
