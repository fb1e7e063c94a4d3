//! Scene 4: records that finish out of order, and what is committed then.

use std::time::Duration;

use anyhow::Result;
use helpers::ConsumerBuilder;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use tokio::sync::watch;

use crate::callbacks::Shares;
use crate::consumer::{Work, close, consume, consumer};
use crate::publish::{Schedule, send_together};
use crate::scene::Scene;

/// There are records at the offsets 0 to 5. Responses arrive for these, in this order.
const RESPONSES: [i64; 4] = [2, 1, 0, 5];

/// Asks a service for each record.
struct Asking {
    /// How many responses have arrived.
    responded: watch::Sender<usize>,
    finished: watch::Sender<usize>,
}

impl Work for Asking {
    async fn process(&self, message: &OwnedMessage) {
        let turn = RESPONSES.iter().position(|offset| *offset == message.offset());
        // An error would mean that the sender was dropped, and it is in `self`.
        let _ = self.responded.subscribe().wait_for(|responded| Some(*responded) == turn).await;
        self.responded.send_modify(|responded| *responded += 1);
    }

    fn finished(&self, message: &OwnedMessage, to_commit: Option<i64>) {
        let to_commit = to_commit.map_or("-".to_owned(), |offset| offset.to_string());
        println!("   {:>8}  {to_commit:>9}", message.offset());
        self.finished.send_modify(|finished| *finished += 1);
    }
}

pub(crate) async fn show(scene: &Scene) -> Result<()> {
    send_together(scene, &Schedule::new(&scene.airports).events(6)?).await?;
    println!("   finished  to commit");
    let asking = Asking { responded: watch::Sender::new(0), finished: watch::Sender::new(0) };
    // ANCHOR: limit
    let asker = consumer(&scene.brokers, &scene.group, "asker", &Shares::default()).await?;
    asker.subscribe(&[&scene.topic])?;
    tokio::select! {
        ended = consume(&asker, &asking, 6, std::future::pending()) => drop(ended?),
        // Waiting for the last two would never end.
        _ = all_responses(&asking) => {}
    }
    // When it is closed, it commits what is finished; what was fetched but not finished is read
    // again.
    close(asker).await?;
    // ANCHOR_END: limit
    let next = read(scene).await?;
    println!("   for 3 and 4 no response arrives; the next consumer reads {next:?}");
    Ok(())
}

async fn all_responses(asking: &Asking) {
    let mut finished = asking.finished.subscribe();
    let _ = finished.wait_for(|finished| *finished == RESPONSES.len()).await;
}

/// What there is to read for the next one: all offsets up to the end.
async fn read(scene: &Scene) -> Result<Vec<i64>> {
    let next = ConsumerBuilder::new(&scene.brokers, &scene.group);
    let next = next.enable_partition_eof().build().await?;
    next.subscribe(&[&scene.topic])?;
    let mut offsets = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_secs(20), next.recv()).await? {
            Ok(message) => offsets.push(message.offset()),
            Err(KafkaError::PartitionEOF(_)) => return Ok(offsets),
            Err(error) => return Err(error.into()),
        }
    }
}
