//! A consumer that is started, ended and started again, and the board that it leaves.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use helpers::{client_config, unique_name};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;
use tokio::sync::oneshot;

use crate::consumer::{Moment, READY, Strategy};
use crate::departures::{DEPARTURES, flights};

/// What a consumer did until it ended, and after that.
pub(crate) struct Outcome {
    pub(crate) strategy: Strategy,
    pub(crate) moment: Moment,
    group: String,
    /// What the group had committed when the first consumer had ended; none where it was nothing.
    committed: Option<i64>,
    /// Every departure that was processed, in the order in which it came up.
    pub(crate) board: Vec<String>,
}

/// Starts the consumer of one strategy, which will end at `moment` and be started again.
pub(crate) fn start(
    brokers: &str,
    topic: &str,
    strategy: Strategy,
    moment: Moment,
) -> oneshot::Receiver<Result<Outcome>> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    let (done, outcome) = oneshot::channel();
    // Pipes block, so this does not belong on the runtime. A thread does not keep the program from
    // ending, and when the program ends its children do.
    std::thread::spawn(move || done.send(run(&brokers, &topic, strategy, moment)));
    outcome
}

fn run(brokers: &str, topic: &str, strategy: Strategy, moment: Moment) -> Result<Outcome> {
    let group = unique_name(&format!("board {}", strategy.name()).replace(' ', "-"));
    let start = |moment: &str| Running::start(&[brokers, topic, &group, strategy.name(), moment]);

    // ANCHOR: kill
    let mut first = start(moment.name())?;
    let mut board = if moment == Moment::CleanShutdown {
        first.lines_until_the_end()?
    } else {
        let board = first.lines_until(READY)?;
        // SIGKILL: no destructor runs, nothing is flushed, nothing more is committed.
        first.child.kill()?;
        first.child.wait()?;
        board
    };

    let committed = committed(brokers, topic, &group)?;
    let mut second = start("never")?;
    board.extend(second.lines_until_the_end()?);
    // ANCHOR_END: kill
    Ok(Outcome { strategy, moment, group, committed, board })
}

/// What the group has committed for the partition. No member is needed to ask.
fn committed(brokers: &str, topic: &str, group: &str) -> Result<Option<i64>> {
    let consumer: BaseConsumer = client_config(brokers)?.set("group.id", group).create()?;
    let mut partition = TopicPartitionList::new();
    partition.add_partition(topic, 0);
    let committed = consumer.committed_offsets(partition, Duration::from_secs(10))?;
    let offset = committed.elements().first().and_then(|it| it.offset().to_raw());
    Ok(offset.filter(|offset| *offset >= 0))
}

/// A consumer in a process of its own. It is killed when dropped, so that none stays.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("consumer").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the consumer does not start")?;
        let stdout = BufReader::new(child.stdout.take().context("stdout is piped")?);
        Ok(Running { child, stdout })
    }

    fn lines_until(&mut self, last: &str) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        for line in (&mut self.stdout).lines() {
            match line? {
                line if line == last => return Ok(lines),
                line => lines.push(line),
            }
        }
        anyhow::bail!("the consumer ended before it was killed, after {lines:?}")
    }

    fn lines_until_the_end(&mut self) -> Result<Vec<String>> {
        let lines = (&mut self.stdout).lines().collect::<Result<Vec<_>, _>>()?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the consumer ended with {status}");
        Ok(lines)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails if it has ended already, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Outcome {
    fn times(&self) -> BTreeMap<String, usize> {
        let times = |flight: &String| self.board.iter().filter(|it| *it == flight).count();
        flights().map(|flight| (flight.clone(), times(&flight))).collect()
    }

    /// The departures that never came up.
    pub(crate) fn lost(&self) -> Vec<String> {
        self.times()
            .into_iter()
            .filter(|(_, times)| *times == 0)
            .map(|(flight, _)| flight)
            .collect()
    }

    /// The departures that came up twice.
    pub(crate) fn twice(&self) -> Vec<String> {
        self.times().into_iter().filter(|(_, times)| *times > 1).map(|(flight, _)| flight).collect()
    }

    /// Says what was committed when the consumer had ended, and what came of it.
    pub(crate) fn print_history(&self) {
        println!("{}, {} at WS105", self.strategy.name(), self.moment.name());
        let committed = self.committed.map_or("nothing".to_owned(), |offset| offset.to_string());
        match self.committed.unwrap_or(0) {
            end if end == DEPARTURES as i64 => {
                println!("  committed      {committed}, so there is nothing left to do");
            }
            next => println!("  committed      {committed}, so it continues with WS{}", 101 + next),
        }
        for (what, flights) in [("lost", self.lost()), ("twice", self.twice())] {
            if !flights.is_empty() {
                println!("  {what:<14} {}", flights.join(" "));
            }
        }
        println!();
    }
}

/// Deletes the groups. They have no members, so this can be done at once.
pub(crate) async fn delete_groups(brokers: &str, outcomes: &[Outcome]) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client_config(brokers)?.create()?;
    let groups: Vec<&str> = outcomes.iter().map(|outcome| outcome.group.as_str()).collect();
    for deleted in admin.delete_groups(&groups, &AdminOptions::new()).await? {
        deleted.map_err(|(group, code)| anyhow::anyhow!("group {group} stays: {code}"))?;
    }
    Ok(())
}
