//! Scene 5: tasks and threads in numbers, when each record waits for a response and when none does.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rdkafka::consumer::Consumer;
use rdkafka::message::OwnedMessage;
use tokio::task::JoinSet;

use crate::beginning::from_the_beginning;
use crate::callbacks::Shares;
use crate::consumer::{Work, close, consume, consumer};
use crate::group::PARTITIONS;
use crate::load::Load;
use crate::publish::{Schedule, send_together};
use crate::scene::Scene;
use crate::threads;

/// How many records there are to read.
const RECORDS: usize = 15_000;
const RESPONSE: Duration = Duration::from_millis(20);

impl Work for Load {
    async fn process(&self, _: &OwnedMessage) -> Result<()> {
        self.begin();
        if !self.wait.is_zero() {
            tokio::time::sleep(self.wait).await;
        }
        self.done();
        Ok(())
    }
}

pub(crate) async fn show(scene: &Scene) -> Result<()> {
    send_together(scene, &Schedule::new(&scene.airports).events(RECORDS)?).await?;
    println!("   each waits  in flight  as       records  seconds  records/s  threads  memory");
    for (wait, at_once, records) in [
        (RESPONSE, 1, 90),
        (RESPONSE, 32, 1_500),
        (RESPONSE, 500, RECORDS),
        (Duration::ZERO, 1, RECORDS),
    ] {
        let load = Load::new(records, wait);
        threads::run(scene, &load, at_once).await?;
        print("threads", at_once, &load);
        let load = Load::new(records, wait);
        tasks(scene, &load, at_once).await?;
        print("tasks", at_once, &load);
    }
    Ok(())
}

/// A task for each consumer, and in it as many records at once as are asked for.
async fn tasks(scene: &Scene, load: &Arc<Load>, at_once: usize) -> Result<()> {
    let mut tasks = JoinSet::new();
    for partition in 0..PARTITIONS {
        let shares = Shares::default();
        let consumer = consumer(&scene.brokers, &scene.group, "task", &shares).await?;
        consumer.assign(&from_the_beginning(&scene.topic, partition)?)?;
        let (load, alive) = (Arc::clone(load), scene.alive.clone());
        tasks.spawn(async move {
            let (_alive, consumer) = (alive, consumer);
            let processed = consume(&consumer, &*load, at_once, load.over()).await;
            close(consumer, processed).await
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

fn print(name: &str, at_once: usize, load: &Load) {
    let (wait, in_flight) = (load.wait.as_millis(), PARTITIONS as usize * at_once);
    let (records, seconds) = (load.records, load.seconds());
    let rate = records as f64 / seconds;
    let (threads, memory) = load.taken().map_or(("?".to_owned(), "?".to_owned()), |taken| {
        (format!("+{}", taken.threads), format!("+{} MiB", taken.memory_kib / 1024))
    });
    print!("   {wait:>7} ms  {in_flight:>9}  {name:<7}  {records:>7}  {seconds:>7.3}  {rate:>9.0}");
    println!("  {threads:>7}  {memory:>7}");
}
