//! Tracks how far the file is sent, from the delivery reports.
//!
//! Next to the input, the file `.sent` contains the number of the last line up to which all lines
//! are done. The file `.rejected` lists the lines that cannot be sent, with reasons.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Error, Result, bail, ensure};
use rdkafka::client::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;

pub struct Progress {
    input: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// All lines up to this one are delivered or rejected.
    done: usize,
    /// The lines after it that are also done, at most as many as fit into the producer's queue.
    later: BTreeSet<usize>,
    delivered: usize,
    rejected: usize,
    failure: Option<(usize, KafkaError)>,
}

impl Progress {
    pub fn load(input: &Path) -> Result<Progress> {
        let input = input.to_owned();
        let progress = Progress { input, state: Mutex::default() };
        let sent = progress.next_to_input(".sent");
        match std::fs::read_to_string(&sent) {
            Ok(done) => {
                progress.state().done =
                    done.trim().parse().context(".sent does not contain a number")?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{}", sent.display())),
        }
        Ok(progress)
    }

    pub fn done(&self) -> usize {
        self.state().done
    }

    /// Replaces the file atomically: a kill leaves either the old number or the new one.
    pub fn save(&self) -> Result<()> {
        let new = self.next_to_input(".sent.new");
        std::fs::write(&new, self.done().to_string())
            .and_then(|()| std::fs::rename(&new, self.next_to_input(".sent")))
            .context("cannot save .sent")
    }

    /// Rejects a line, and notes why.
    pub fn reject(&self, line: usize, why: &Error) -> Result<()> {
        tracing::error!(line, "not sent: {why:#}");
        let mut file =
            OpenOptions::new().append(true).create(true).open(self.next_to_input(".rejected"))?;
        writeln!(file, "{line}: {why:#}").context("cannot write to .rejected")?;
        let mut state = self.state();
        state.rejected += 1;
        state.finish(line);
        Ok(())
    }

    /// Returns an error once a record has failed. librdkafka has already retried, so this is final.
    pub fn check(&self) -> Result<()> {
        match &self.state().failure {
            None => Ok(()),
            Some((line, error)) => bail!("line {line} was not delivered: {error}"),
        }
    }

    /// Returns an error if this run or an earlier one has rejected lines.
    pub fn check_rejected(&self) -> Result<()> {
        let rejected = self.next_to_input(".rejected");
        ensure!(!rejected.exists(), "some lines were not sent: see {}", rejected.display());
        Ok(())
    }

    fn next_to_input(&self, suffix: &str) -> PathBuf {
        let mut path = self.input.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn finish(&mut self, line: usize) {
        self.later.insert(line);
        while self.later.remove(&(self.done + 1)) {
            self.done += 1;
        }
    }
}

impl ClientContext for Progress {}

impl ProducerContext for Progress {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, line: usize) {
        let mut state = self.state();
        match result {
            Ok(_) => {
                state.delivered += 1;
                state.finish(line);
            }
            Err((error, _)) if state.failure.is_none() => {
                state.failure = Some((line, error.clone()));
            }
            Err(_) => {}
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { done, delivered, rejected, .. } = &*self.state();
        write!(out, "{delivered} delivered, {rejected} rejected, done up to line {done}")
    }
}
