//! Consumes, transforms and produces, and carries the lineage along.

use std::error::Error as StdError;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::consumer::Consumer;
use crate::history::Message;
use crate::producer::Producer;

/// A service between two topics: each message that it makes says which one it was made from.
///
/// A batch is committed once everything made from it is in the target topic. After a failure the
/// batch is transformed and produced again: at least once.
pub struct Processor {
    consumer: Consumer,
    producer: Producer,
    target: String,
}

impl Processor {
    /// Reads with `consumer`, and writes to the topic `target` with `producer`.
    pub fn new(consumer: Consumer, producer: Producer, target: impl Into<String>) -> Self {
        Processor { consumer, producer, target: target.into() }
    }

    /// Transforms one batch, and returns how many messages were read. A message that the transform
    /// returns without refs gets those of the message that it was made from.
    ///
    /// # Errors
    /// Those of [`Consumer::process_batch`] and, inside [`Error::Handler`], of the transform and of
    /// [`Producer::produce_batch`].
    pub async fn process_batch<I, O, E>(
        &mut self,
        mut transform: impl FnMut(&Message<I>) -> Result<Vec<Message<O>>, E>,
    ) -> Result<usize, Error>
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (producer, target) = (&self.producer, &self.target);
        self.consumer
            .process_batch(|messages| async move {
                let made = transformed(&messages, &mut transform)?;
                producer.produce_batch(target, &made).await?;
                Ok::<(), Box<dyn StdError + Send + Sync>>(())
            })
            .await
    }

    /// Transforms batch after batch, until an error, Ctrl-C or SIGTERM. Returns how many messages
    /// were read. A first and a second signal do what they do in [`Consumer::process`]; part of a
    /// dropped batch may already be in the target topic, and is written there again.
    ///
    /// # Errors
    /// Those of [`Processor::process_batch`], and [`Error::Interrupted`] at the second signal.
    pub async fn process<I, O, E>(
        &mut self,
        mut transform: impl FnMut(&Message<I>) -> Result<Vec<Message<O>>, E>,
    ) -> Result<usize, Error>
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (producer, target) = (&self.producer, &self.target);
        self.consumer
            .process(|messages| {
                let made = transformed(&messages, &mut transform);
                async move {
                    producer.produce_batch(target, &made?).await?;
                    Ok::<(), Box<dyn StdError + Send + Sync>>(())
                }
            })
            .await
    }

    /// Commits what was processed and not yet committed, and leaves the group.
    ///
    /// # Errors
    /// Those of [`Consumer::close`].
    pub async fn close(self) -> Result<(), Error> {
        self.consumer.close().await
    }
}

fn transformed<I, O, E>(
    messages: &[Message<I>],
    transform: &mut impl FnMut(&Message<I>) -> Result<Vec<Message<O>>, E>,
) -> Result<Vec<Message<O>>, Box<dyn StdError + Send + Sync>>
where
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    let mut made = Vec::new();
    for message in messages {
        for mut one in transform(message).map_err(Into::into)? {
            if one.refs.is_empty() {
                one.refs.clone_from(&message.refs);
            }
            made.push(one);
        }
    }
    Ok(made)
}
