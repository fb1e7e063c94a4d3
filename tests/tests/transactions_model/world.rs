//! A cluster and the model of it: each step is done to both, and both must say the same.

use embedded_kafka::{Cluster, StartError};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use workshop_tests::batch::{Batch, TRANSACTIONAL};
use workshop_tests::errors::{CONCURRENT_TRANSACTIONS, UNSTABLE_OFFSET_COMMIT};
use workshop_tests::eventually;
use workshop_tests::raw::RawClient;
use workshop_tests::reader;
use workshop_tests::requests::{create_topic, produce, produced, text};
use workshop_tests::transactions::{add_offsets, add_partitions, end, initialize};

use super::act::{Act, Cut, Who};
use super::model::{GROUPS, IDS, Id, Model, PARTITIONS, Producer, Record, Stage};
use super::{disk, requests};

const TOPIC: &str = "counts";

/// No case lasts that long, in ms.
const NEVER: i32 = 900_000;

/// A transaction that is to time out does so after this long, in ms.
const SOON: i32 = 20;

/// The same where the cluster is killed in between: a copy of its data is taken in this time.
const SOON_AFTER_A_KILL: i32 = 300;

type Outcome = Result<(), TestCaseError>;

/// How much was done.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) steps: usize,
    pub(crate) kills: usize,
    pub(crate) cuts: usize,
    pub(crate) timeouts: usize,
}

/// A cluster of one node on a data directory, and what must be true of it.
pub(crate) struct World {
    runtime: Runtime,
    data: TempDir,
    /// `None` only between a stop and the next start.
    cluster: Option<Cluster>,
    client: RawClient,
    model: Model,
    /// Where each partition ended after the last step.
    ends: [i64; PARTITIONS],
    pub(crate) count: Count,
}

fn start(runtime: &Runtime, data: &TempDir) -> (Cluster, RawClient) {
    let builder = Cluster::builder().data_dir(data.path());
    let cluster = eventually("no one else uses the directory", || {
        match runtime.block_on(builder.clone().start()) {
            Ok(cluster) => Some(cluster),
            // A process that another test starts holds the lock until it runs its program.
            Err(StartError::InUse { .. }) => None,
            Err(error) => panic!("the cluster starts: {error}"),
        }
    });
    let client = RawClient::connect(cluster.bootstrap_servers());
    (cluster, client)
}

impl World {
    pub(crate) fn new() -> World {
        let runtime = Runtime::new().expect("the system has threads");
        let data = tempfile::tempdir().expect("the system has a temporary directory");
        let (cluster, mut client) = start(&runtime, &data);
        let created = client.call(7, &create_topic(TOPIC, PARTITIONS as i32, 1, &[]));
        assert_eq!(created.topics[0].error_code, 0);
        requests::find_coordinators(&mut client, IDS[0], GROUPS[0]);
        let mut model = Model::default();
        for id in IDS {
            let answer = client.call(4, &initialize(id, NEVER, (-1, -1)));
            assert_eq!((answer.error_code, answer.producer_epoch), (0, 0));
            model.ids.push(Id {
                producer_id: answer.producer_id.0,
                epoch: 0,
                last_epoch: None,
                stage: Stage::Empty,
                partitions: Default::default(),
                offsets: Default::default(),
                producers: vec![Producer::new(0)],
            });
        }
        let (ends, count) = Default::default();
        World { runtime, data, cluster: Some(cluster), client, model, ends, count }
    }

    /// Does one step, and compares.
    pub(crate) fn act(&mut self, act: &Act) -> Outcome {
        self.count.steps += 1;
        match *act {
            Act::Initialize { id, cut: None } => self.initialize(id, NEVER)?,
            Act::Initialize { id, cut: Some(cut) } => self.initialize_and_die(id, cut)?,
            Act::Continue { who } => self.proceed(who)?,
            Act::Add { who, ref partitions } => {
                self.add(who, partitions)?;
            }
            Act::Produce { who, partition, records, add, lost } => {
                if add {
                    self.add(who, &[partition])?;
                }
                self.produce(who, partition, records, lost)?;
            }
            Act::ProducePlain { partition, records } => self.produce_plain(partition, records)?,
            Act::CommitPending { who, group, partition, offset, add } => {
                if add {
                    self.add_group(who, group)?;
                }
                self.commit_pending(who, group, partition, offset)?;
            }
            Act::Commit { group, partition, offset } => {
                let commit = (TOPIC, partition, offset);
                prop_assert_eq!(requests::commit(&mut self.client, GROUPS[group], commit), 0);
                self.model.commit_offset(group, partition, offset, None);
            }
            Act::End { who, commit, cut } => self.end(who, commit, cut)?,
            Act::TimeOut { id, partition, group, killed } => {
                self.time_out(id, partition, group, killed)?;
            }
            Act::Kill => self.kill(),
            Act::Restart => {
                let cluster = self.cluster.take().expect("it runs");
                self.runtime.block_on(cluster.shutdown());
                self.restart();
            }
        }
        self.check()
    }

    /// What is on disk now is all that is left.
    fn kill(&mut self) {
        let left = disk::copy(self.data.path());
        self.kill_leaving(left);
    }

    fn kill_leaving(&mut self, left: TempDir) {
        self.count.kills += 1;
        // It shuts down in order, on data that no one looks at again.
        drop(self.cluster.take());
        self.data = left;
        self.restart();
    }

    fn restart(&mut self) {
        let (cluster, client) = start(&self.runtime, &self.data);
        (self.cluster, self.client) = (Some(cluster), client);
        for id in &mut self.model.ids {
            id.last_epoch = None;
        }
    }

    /// Sends a request and kills the cluster amid its writes. Answers with what the client would
    /// have received, and whether the request took effect.
    fn cut<T>(&mut self, cut: Cut, request: impl FnOnce(&mut World) -> T) -> (T, bool) {
        self.count.cuts += 1;
        let before = disk::copy(self.data.path());
        let answer = request(self);
        let after = disk::copy(self.data.path());
        let is_effective = disk::cut(before.path(), after.path(), cut);
        self.kill_leaving(before);
        (answer, is_effective)
    }

    fn ask_for_producer(&mut self, id: usize, timeout: i32, expected: (i64, i16)) -> (i16, i16) {
        let answer = self.client.call(4, &initialize(IDS[id], timeout, expected));
        (answer.error_code, answer.producer_epoch)
    }

    /// A new producer, once what was open is aborted.
    fn initialize(&mut self, id: usize, timeout: i32) -> Outcome {
        if self.model.transaction(id).is_some() {
            let answer = self.ask_for_producer(id, timeout, (-1, -1));
            prop_assert_eq!(answer, (CONCURRENT_TRANSACTIONS, -1));
            self.model.fence(id);
        }
        let epoch = self.model.ids[id].epoch + 1;
        prop_assert_eq!(self.ask_for_producer(id, timeout, (-1, -1)), (0, epoch));
        self.model.initialized(id, epoch, None);
        self.model.ids[id].producers.push(Producer::new(epoch));
        Ok(())
    }

    /// A new producer that never learns its epoch, because the cluster is killed.
    fn initialize_and_die(&mut self, id: usize, cut: Cut) -> Outcome {
        let was_open = self.model.transaction(id).is_some();
        let epoch = self.model.ids[id].epoch + 1;
        let (answer, is_effective) =
            self.cut(cut, |world| world.ask_for_producer(id, NEVER, (-1, -1)));
        prop_assert_eq!(answer, if was_open { (CONCURRENT_TRANSACTIONS, -1) } else { (0, epoch) });
        match (is_effective, was_open) {
            (true, true) => {
                self.model.fence(id);
                self.model.ids[id].last_epoch = None;
            }
            (true, false) => self.model.initialized(id, epoch, None),
            (false, _) => {}
        }
        Ok(())
    }

    /// The place of a producer among those of its id.
    fn place(&self, who: Who) -> usize {
        let producers = self.model.ids[who.id].producers.len();
        producers.saturating_sub(1 + who.age)
    }

    /// Producer id and epoch of a producer.
    fn producer(&self, who: Who) -> (i64, i16) {
        let id = &self.model.ids[who.id];
        (id.producer_id, id.producers[self.place(who)].epoch)
    }

    fn proceed(&mut self, who: Who) -> Outcome {
        let producer = self.producer(who);
        if self.model.transaction(who.id).is_some() {
            // Each client that knows the producer id aborts what is open, a zombie too.
            let answer = self.ask_for_producer(who.id, NEVER, producer);
            prop_assert_eq!(answer, (CONCURRENT_TRANSACTIONS, -1));
            self.model.fence(who.id);
        }
        let answer = self.ask_for_producer(who.id, NEVER, producer);
        match self.model.continued(who.id, producer.1) {
            Err(error) => prop_assert_eq!(answer, (error, -1)),
            Ok(epoch) => {
                prop_assert_eq!(answer, (0, epoch));
                self.model.initialized(who.id, epoch, Some(producer.1));
                let place = self.place(who);
                self.model.ids[who.id].producers[place] = Producer::new(epoch);
            }
        }
        Ok(())
    }

    fn add(&mut self, who: Who, partitions: &[usize]) -> Outcome {
        let (producer, indexes): (_, Vec<i32>) =
            (self.producer(who), partitions.iter().map(|it| *it as i32).collect());
        let request = add_partitions(IDS[who.id], producer, &[(TOPIC, &indexes)]);
        let answer = self.client.call(3, &request);
        let expected = self.model.check(who.id, producer.1);
        for answer in &answer.results_by_topic_v3_and_below[0].results_by_partition {
            prop_assert_eq!(answer.partition_error_code, expected);
        }
        if expected == 0 {
            self.model.add_partitions(who.id, partitions);
        }
        Ok(())
    }

    fn add_group(&mut self, who: Who, group: usize) -> Outcome {
        let producer = self.producer(who);
        let answer = self.client.call(3, &add_offsets(IDS[who.id], producer, GROUPS[group]));
        let expected = self.model.check(who.id, producer.1);
        prop_assert_eq!(answer.error_code, expected);
        if expected == 0 {
            self.model.add_group(who.id, group);
        }
        Ok(())
    }

    /// Sends a batch; answers with the error and the offset.
    fn send(&mut self, partition: usize, batch: &Batch, id: Option<usize>) -> (i16, i64) {
        let id = id.map(|id| kafka_protocol::messages::TransactionalId(text(IDS[id])));
        let request = produce(TOPIC, partition as i32, -1, batch.encode());
        let answer = self.client.call(9, &request.with_transactional_id(id));
        let answer = produced(&answer);
        (answer.error_code, answer.base_offset)
    }

    /// Values that no other record has.
    fn values(&self, records: usize) -> Vec<String> {
        (0..records).map(|at| format!("{}-{at}", self.count.steps)).collect()
    }

    fn produce(&mut self, who: Who, partition: usize, records: usize, lost: bool) -> Outcome {
        let (producer, place) = (self.producer(who), self.place(who));
        let sequence = self.model.ids[who.id].producers[place].sequences[partition];
        let values = self.values(records);
        let batch = Batch::of(&values.iter().map(String::as_str).collect::<Vec<_>>())
            .from_producer(producer.0, producer.1, sequence)
            .with_attributes(TRANSACTIONAL);
        let answer = self.send(partition, &batch, Some(who.id));
        let error = self.model.check_produce(who.id, producer.1, partition);
        if error != 0 {
            prop_assert_eq!(answer, (error, -1));
            return Ok(());
        }
        prop_assert_eq!(answer, (0, self.ends[partition]));
        if lost {
            self.kill();
            prop_assert_eq!(self.send(partition, &batch, Some(who.id)), answer, "sent twice");
        }
        self.model.ids[who.id].producers[place].sequences[partition] += records as i32;
        self.wrote(partition, answer.1, values, self.model.transaction(who.id));
        Ok(())
    }

    fn produce_plain(&mut self, partition: usize, records: usize) -> Outcome {
        let values = self.values(records);
        let batch = Batch::of(&values.iter().map(String::as_str).collect::<Vec<_>>());
        let answer = self.send(partition, &batch, None);
        prop_assert_eq!(answer, (0, self.ends[partition]));
        self.wrote(partition, answer.1, values, None);
        Ok(())
    }

    fn wrote(&mut self, partition: usize, base: i64, values: Vec<String>, by: Option<usize>) {
        let record = |(offset, value)| Record { offset, value, transaction: by };
        self.model.records[partition].extend((base..).zip(values).map(record));
    }

    fn commit_pending(&mut self, who: Who, group: usize, partition: usize, offset: i64) -> Outcome {
        let producer = self.producer(who);
        let commit = (TOPIC, partition, offset);
        let (id, group_id) = (IDS[who.id], GROUPS[group]);
        let answer = requests::commit_pending(&mut self.client, id, producer, group_id, commit);
        let expected = self.model.check_offset(who.id, producer.1, group);
        prop_assert_eq!(answer, expected);
        if expected == 0 {
            let transaction = self.model.transaction(who.id);
            self.model.commit_offset(group, partition, offset, transaction);
        }
        Ok(())
    }

    fn end(&mut self, who: Who, commit: bool, cut: Option<Cut>) -> Outcome {
        let producer = self.producer(who);
        let request = end(IDS[who.id], producer, commit);
        let expected = self.model.check_end(who.id, producer.1, commit);
        let (answer, is_effective) = match cut {
            None => (self.client.call(3, &request).error_code, true),
            Some(cut) => self.cut(cut, |world| world.client.call(3, &request).error_code),
        };
        prop_assert_eq!(answer, expected);
        if expected == 0 && is_effective {
            self.model.end(who.id, commit);
        }
        Ok(())
    }

    /// Whether a record or an offset was in time is for the cluster to say; the rest is not.
    fn time_out(&mut self, id: usize, partition: usize, group: usize, killed: bool) -> Outcome {
        self.count.timeouts += 1;
        self.initialize(id, if killed { SOON_AFTER_A_KILL } else { SOON })?;
        let who = Who { id, age: 0 };
        let producer = self.producer(who);
        self.add(who, &[partition])?;
        let transaction = self.model.transaction(id);
        let values = self.values(1);
        let batch = Batch::of(&[&values[0]])
            .from_producer(producer.0, producer.1, 0)
            .with_attributes(TRANSACTIONAL);
        if let (0, offset) = self.send(partition, &batch, Some(id)) {
            self.wrote(partition, offset, values, transaction);
        }
        let offsets = add_offsets(IDS[id], producer, GROUPS[group]);
        if self.client.call(3, &offsets).error_code == 0 {
            let commit = (TOPIC, partition, 4_711);
            let group_id = GROUPS[group];
            let client = &mut self.client;
            if requests::commit_pending(client, IDS[id], producer, group_id, commit) == 0 {
                self.model.commit_offset(group, partition, 4_711, transaction);
            }
        }
        if killed {
            let left = disk::copy(self.data.path());
            // Else it may have been aborted while the copy was taken, which then is none.
            if self.state(id) == "Ongoing" {
                self.kill_leaving(left);
            }
        }
        eventually("the transaction has timed out", || {
            (self.state(id) == "CompleteAbort").then_some(())
        });
        self.model.fence(id);
        Ok(())
    }

    fn state(&mut self, id: usize) -> String {
        requests::described(&mut self.client, IDS[id], TOPIC).0
    }

    /// What everyone may ask is answered as the model says.
    fn check(&mut self) -> Outcome {
        for id in 0..IDS.len() {
            self.check_id(id)?;
        }
        for partition in 0..PARTITIONS {
            self.check_partition(partition)?;
        }
        for group in 0..GROUPS.len() {
            self.check_group(group)?;
        }
        Ok(())
    }

    fn check_id(&mut self, id: usize) -> Outcome {
        let described = requests::described(&mut self.client, IDS[id], TOPIC);
        let expected = &self.model.ids[id];
        let state = match expected.stage {
            Stage::Empty => "Empty",
            Stage::Open(_) => "Ongoing",
            Stage::Ended(true) => "CompleteCommit",
            Stage::Ended(false) => "CompleteAbort",
        };
        let partitions = expected.partitions.iter().copied().collect();
        let producer = (expected.producer_id, expected.epoch);
        prop_assert_eq!(described, (state.to_owned(), producer, partitions));
        Ok(())
    }

    fn check_partition(&mut self, partition: usize) -> Outcome {
        let client = &mut self.client;
        let end = reader::end(client, TOPIC, partition, false);
        let stable = self.model.last_stable_offset(partition, end);
        prop_assert_eq!(reader::end(client, TOPIC, partition, true), stable);
        // From the start, and from a place in the middle that is another one each time.
        for from in [0, self.count.steps as i64 % (end + 1)] {
            for is_committed_only in [false, true] {
                let seen = reader::read(client, TOPIC, partition, from, is_committed_only);
                let expected = reader::Seen {
                    records: self.model.visible(partition, from, is_committed_only),
                    high_watermark: end,
                    last_stable_offset: stable,
                };
                prop_assert_eq!(seen, expected, "partition {} from {}", partition, from);
            }
        }
        self.ends[partition] = end;
        Ok(())
    }

    fn check_group(&mut self, group: usize) -> Outcome {
        for require_stable in [false, true] {
            let answers = requests::committed(
                &mut self.client,
                GROUPS[group],
                TOPIC,
                PARTITIONS,
                require_stable,
            );
            for (partition, answer) in answers.into_iter().enumerate() {
                let (offset, is_pending) = self.model.offset(group, partition);
                let expected = match require_stable && is_pending {
                    true => (UNSTABLE_OFFSET_COMMIT, -1),
                    false => (0, offset),
                };
                prop_assert_eq!(answer, expected, "group {} partition {}", group, partition);
            }
        }
        Ok(())
    }
}

impl std::ops::Add for Count {
    type Output = Count;

    fn add(self, other: Count) -> Count {
        Count {
            steps: self.steps + other.steps,
            kills: self.kills + other.kills,
            cuts: self.cuts + other.cuts,
            timeouts: self.timeouts + other.timeouts,
        }
    }
}
