//! Scenes 2 and 3: what the members read, and what they leave to others when they stop.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::{DateTime, SecondsFormat};
use helpers::{StopSignal, group_lag};

use crate::event::Event;
use crate::group::{Arrival, Group};
use crate::publish::{Schedule, send, send_together};
use crate::scene::Scene;

const MANY: usize = 600;

/// What the members have read, sorted: the tasks do not wait for each other.
pub(crate) async fn read(group: &mut Group, sent: &[Event]) -> Result<()> {
    let mut arrivals = group.arrivals(sent.len()).await?;
    arrivals.sort_by_key(Arrival::place);
    println!(
        "   by  topic                partition  offset  timestamp                 key    value"
    );
    arrivals.iter().for_each(print);
    let same = arrivals.iter().filter(|it| sent.contains(&it.event)).count();
    println!("   {same} of {} are equal to an event that was sent", arrivals.len());
    Ok(())
}

fn print(arrival: &Arrival) {
    let Arrival { member, topic, partition, offset, key, value, .. } = arrival;
    let time = DateTime::from_timestamp_millis(arrival.timestamp).unwrap_or_default();
    let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
    println!("   {member:<2}  {topic}  {partition:>9}  {offset:>6}  {time}  {key}  {value}");
}

/// Stops the members in the middle of their work. Another one does the rest.
pub(crate) async fn stop_and_go_on(
    scene: &Scene,
    mut group: Group,
    schedule: &mut Schedule<'_>,
) -> Result<()> {
    let events = schedule.events(MANY)?;
    let begun = Instant::now();
    send_together(scene, &events).await?;
    println!("   {MANY} events, all at once, in {} ms", begun.elapsed().as_millis());

    println!("   members  processed  committed");
    let mut arrivals = group.arrivals(MANY / 6).await?;
    let (processed, rest) = group.stop().await?;
    arrivals.extend(rest);
    println!("   a, b, c  {processed:>9}  {:>9}", committed(scene).await?);

    let mut next = Group::start(scene, &["d"]).await?;
    arrivals.extend(next.arrivals(MANY - arrivals.len()).await?);
    let (processed, rest) = next.stop().await?;
    arrivals.extend(rest);
    println!("   d        {processed:>9}  {:>9}", committed(scene).await?);

    let places: BTreeSet<(i32, i64)> = arrivals.iter().map(Arrival::place).collect();
    let (lost, twice) = (MANY - places.len(), arrivals.len() - places.len());
    println!("   lost {lost}, twice {twice}");
    Ok(())
}

/// Sends and reads until Ctrl-C or SIGTERM.
pub(crate) async fn follow(scene: &Scene) -> Result<()> {
    let mut group = Group::start(scene, &["a", "b", "c"]).await?;
    let mut schedule = Schedule::new(&scene.airports);
    let mut stop = StopSignal::listen()?;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            () = stop.received() => break,
            arrivals = group.arrivals(1) => arrivals?.iter().for_each(print),
            _ = ticks.tick() => drop(send(scene, &schedule.event()?).await?),
        }
    }
    let (processed, rest) = group.stop().await?;
    rest.iter().for_each(print);
    println!("{processed} processed, {} committed", committed(scene).await?);
    Ok(())
}

/// How many records the group has committed, in all partitions together.
async fn committed(scene: &Scene) -> Result<i64> {
    let lag = group_lag(&scene.brokers, &scene.group, &scene.topic).await?;
    Ok(lag.partitions.iter().filter_map(|partition| partition.committed).sum())
}
