//! Gives each alarm the sources of its whole batch.
//!
//! Message: --  its history names the record of the board that it was made from, and no other

use std::env;

use anyhow::Result;
use lineage::{Consumer, Error, Message, Producer, Ref};
use serde::{Deserialize, Serialize};

const MOST_MINUTES_LATE: u32 = 20;

#[derive(Deserialize)]
struct Departure {
    flight: String,
    minutes_late: u32,
}

#[derive(Serialize)]
struct Alarm {
    day: String,
    flight: String,
    minutes_late: u32,
}

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let (topic, group) = (env::var("ALARMS")?, env::var("GROUP")?);
    let producer = Producer::new("alarms", &brokers, &[("linger.ms", "0")]).await?;
    let mut consumer = Consumer::builder("alarms", &brokers, &[&env::var("BOARDS")?], group)
        .batch_size(5)
        .timeout_ms(200)
        .build()
        .await?;
    // It returns at SIGTERM, with everything committed whose handler has returned Ok.
    let boards = consumer
        .process(async |boards: Vec<Message<Vec<Departure>>>| {
            let alarms: Vec<Message<Alarm>> = boards.iter().flat_map(alarms_of).collect();
            let refs: Vec<Ref> = boards.iter().flat_map(|it| it.refs.clone()).collect();
            let alarms: Vec<Message<Alarm>> =
                alarms.into_iter().map(|it| Message { refs: refs.clone(), ..it }).collect();
            producer.produce_batch(&topic, &alarms).await?;
            Ok::<(), Error>(())
        })
        .await?;
    println!("{boards} boards were read");
    Ok(consumer.close().await?)
}

/// Returns the alarms of a board. The same board has the same alarms, whenever it is read.
fn alarms_of(board: &Message<Vec<Departure>>) -> impl Iterator<Item = Message<Alarm>> {
    let late = board.payload.iter().filter(|it| it.minutes_late > MOST_MINUTES_LATE);
    late.map(|Departure { flight, minutes_late }| {
        let (day, flight, minutes_late) = (board.id.clone(), flight.clone(), *minutes_late);
        board.derive(format!("{day}/{flight}"), Alarm { day, flight, minutes_late })
    })
}
