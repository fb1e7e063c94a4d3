//! A cluster of three nodes, what is done to it, and what must be true of it all the while.
//!
//! The model does not know what will be answered: that depends on who is down and for how long. It
//! notes what was promised, and holds the cluster to it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use embedded_kafka::Cluster;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::protocol::Request;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tokio::runtime::Runtime;
use workshop_tests::batch::Batch;
use workshop_tests::eventually;
use workshop_tests::raw::RawClient;
use workshop_tests::reader::{self, Seen};
use workshop_tests::requests::{create_topic, fetch, metadata, produce, produced};

use super::act::Act;
use super::requests::{find_coordinator, prefer};
use super::transaction::{Fate, Transaction};

pub(crate) const TOPIC: &str = "departures";
pub(crate) const GROUP: &str = "east-coast-dpt";
pub(crate) const TRANSACTIONAL_GROUP: &str = "counters";
pub(crate) const ID: &str = "counter";
const NODES: [i32; 3] = [1, 2, 3];

/// What a coordinator answers that moves, loads, or cannot write for now.
pub(crate) const COORDINATOR_MOVES: [i16; 3] = [14, 15, 16];

pub(crate) type Outcome = Result<(), TestCaseError>;

/// How much was done.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) steps: usize,
    pub(crate) departures: usize,
    pub(crate) elections: usize,
    /// Records acknowledged with acks=all.
    pub(crate) acknowledged: usize,
    /// Records acknowledged with acks=1 that are not there in the end.
    pub(crate) lost: usize,
    /// Transactions that were committed.
    pub(crate) committed: usize,
}

impl std::ops::Add for Count {
    type Output = Count;

    fn add(self, other: Count) -> Count {
        Count {
            steps: self.steps + other.steps,
            departures: self.departures + other.departures,
            elections: self.elections + other.elections,
            acknowledged: self.acknowledged + other.acknowledged,
            lost: self.lost + other.lost,
            committed: self.committed + other.committed,
        }
    }
}

/// What the cluster has promised.
#[derive(Debug, Default)]
pub(crate) struct Promised {
    /// Values acknowledged with acks=all, by offset.
    records: BTreeMap<i64, String>,
    /// Values acknowledged with acks=1, which is less of a promise.
    by_leader: Vec<(i64, String)>,
    /// The offset that the group has at least, and the last one that was sent.
    pub(crate) offset: i64,
    pub(crate) sent_offset: i64,
}

/// The cluster, and what is known of it.
pub(crate) struct World {
    runtime: Runtime,
    cluster: Cluster,
    clients: HashMap<i32, RawClient>,
    up: HashMap<i32, bool>,
    pub(crate) promised: Promised,
    pub(crate) transactions: Vec<Transaction>,
    /// Which transaction a value belongs to.
    pub(crate) transaction_of: HashMap<String, usize>,
    /// The most that any reader has seen.
    seen: Vec<(i64, String)>,
    epoch: i32,
    high_watermark: i64,
    next_value: usize,
    pub(crate) count: Count,
}

impl World {
    pub(crate) fn new() -> World {
        let runtime = Runtime::new().expect("the system has threads");
        let builder = Cluster::builder()
            .nodes(3)
            .default_replication_factor(3)
            .failover_delay(Duration::from_millis(10))
            .replica_lag_time_max(Duration::from_millis(100));
        let cluster = runtime.block_on(builder.start()).expect("a cluster starts on free ports");
        let mut world = World {
            runtime,
            cluster,
            clients: HashMap::new(),
            up: NODES.map(|node| (node, true)).into(),
            promised: Promised { offset: -1, sent_offset: -1, ..Promised::default() },
            transactions: Vec::new(),
            transaction_of: HashMap::new(),
            seen: Vec::new(),
            epoch: 0,
            high_watermark: 0,
            next_value: 0,
            count: Count::default(),
        };
        let topic = create_topic(TOPIC, 1, 3, &[("min.insync.replicas", "2")]);
        let created = world.ask(1, 7, &topic).expect("node 1 answers");
        assert_eq!(created.topics[0].error_code, 0);
        // Asking for them creates the topics of the coordinators.
        for (key_type, key) in [(0, GROUP), (0, TRANSACTIONAL_GROUP), (1, ID)] {
            assert!(world.coordinator(key_type, key).is_some());
        }
        world
    }

    /// Does one step, and looks at what came of it.
    pub(crate) fn act(&mut self, act: &Act) -> Outcome {
        self.count.steps += 1;
        match *act {
            Act::Stop(node) => self.depart(node, false),
            Act::Kill(node) => self.depart(node, true),
            Act::Start(node) => self.start(node),
            Act::Pause(node) => self.pause(node, true),
            Act::Resume(node) => self.pause(node, false),
            Act::Miss => self.miss(),
            Act::Prefer => drop(self.ask_any(2, &prefer(TOPIC))),
            Act::Produce { acks, records, node } => self.produce(acks, records, node),
            Act::Begin => self.begin()?,
            Act::Write { records } => self.write(records),
            Act::CommitPending => self.commit_pending(),
            Act::End { commit } => self.end(commit)?,
            Act::Commit => self.commit()?,
        }
        self.check()
    }

    fn depart(&mut self, node: i32, is_killed: bool) {
        if self.up.insert(node, false) == Some(false) {
            return;
        }
        self.count.departures += 1;
        self.clients.remove(&node);
        let departed = match is_killed {
            true => self.runtime.block_on(self.cluster.kill_node(node)),
            false => self.runtime.block_on(self.cluster.stop_node(node)),
        };
        departed.expect("it runs");
    }

    fn start(&mut self, node: i32) {
        if self.up.insert(node, true) == Some(false) {
            self.runtime.block_on(self.cluster.start_node(node)).expect("it is down");
        }
    }

    fn pause(&mut self, node: i32, is_paused: bool) {
        let paused = match is_paused {
            true => self.runtime.block_on(self.cluster.pause_replication(node)),
            false => self.runtime.block_on(self.cluster.resume_replication(node)),
        };
        paused.expect("there is such a node");
    }

    fn miss(&mut self) {
        let up = self.up.values().filter(|is_up| **is_up).count();
        if up > 0 {
            eventually("who is down is missed", || {
                let answer = self.ask_any(12, &metadata(&[]))?;
                (answer.brokers.len() == up).then_some(())
            });
        }
    }

    /// Asks a node; `None` where it does not answer.
    pub(crate) fn ask<R: Request>(
        &mut self,
        node: i32,
        version: i16,
        request: &R,
    ) -> Option<R::Response> {
        if !self.up[&node] {
            return None;
        }
        let mut client = match self.clients.remove(&node) {
            Some(client) => client,
            None => {
                let address = self.cluster.nodes()[node as usize - 1].address.to_string();
                RawClient::try_connect(&address).ok()?
            }
        };
        let answer = client.try_call(version, request).ok()?;
        self.clients.insert(node, client);
        Some(answer)
    }

    pub(crate) fn ask_any<R: Request>(&mut self, version: i16, request: &R) -> Option<R::Response> {
        NODES.into_iter().find_map(|node| self.ask(node, version, request))
    }

    fn partition(&mut self) -> Option<MetadataResponsePartition> {
        let mut answer = self.ask_any(12, &metadata(&[TOPIC]))?;
        Some(answer.topics.remove(0).partitions.remove(0))
    }

    /// The leader, as the node that responds says; it may be dead.
    pub(crate) fn leader(&mut self) -> Option<i32> {
        self.partition().map(|partition| partition.leader_id.0).filter(|leader| *leader > 0)
    }

    pub(crate) fn coordinator(&mut self, key_type: i8, key: &str) -> Option<i32> {
        let answer = self.ask_any(4, &find_coordinator(key_type, key))?;
        let found = &answer.coordinators[0];
        (found.error_code == 0).then_some(found.node_id.0)
    }

    pub(crate) fn values(&mut self, kind: &str, count: usize) -> Vec<String> {
        let first = self.next_value;
        self.next_value += count;
        (first..self.next_value).map(|number| format!("{kind}-{number}")).collect()
    }

    fn produce(&mut self, acks: i16, records: usize, node: Option<i32>) {
        let values = self.values("plain", records);
        let texts: Vec<&str> = values.iter().map(String::as_str).collect();
        let mut request = produce(TOPIC, 0, acks, Batch::of(&texts).encode());
        request.timeout_ms = 50;
        let Some(node) = node.or_else(|| self.leader()) else {
            return;
        };
        let Some(answer) = self.ask(node, 9, &request) else {
            return;
        };
        let answer = produced(&answer);
        if answer.error_code == 0 {
            let written = (answer.base_offset..).zip(values);
            if acks == -1 {
                self.count.acknowledged += records;
                self.promised.records.extend(written);
            } else {
                self.promised.by_leader.extend(written);
            }
        }
    }

    /// What must be true after each step.
    fn check(&mut self) -> Outcome {
        let Some(partition) = self.partition() else {
            return Ok(());
        };
        prop_assert!(partition.leader_epoch >= self.epoch, "the epoch went back");
        self.count.elections += usize::from(partition.leader_epoch > self.epoch);
        self.epoch = partition.leader_epoch;
        for node in NODES {
            let Some(all) = self.read(node, false) else {
                continue;
            };
            self.check_seen(&all.records)?;
            if partition.leader_id == node {
                prop_assert!(all.high_watermark >= self.high_watermark, "it went back");
                self.high_watermark = all.high_watermark;
                self.check_promised(&all)?;
            }
            if let Some(committed) = self.read(node, true) {
                self.check_committed(&committed)?;
            }
        }
        Ok(())
    }

    /// Reads at a node, which may be leader, follower, or down.
    fn read(&mut self, node: i32, is_committed_only: bool) -> Option<Seen> {
        let request = fetch(TOPIC, 0, 0).with_isolation_level(i8::from(is_committed_only));
        let answer = self.ask(node, 12, &request)?;
        let data = &answer.responses[0].partitions[0];
        (data.error_code == 0).then(|| reader::seen(data, 0))
    }

    /// What was seen before, at any node, is seen again.
    fn check_seen(&mut self, records: &[(i64, String)]) -> Outcome {
        let common = records.len().min(self.seen.len());
        prop_assert_eq!(&records[..common], &self.seen[..common], "read, and then cut");
        if records.len() > self.seen.len() {
            self.seen = records.to_vec();
        }
        Ok(())
    }

    fn check_promised(&self, all: &Seen) -> Outcome {
        let there: HashMap<_, _> = all.records.iter().map(|(at, value)| (at, value)).collect();
        for (offset, value) in &self.promised.records {
            prop_assert_eq!(there.get(offset), Some(&value), "acknowledged with acks=all");
        }
        Ok(())
    }

    /// A reader of committed records sees all that is, and nothing that is not.
    fn check_committed(&self, seen: &Seen) -> Outcome {
        for (_, value) in &seen.records {
            if let Some(at) = self.transaction_of.get(value) {
                let transaction = &self.transactions[*at];
                prop_assert!(transaction.may_be_seen(), "{value} of {transaction:?}");
            }
        }
        Ok(())
    }

    /// Everything runs again. In the end the state of each transaction is known.
    pub(crate) fn heal(&mut self) -> Outcome {
        for node in NODES {
            self.pause(node, false);
            self.start(node);
        }
        eventually("all are in sync", || {
            self.partition().filter(|it| it.isr_nodes.len() == NODES.len() && it.error_code == 0)
        });
        let mut failure = Ok(());
        eventually("the last transaction is over", || {
            failure = self.end(false);
            let is_over = self.present().is_none_or(|at| !self.transactions[at].may_be_open);
            (is_over || failure.is_err()).then_some(())
        });
        failure?;
        let leader = self.leader().expect("all run");
        let seen = eventually("no transaction is open", || {
            let seen = self.read(leader, true)?;
            (seen.last_stable_offset == seen.high_watermark).then_some(seen)
        });
        self.check()?;
        self.check_whole(&seen)?;
        self.check_offsets()
    }

    /// Each transaction that was committed is there as a whole, and every other one is not.
    fn check_whole(&mut self, seen: &Seen) -> Outcome {
        self.check_committed(seen)?;
        let there: Vec<&String> = seen.records.iter().map(|(_, value)| value).collect();
        let is_committed = |it: &&Transaction| it.fate == Fate::Committed;
        let committed = self.transactions.iter().filter(is_committed).flat_map(|it| &it.values);
        let found = there.iter().filter(|it| self.transaction_of.contains_key(**it));
        let found: Vec<&String> = found.copied().collect();
        prop_assert_eq!(found, committed.collect::<Vec<_>>());
        let is_lost = |it: &&(i64, String)| !there.contains(&&it.1);
        self.count.lost += self.promised.by_leader.iter().filter(is_lost).count();
        Ok(())
    }
}
