//! A topic gets more partitions, and most keys move to another one.

use std::time::{Duration, Instant};

use airports::Airport;
use anyhow::{Result, anyhow, ensure};
use helpers::{Publisher, client_config, producer};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::Producer;

use crate::departure::{Departure, landed, moved};

/// How many partitions the topic has in the end.
pub(crate) const PARTITIONS: usize = 5;
const RESPONSE_LIMIT: Duration = Duration::from_secs(5);
const VISIBLE_LIMIT: Duration = Duration::from_secs(15);
const AIRPORT: &str = "JFK";

pub(crate) async fn show(brokers: &str, topic: &str, airports: &[Airport]) -> Result<()> {
    let departures = |number| airports.iter().map(move |it| Departure::new(&it.iata, number));
    let [first, second, third] = [1, 2, 3].map(|number| departures(number).collect::<Vec<_>>());

    // ANCHOR: grow
    let early = producer(brokers).await?;
    let before = landed(&early, topic, &first).await?;

    let admin: AdminClient<DefaultClientContext> = client_config(brokers)?.create()?;
    let grown = NewPartitions::new(topic, PARTITIONS);
    for result in admin.create_partitions(&[grown], &AdminOptions::new()).await? {
        result.map_err(|(topic, code)| anyhow!("{topic} does not grow: {code}"))?;
    }

    let late = producer(brokers).await?;
    wait_until_it_sees_all(&late, topic).await?;
    let after = landed(&late, topic, &second).await?;
    // It refreshes its metadata every five minutes, and sees three partitions until then.
    let unaware = landed(&early, topic, &third).await?;
    // ANCHOR_END: grow

    println!("producer         keys elsewhere    {AIRPORT}");
    let rows = [("before", &before), ("started after", &after), ("started before", &unaware)];
    for (which, partitions) in rows {
        let elsewhere = moved(&before, partitions);
        println!("{which:<14}    {elsewhere:>13}    {:>3}", partitions[AIRPORT]);
    }
    Ok(())
}

/// The controller has added them, and a broker may not have learned of it yet. What a client asks
/// for itself, it goes by.
async fn wait_until_it_sees_all(producer: &Publisher, topic: &str) -> Result<()> {
    let started = Instant::now();
    loop {
        let client = producer.as_rdkafka().client();
        let metadata = client.fetch_metadata(Some(topic), RESPONSE_LIMIT)?;
        let partitions = metadata.topics().first().map_or(&[][..], |it| it.partitions());
        if partitions.len() == PARTITIONS && partitions.iter().all(|it| it.leader() >= 0) {
            return Ok(());
        }
        ensure!(started.elapsed() < VISIBLE_LIMIT, "{topic} has {} partitions", partitions.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
