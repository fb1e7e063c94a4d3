//! Scene 4: records that finish out of order, and what is committed then.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use helpers::{ConsumerBuilder, is_permanent};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use tokio::sync::watch;

use crate::callbacks::{Callbacks, Shares};
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
    async fn process(&self, message: &OwnedMessage) -> Result<()> {
        let turn = RESPONSES.iter().position(|offset| *offset == message.offset());
        // An error would mean that the sender was dropped, and it is in `self`.
        let _ = self.responded.subscribe().wait_for(|responded| Some(*responded) == turn).await;
        self.responded.send_modify(|responded| *responded += 1);
        Ok(())
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
    let asked = tokio::select! {
        ended = consume(&asker, &asking, 6, std::future::pending()) => ended.map(drop),
        // Waiting for the last two would take until their limit, and then fail.
        () = all_responses(&asking) => Ok(()),
    };
    // When it is closed, it commits what is finished; what was fetched but not finished is read
    // again.
    close(asker, asked).await?;
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
    let next = ConsumerBuilder::new(&scene.brokers, &scene.group).enable_partition_eof();
    let next = Arc::new(next.build_with(Callbacks::new("next", &Shares::default())).await?);
    next.subscribe(&[&scene.topic])?;
    let mut offsets = Vec::new();
    let read = async {
        loop {
            match tokio::time::timeout(Duration::from_secs(20), next.recv()).await? {
                Ok(message) => offsets.push(message.offset()),
                Err(KafkaError::PartitionEOF(_)) => return Ok(()),
                Err(error) if is_permanent(&error) => return Err(error.into()),
                // A transient error: the client keeps trying, until the time is up.
                Err(error) => eprintln!("{error}"),
            }
        }
    };
    let read: Result<()> = read.await;
    close(next, read).await?;
    Ok(offsets)
}
