//! Members of a group, each a task of this process with a stream of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::consumer::Consumer;
use rdkafka::message::{Message, OwnedMessage};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::callbacks::Shares;
use crate::consumer::{Work, close, consume, consumer};
use crate::event::{Airports, Event};
use crate::scene::Scene;

pub(crate) const PARTITIONS: i32 = 3;
const IN_FLIGHT: usize = 8;
/// How many arrivals may wait to be taken. Then the members wait, and read no more.
const ARRIVALS: usize = 100;
const LIMIT: Duration = Duration::from_secs(20);

/// A record that was processed.
pub(crate) struct Arrival {
    pub(crate) member: &'static str,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) event: Event,
}

impl Arrival {
    fn of(member: &'static str, message: &OwnedMessage, event: Event) -> Arrival {
        let text =
            |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"")).into_owned();
        Arrival {
            member,
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis().unwrap_or(0),
            key: text(message.key()),
            value: text(message.payload()),
            event,
        }
    }

    /// Its position, which no other record has.
    pub(crate) fn place(&self) -> (i32, i64) {
        (self.partition, self.offset)
    }
}

/// What a member does with a record: calls another service, and passes the record on.
struct Member {
    name: &'static str,
    airports: Arc<Airports>,
    arrivals: mpsc::Sender<Arrival>,
}

// ANCHOR: work
impl Work for Member {
    async fn process(&self, message: &OwnedMessage) -> Result<()> {
        // An error ends the consumer in front of the record. To put such records aside instead, see
        // chapter 25.
        let event = self.airports.event(message.payload().context("a tombstone is no event")?)?;
        // It stands in for a service that responds.
        tokio::time::sleep(Duration::from_millis(20)).await;
        // If the receiver was dropped, there is nothing to report.
        let _ = self.arrivals.send(Arrival::of(self.name, message, event)).await;
        Ok(())
    }
}
// ANCHOR_END: work

/// Members of a group that run as tasks.
pub(crate) struct Group {
    tasks: JoinSet<Result<usize>>,
    stop: watch::Sender<bool>,
    arrivals: mpsc::Receiver<Arrival>,
}

impl Group {
    // ANCHOR: start
    /// Starts a task for each member, and waits until all of them have partitions.
    pub(crate) async fn start(scene: &Scene, names: &[&'static str]) -> Result<Group> {
        let (stop, _) = watch::channel(false);
        let (sender, arrivals) = mpsc::channel(ARRIVALS);
        let shares = Shares::default();
        let mut tasks = JoinSet::new();
        for name in names {
            let consumer = consumer(&scene.brokers, &scene.group, name, &shares).await?;
            consumer.subscribe(&[&scene.topic])?;
            let member =
                Member { name, airports: scene.airports.clone(), arrivals: sender.clone() };
            let (mut stop, alive) = (stop.subscribe(), scene.alive.clone());
            tasks.spawn(async move {
                let (_alive, consumer) = (alive, consumer);
                let stopped = async {
                    // An error means that the sender was dropped, which is a stop too.
                    let _ = stop.wait_for(|stop| *stop).await;
                };
                let processed = consume(&consumer, &member, IN_FLIGHT, stopped).await;
                close(consumer, processed).await
            });
        }
        let share = PARTITIONS as usize / names.len();
        let all = |it: &BTreeMap<_, _>| {
            it.len() == names.len() && it.values().all(|count| *count == share)
        };
        tokio::time::timeout(LIMIT, shares.subscribe().wait_for(all)).await??;
        Ok(Group { tasks, stop, arrivals })
    }
    // ANCHOR_END: start

    /// The next records that were processed.
    pub(crate) async fn arrivals(&mut self, count: usize) -> Result<Vec<Arrival>> {
        let mut arrivals = Vec::new();
        while arrivals.len() < count {
            let next = tokio::select! {
                next = tokio::time::timeout(LIMIT, self.arrivals.recv()) => next?,
                Some(ended) = self.tasks.join_next() => {
                    ended??;
                    bail!("a member has ended");
                }
            };
            arrivals.push(next.context("the members have ended")?);
        }
        Ok(arrivals)
    }

    // ANCHOR: stop
    /// Lets the members finish what is in flight. Returns how many records they have processed, and
    /// those that were not taken from the channel yet.
    pub(crate) async fn stop(mut self) -> Result<(usize, Vec<Arrival>)> {
        self.stop.send_replace(true);
        let (mut processed, mut rest) = (0, Vec::new());
        loop {
            // The channel is bounded: a member may wait for room in it before it can end.
            tokio::select! {
                Some(arrival) = self.arrivals.recv() => rest.push(arrival),
                Some(member) = self.tasks.join_next() => processed += member??,
                else => return Ok((processed, rest)),
            }
        }
    }
    // ANCHOR_END: stop
}
