//! Scene 1: events of a random type are sent, and each delivery is awaited.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use airports::Airport;
use anyhow::Result;
use fastrand::Rng;
use futures_util::future::try_join_all;
use rdkafka::producer::FutureRecord;

use crate::event::{Airports, Delay, Event, Flight};
use crate::scene::Scene;

const LIMIT: Duration = Duration::from_secs(10);

/// What it takes to make events up.
pub(crate) struct Schedule<'a> {
    random: Rng,
    airports: &'a Airports,
    flights: u32,
}

impl Schedule<'_> {
    /// The same events in each run: the random numbers have a seed.
    pub(crate) fn new(airports: &Airports) -> Schedule<'_> {
        Schedule { random: Rng::with_seed(3), airports, flights: 100 }
    }

    pub(crate) fn events(&mut self, count: usize) -> Result<Vec<Event>> {
        (0..count).map(|_| self.event()).collect()
    }

    // ANCHOR: random
    /// An event of a random type, about the next flight.
    pub(crate) fn event(&mut self) -> Result<Event> {
        self.flights += 1;
        let number = format!("WS{}", self.flights);
        let from = self.airports.get("JFK")?;
        let flight = Flight { number, from, to: self.any_of(&["LHR", "AMS", "SIN"])? };
        Ok(match self.random.u8(..3) {
            0 => Event::Departed { flight, gate: self.random.u8(1..60) },
            1 => {
                let time = Duration::from_secs(60 * self.random.u64(5..120));
                Event::Delayed { flight, delay: Delay { time, cause: "weather".to_owned() } }
            }
            _ => Event::Diverted { flight, to: self.any_of(&["KEF", "SNN"])? },
        })
    }
    // ANCHOR_END: random

    fn any_of(&mut self, codes: &[&str]) -> Result<Arc<Airport>> {
        Ok(self.airports.get(codes[self.random.usize(..codes.len())])?)
    }
}

// ANCHOR: send
/// Sends an event, and returns when it is in the topic: on which partition, at which offset.
pub(crate) async fn send(scene: &Scene, event: &Event) -> Result<(i32, i64)> {
    let value = serde_json::to_vec(event)?;
    let record = FutureRecord::to(&scene.topic).key(&event.flight().number).payload(&value);
    let delivery = scene.producer.send(record, LIMIT).await.map_err(|(error, _)| error)?;
    Ok((delivery.partition, delivery.offset))
}

/// One after the other: each waits until the one before has arrived.
pub(crate) async fn send_in_turn(scene: &Scene, events: &[Event]) -> Result<()> {
    for event in events {
        send(scene, event).await?;
    }
    Ok(())
}

/// All at once: they wait together, and share requests.
pub(crate) async fn send_together(scene: &Scene, events: &[Event]) -> Result<()> {
    try_join_all(events.iter().map(|event| send(scene, event))).await?;
    Ok(())
}
// ANCHOR_END: send

/// Sends events one after the other, and says what they were.
pub(crate) async fn show(scene: &Scene, events: &[Event]) -> Result<()> {
    let begun = Instant::now();
    send_in_turn(scene, events).await?;
    let elapsed = begun.elapsed().as_millis();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        *kinds.entry(event.kind()).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    println!("   {} events, one after the other, in {elapsed} ms", events.len());
    println!("   {}", kinds.join(", "));
    Ok(())
}
