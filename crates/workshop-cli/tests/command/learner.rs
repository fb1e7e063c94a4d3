//! A learner with a directory of programs and a progress of their own.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::process::Data;

/// The directories go with the test.
pub(crate) struct Learner {
    data: Data,
}

impl Learner {
    pub(crate) fn new() -> Self {
        Self { data: Data::new() }
    }

    /// The directory of the programs, which the command has to create.
    pub(crate) fn programs(&self) -> PathBuf {
        self.data.path().with_file_name("my")
    }

    /// The path of a file next to the programs.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.data.path().with_file_name(name)
    }

    fn progress_file(&self) -> PathBuf {
        self.file("progress")
    }

    /// The lines of the progress that say something.
    pub(crate) fn progress(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.progress_file()).unwrap_or_default();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    pub(crate) fn write_progress(&self, bytes: &[u8]) {
        std::fs::write(self.progress_file(), bytes).unwrap();
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = self.data.command();
        command.env("WORKSHOP_MY", self.programs());
        command.env("WORKSHOP_PROGRESS", self.progress_file());
        // The runner's own settings, which are not those of a learner.
        for variable in ["KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"] {
            command.env_remove(variable);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs the command, which must end with the exit code, and returns what it printed on stdout.
    pub(crate) fn printed(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}
