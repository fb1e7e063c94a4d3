//! One combination of `acks` and `min.insync.replicas`: a topic, its producers, and the outcome of
//! each record.

use std::cell::Cell;
use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use helpers::{
    ConsumerBuilder, PartitionMetadata, client_config, delete_topic, topic_metadata, unique_name,
};
use rdkafka::Message;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::task::JoinSet;

use crate::brokers::Brokers;

/// How many records each step sends.
const RECORDS: usize = 5;

/// How long a broker that comes back may take, a slow one included.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Trial {
    acks: &'static str,
    min_in_sync: &'static str,
    brokers: String,
    topic: String,
    /// Tries again for as long as it takes.
    patient: FutureProducer,
    /// Tries once.
    hasty: FutureProducer,
    sent: usize,
    pending: Vec<(String, DeliveryFuture)>,
    acknowledged: Vec<String>,
    rejected: Vec<RDKafkaErrorCode>,
    /// How many were acknowledged and rejected when a step was last printed.
    printed: Cell<(usize, usize)>,
    /// How long after the kill everything was acknowledged.
    pub(crate) away: Option<Duration>,
}

impl Trial {
    /// A topic of one partition on all three nodes, led by the first.
    pub(crate) async fn create(
        brokers: &Brokers,
        acks: &'static str,
        min_in_sync: &'static str,
    ) -> Result<Trial> {
        let servers = brokers.bootstrap_servers();
        let topic = unique_name(&format!("acks-{acks}-min-{min_in_sync}"));
        let admin: AdminClient<_> = client_config(servers)?.create()?;
        // ANCHOR: topic
        let nodes = brokers.nodes();
        let replicas: &[&[i32]] = &[&nodes];
        let new = NewTopic::new(&topic, 1, TopicReplication::Variable(replicas))
            .set("min.insync.replicas", min_in_sync);
        let created = admin.create_topics([&new], &AdminOptions::new()).await?;
        // ANCHOR_END: topic
        created[0].as_ref().map_err(|(topic, error)| anyhow::anyhow!("{topic}: {error}"))?;
        // ANCHOR: producers
        let patient = client_config(servers)?
            .set("acks", acks)
            .set("enable.idempotence", if acks == "all" { "true" } else { "false" })
            .set("linger.ms", "0")
            .set("message.timeout.ms", "60000")
            .create()?;
        let hasty = client_config(servers)?
            .set("acks", acks)
            .set("retries", "0")
            .set("linger.ms", "0")
            .create()?;
        // ANCHOR_END: producers
        let trial = Trial {
            acks,
            min_in_sync,
            brokers: servers.to_owned(),
            topic,
            patient,
            hasty,
            sent: 0,
            pending: Vec::new(),
            acknowledged: Vec::new(),
            rejected: Vec::new(),
            printed: Default::default(),
            away: None,
        };
        trial.wait_for_in_sync(3).await?;
        Ok(trial)
    }

    /// Queues records at the producer that tries again.
    pub(crate) fn send(&mut self) -> Result<()> {
        self.send_with(&self.patient.clone())
    }

    /// Queues records at the producer without retries, which reports what the broker responded.
    pub(crate) fn send_once(&mut self) -> Result<()> {
        self.send_with(&self.hasty.clone())
    }

    fn send_with(&mut self, producer: &FutureProducer) -> Result<()> {
        for _ in 0..RECORDS {
            self.sent += 1;
            let flight = format!("WS{}", 100 + self.sent);
            let record = FutureRecord::to(&self.topic).key(&flight).payload("departed");
            let delivery = producer.send_result(record).map_err(|(error, _)| error)?;
            self.pending.push((flight, delivery));
        }
        Ok(())
    }

    // ANCHOR: settle
    /// Waits for the outcome of the records that were sent, at most `limit` for each.
    pub(crate) async fn settle(&mut self, limit: Duration) {
        for (flight, mut delivery) in std::mem::take(&mut self.pending) {
            match tokio::time::timeout(limit, &mut delivery).await {
                Err(_still_waiting) => self.pending.push((flight, delivery)),
                Ok(Ok(Ok(_))) => self.acknowledged.push(flight),
                Ok(Ok(Err((KafkaError::MessageProduction(code), _)))) => self.rejected.push(code),
                Ok(_) => self.rejected.push(RDKafkaErrorCode::Unknown),
            }
        }
    }
    // ANCHOR_END: settle

    /// The outcomes since this was last printed.
    pub(crate) fn print_step(&self) {
        let (acknowledged, rejected) = self.printed.get();
        self.printed.set((self.acknowledged.len(), self.rejected.len()));
        let mut what = format!("{} acknowledged", self.acknowledged.len() - acknowledged);
        if !self.pending.is_empty() {
            what += &format!(", {} not yet", self.pending.len());
        }
        if let Some(code) = self.rejected.get(rejected) {
            what += &format!(", {} rejected: {code:?}", self.rejected.len() - rejected);
        }
        println!("   acks={:<4} min.insync.replicas={}  {what}", self.acks, self.min_in_sync);
    }

    pub(crate) async fn print_row(&self) -> Result<()> {
        let there = self.read().await?;
        let lost = self.acknowledged.iter().filter(|flight| !there.contains(*flight)).count();
        let away = self.away.map_or(0.0, |away| away.as_secs_f64());
        let (acknowledged, rejected) = (self.acknowledged.len(), self.rejected.len());
        println!(
            "{:<4}  {:>19}  {:>4}  {acknowledged:>12}  {rejected:>8}  {lost:>4}  {away:>9.1} s",
            self.acks, self.min_in_sync, self.sent
        );
        Ok(())
    }

    /// Everything that the topic holds.
    async fn read(&self) -> Result<HashSet<String>> {
        let consumer = ConsumerBuilder::new(&self.brokers, &self.topic).build_polled().await?;
        let topic = self.topic.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut partition = TopicPartitionList::new();
            partition.add_partition_offset(&topic, 0, Offset::Beginning)?;
            consumer.assign(&partition)?;
            let (_, end) = consumer.fetch_watermarks(&topic, 0, PATIENCE)?;
            let mut flights = HashSet::new();
            while let Some(message) = consumer.poll(PATIENCE) {
                let message = message?;
                flights.insert(String::from_utf8_lossy(message.key().unwrap_or_default()).into());
                if message.offset() + 1 >= end {
                    break;
                }
            }
            anyhow::Ok(flights)
        });
        reading.await?
    }

    /// Waits until the followers have what was sent, so that the next step begins with equal logs.
    pub(crate) async fn wait_until_replicated(&self) -> Result<()> {
        self.wait(|it| it.watermarks.is_some_and(|range| range.high == self.sent as i64))
            .await
            .map(drop)
    }

    pub(crate) async fn wait_for_in_sync(&self, count: usize) -> Result<()> {
        self.wait(|it| it.in_sync_replicas.len() == count && it.leader.is_some()).await.map(drop)
    }

    /// The node that leads, once it is another one than `former`.
    pub(crate) async fn wait_for_leader_but(&self, former: i32) -> Result<i32> {
        let partition = self.wait(|it| it.leader.is_some_and(|leader| leader != former)).await?;
        partition.leader.context("it was just there")
    }

    async fn wait(&self, is_so: impl Fn(&PartitionMetadata) -> bool) -> Result<PartitionMetadata> {
        let begin = Instant::now();
        loop {
            // While a partition has no leader, some requests get no response.
            if let Ok(mut topic) = topic_metadata(&self.brokers, &self.topic).await
                && let Some(partition) = topic.partitions.pop().filter(&is_so)
            {
                return Ok(partition);
            }
            ensure!(begin.elapsed() < PATIENCE, "{}: the replicas do not come along", self.topic);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn delete(&self, brokers: &Brokers) -> Result<()> {
        delete_topic(brokers.bootstrap_servers(), &self.topic).await.context("deleting")?;
        Ok(())
    }
}

/// Waits for the outcomes of all at once, so that each measures how long it waited.
pub(crate) async fn all_settled(trials: Vec<Trial>, killed: Instant) -> Result<Vec<Trial>> {
    let mut settling = JoinSet::new();
    for (place, mut trial) in trials.into_iter().enumerate() {
        settling.spawn(async move {
            trial.settle(Duration::MAX).await;
            trial.away = Some(killed.elapsed());
            (place, trial)
        });
    }
    let mut settled = settling.join_all().await;
    settled.sort_by_key(|(place, _)| *place);
    Ok(settled.into_iter().map(|(_, trial)| trial).inspect(Trial::print_step).collect())
}
