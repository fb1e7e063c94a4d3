//! One node: its directory, its process, and its state.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::guard::Guard;
use super::jars::Jars;
use super::process::{LIMIT, Process, TRY_AGAIN};
use crate::cluster::Node;
use crate::error::Error;
use crate::last_lines::last_lines;
use crate::options::Lifetime;

/// The number of lines of a node's log that an error shows.
const SHOWN_LINES: usize = 12;

/// The heap of a node in MB, the same as in Kafka's own scripts.
const MEMORY_MB: u32 = 1024;

/// A node of the cluster, running or not.
#[derive(Debug)]
pub(crate) struct NodeProcess {
    /// Its id and the address for clients.
    pub(crate) node: Node,
    properties: PathBuf,
    log: PathBuf,
    data: PathBuf,
    jars: Jars,
    lifetime: Lifetime,
    guard: Arc<Guard>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Running(Process),
    Paused(Process),
    Stopped,
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Running(_) => "running",
            Self::Paused(_) => "paused",
            Self::Stopped => "stopped",
        }
    }
}

impl NodeProcess {
    /// Creates a node with its files in `home`, without starting it.
    pub(crate) fn new(
        node: Node,
        home: PathBuf,
        jars: Jars,
        lifetime: Lifetime,
        guard: Arc<Guard>,
    ) -> Self {
        let properties = home.join("server.properties");
        let (log, data) = (home.join("server.log"), home.join("data"));
        let state = Mutex::new(State::Stopped);
        Self { node, properties, log, data, jars, lifetime, guard, state }
    }

    /// Returns the directory of its logs (`log.dirs`).
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Writes its `server.properties`.
    pub(crate) fn write(&self, properties: &str) -> Result<(), Error> {
        let home = self.properties.parent().expect("the settings are in the node's directory");
        fs::create_dir_all(home).map_err(|e| Error::file("create", home, e))?;
        fs::write(&self.properties, properties)
            .map_err(|e| Error::file("write", &self.properties, e))
    }

    /// Formats its directory with Kafka's storage tool.
    pub(crate) async fn format(&self, cluster_id: &str, jars: &Jars) -> Result<(), Error> {
        let class = "kafka.tools.StorageTool";
        let mut command = jars.java.command(&jars.library, 256, Lifetime::Short, class);
        command.args(["format", "--cluster-id", cluster_id, "--config"]).arg(&self.properties);
        let mut process = Process::start(&mut command, &self.log, &self.guard)?;
        let begin = Instant::now();
        loop {
            match process.ended() {
                Some(status) if status.success() => return Ok(()),
                Some(_) => return Err(self.did_not_start("Kafka's storage tool".to_owned())),
                None if begin.elapsed() > LIMIT => {
                    return Err(self.too_slow("was not formatted"));
                }
                None => tokio::time::sleep(TRY_AGAIN).await,
            }
        }
    }

    /// Starts the process if it is stopped.
    pub(crate) fn start(&self) -> Result<(), Error> {
        let mut state = self.state();
        if !matches!(*state, State::Stopped) {
            return Err(self.wrong_state(&state, "started"));
        }
        let Jars { java, library } = &self.jars;
        let mut command = java.command(library, MEMORY_MB, self.lifetime, "kafka.Kafka");
        let process = Process::start(command.arg(&self.properties), &self.log, &self.guard)?;
        *state = State::Running(process);
        Ok(())
    }

    /// Shuts it down cleanly and waits until it has ended.
    pub(crate) async fn stop(&self) -> Result<(), Error> {
        {
            let state = self.state();
            let State::Running(process) = &*state else {
                return Err(self.wrong_state(&state, "stopped"));
            };
            process.signal("TERM")?;
        }
        let begin = Instant::now();
        loop {
            let ended = match &mut *self.state() {
                State::Running(process) | State::Paused(process) => process.ended().is_some(),
                State::Stopped => true,
            };
            if ended {
                *self.state() = State::Stopped;
                return Ok(());
            }
            if begin.elapsed() > LIMIT {
                return Err(self.too_slow("did not stop"));
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Kills the process.
    pub(crate) fn kill(&self) -> Result<(), Error> {
        let mut state = self.state();
        if matches!(*state, State::Stopped) {
            return Err(self.wrong_state(&state, "killed"));
        }
        // Dropping the process kills it and waits until it has ended.
        *state = State::Stopped;
        Ok(())
    }

    /// Pauses the process.
    pub(crate) fn pause(&self) -> Result<(), Error> {
        self.change("paused", "STOP", |state| match state {
            State::Running(process) => Ok(State::Paused(process)),
            other => Err(other),
        })
    }

    /// Resumes the process.
    pub(crate) fn resume(&self) -> Result<(), Error> {
        self.change("resumed", "CONT", |state| match state {
            State::Paused(process) => Ok(State::Running(process)),
            other => Err(other),
        })
    }

    /// Sends a signal and changes to the state that `next` returns.
    fn change(
        &self,
        change: &'static str,
        signal: &str,
        next: fn(State) -> Result<State, State>,
    ) -> Result<(), Error> {
        let mut state = self.state();
        match next(std::mem::replace(&mut *state, State::Stopped)) {
            Ok(changed) => {
                *state = changed;
                match &*state {
                    State::Running(process) | State::Paused(process) => process.signal(signal),
                    State::Stopped => Ok(()),
                }
            }
            Err(unchanged) => {
                *state = unchanged;
                Err(self.wrong_state(&state, change))
            }
        }
    }

    /// Returns whether it is running and not paused.
    pub(crate) fn is_running(&self) -> bool {
        matches!(*self.state(), State::Running(_))
    }

    /// Returns an error with the end of the log if the process has ended by itself.
    pub(crate) fn check_alive(&self) -> Result<(), Error> {
        let ended = match &mut *self.state() {
            State::Running(process) | State::Paused(process) => process.ended().is_some(),
            State::Stopped => true,
        };
        if ended {
            *self.state() = State::Stopped;
            return Err(self.did_not_start(format!("node {}", self.node.id)));
        }
        Ok(())
    }

    /// Makes the error for an operation that exceeded its time limit.
    pub(crate) fn too_slow(&self, what: &str) -> Error {
        let what = format!("node {} {what}", self.node.id);
        Error::TimedOut { what, limit: LIMIT, said: self.last_words() }
    }

    fn did_not_start(&self, what: String) -> Error {
        Error::DidNotStart { what, said: self.last_words() }
    }

    fn last_words(&self) -> String {
        last_lines(&fs::read_to_string(&self.log).unwrap_or_default(), SHOWN_LINES)
    }

    fn wrong_state(&self, state: &State, change: &'static str) -> Error {
        Error::NodeState { id: self.node.id, state: state.name(), change }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
