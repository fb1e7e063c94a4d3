//! Tracks which member reads which partition, from the members' callbacks, and for how long none
//! did.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::error::RDKafkaErrorCode;

use crate::topics::RECORDS;

/// A rebalance takes seconds, up to ten where members send a heartbeat every five, and a session
/// timeout six. Longer than this is a mistake.
const LIMIT: Duration = Duration::from_secs(30);

/// What the callbacks of one group's members report.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    readers: BTreeMap<i32, String>,
    joined: BTreeSet<String>,
    without_reader_since: BTreeMap<i32, Instant>,
    without_reader: BTreeMap<i32, Duration>,
    callbacks: BTreeMap<String, Vec<String>>,
    read: BTreeSet<(i32, i64)>,
    read_again: usize,
    fatal: Option<RDKafkaErrorCode>,
}

/// What one event did to the partitions of its group.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) event: &'static str,
    /// What each member was assigned or had revoked in that time.
    pub(crate) callbacks: BTreeMap<String, Vec<String>>,
    /// Partitions that got another reader, or whose reader it is about.
    pub(crate) concerned: Stop,
    /// All others: the same member had them before and after.
    pub(crate) bystanders: Stop,
}

/// How many partitions, and for how long the longest of them had no reader.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stop {
    pub(crate) partitions: usize,
    pub(crate) longest: Duration,
}

impl Board {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A member has been given partitions.
    pub(crate) fn assigned(&self, member: &str, partitions: &[i32]) {
        let mut state = self.state();
        for partition in partitions {
            state.readers.insert(*partition, member.to_owned());
            if let Some(since) = state.without_reader_since.remove(partition) {
                *state.without_reader.entry(*partition).or_default() += since.elapsed();
            }
        }
        state.joined.insert(member.to_owned());
        state.note(member, "assign", partitions);
        self.changed.notify_all();
    }

    /// A member must give partitions up.
    pub(crate) fn revoked(&self, member: &str, partitions: &[i32]) {
        let mut state = self.state();
        for partition in partitions {
            state.stop_reading(member, *partition);
        }
        state.note(member, "revoke", partitions);
        self.changed.notify_all();
    }

    /// A member stops reading, and no callback says so.
    pub(crate) fn silent(&self, member: &str) {
        let mut state = self.state();
        let partitions: Vec<i32> = state.readers.keys().copied().collect();
        for partition in partitions {
            state.stop_reading(member, partition);
        }
    }

    /// A member cannot continue, so do not wait for it.
    pub(crate) fn fatal(&self, error: RDKafkaErrorCode) {
        self.state().fatal = Some(error);
        self.changed.notify_all();
    }

    /// A record came.
    pub(crate) fn read(&self, partition: i32, offset: i64) {
        let mut state = self.state();
        let new = state.read.insert((partition, offset));
        state.read_again += usize::from(!new);
        self.changed.notify_all();
    }

    /// How many different records the group has read, and how many reads were repetitions.
    pub(crate) fn records(&self) -> (usize, usize) {
        let state = self.state();
        (state.read.len(), state.read_again)
    }

    /// Waits until the group has read every departure.
    pub(crate) fn wait_for_all_records(&self) -> Result<()> {
        self.wait(|state| state.read.len() >= RECORDS)
    }

    /// Makes something happen to `member`, waits until each member has its share of the partitions,
    /// and says what it did to them.
    pub(crate) fn step(
        &self,
        event: &'static str,
        member: &str,
        shares: &[(&str, usize)],
        happen: impl FnOnce() -> Result<()>,
    ) -> Result<Step> {
        let before = {
            let mut state = self.state();
            state.without_reader.clear();
            state.callbacks.clear();
            state.readers.clone()
        };
        happen()?;
        self.wait(|state| state.is_shared_out(shares))?;
        let state = self.state();
        let mut step = Step {
            event,
            callbacks: state.callbacks.clone(),
            concerned: Stop::default(),
            bystanders: Stop::default(),
        };
        for (partition, reader) in &state.readers {
            let stayed = before.get(partition) == Some(reader) && reader != member;
            let stop = if stayed { &mut step.bystanders } else { &mut step.concerned };
            stop.partitions += 1;
            let without = state.without_reader.get(partition).copied().unwrap_or_default();
            stop.longest = stop.longest.max(without);
        }
        Ok(step)
    }

    fn wait(&self, mut done: impl FnMut(&State) -> bool) -> Result<()> {
        let waiting = |state: &mut State| state.fatal.is_none() && !done(state);
        let (state, waited) = self
            .changed
            .wait_timeout_while(self.state(), LIMIT, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.fatal {
            return Err(error).context("a member cannot continue");
        }
        if waited.timed_out() {
            bail!("{LIMIT:?} have passed, and the readers are {:?}", state.readers);
        }
        Ok(())
    }
}

impl State {
    fn stop_reading(&mut self, member: &str, partition: i32) {
        // Another member may have it already, when this one was taken for dead.
        if self.readers.get(&partition).is_some_and(|reader| reader == member) {
            self.readers.remove(&partition);
            self.without_reader_since.insert(partition, Instant::now());
        }
    }

    fn note(&mut self, member: &str, call: &str, partitions: &[i32]) {
        // The cooperative protocol also says when there is nothing to add.
        if !partitions.is_empty() {
            let call = format!("{call} {}", numbers(partitions));
            self.callbacks.entry(member.to_owned()).or_default().push(call);
        }
    }

    fn is_shared_out(&self, shares: &[(&str, usize)]) -> bool {
        let has = |member: &str| self.readers.values().filter(|it| *it == member).count();
        self.readers.len() == shares.iter().map(|(_, share)| share).sum::<usize>()
            && shares.iter().all(|(member, share)| has(member) == *share)
            && shares.iter().all(|(member, _)| self.joined.contains(*member))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "  {}", self.event)?;
        for (member, callbacks) in &self.callbacks {
            write!(out, "\n    {member}  {}", callbacks.join(", "))?;
        }
        Ok(())
    }
}

fn numbers(partitions: &[i32]) -> String {
    partitions.iter().map(i32::to_string).collect::<Vec<_>>().join(" ")
}
