//! Reads messages in batches, and commits a batch after processing.

use std::error::Error as StdError;
use std::time::{Duration, Instant};

use helpers::{Closed, StopSignal, close_within};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::Error;
use crate::batch::{Batch, Reader};
use crate::history::Message;
use crate::metrics::{BatchMetrics, OnBatch, tell};

/// How long [`Consumer::close`] may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// Reads messages in batches.
///
/// A batch is committed after its handler returned Ok. If the handler returned an error, nothing of
/// the batch is committed, and the consumer goes back: the next call gets the records of the batch
/// again, and none before it.
pub struct Consumer {
    reader: Reader,
    service: String,
    group: String,
    on_batch: Option<OnBatch>,
}

impl Consumer {
    pub(super) fn over(
        reader: Reader,
        service: String,
        group: String,
        on_batch: Option<OnBatch>,
    ) -> Self {
        Consumer { reader, service, group, on_batch }
    }

    /// Calls the handler with batch after batch, until it returns an error, or until Ctrl-C or
    /// SIGTERM: then the current batch is processed and committed first. Returns how many messages
    /// the handler got. An empty batch does not count.
    ///
    /// A second signal does not wait for that: it drops the handler where it awaits, and does not
    /// commit its batch. Neither signal can interrupt a handler that blocks its thread, so such
    /// work belongs in tokio's `spawn_blocking`. From here on neither ends the process by itself
    /// (tokio keeps its signal handlers).
    ///
    /// While a batch is committed, the next one is read. The handler gets it after the commit.
    ///
    /// # Errors
    /// Those of [`Consumer::process_batch`], and [`Error::Interrupted`] at the second signal.
    /// Called again, it continues with the batch that failed or was dropped.
    pub async fn process<T, H, F, E>(&mut self, mut handler: H) -> Result<usize, Error>
    where
        T: DeserializeOwned + Send + 'static,
        H: FnMut(Vec<Message<T>>) -> F,
        F: Future<Output = Result<(), E>>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (stop, mut stops) = watch::channel(false);
        let (mut signals, mut all) = (Signals::new(stop), 0);
        while !*signals.stop.borrow() {
            all += signals.during(self.one_batch(&mut handler, &mut stops)).await?;
        }
        signals.during(self.reader.commit()).await?;
        Ok(all)
    }

    /// Calls the handler once, with up to a batch of messages or what arrived within the timeout,
    /// and returns how many those were. It does not call the handler if nothing arrived.
    ///
    /// # Errors
    /// [`Error::Handler`] with the handler's error, [`Error::NoEnvelope`] for a record that is not
    /// an envelope (the batch is read again in both cases), [`Error::NotCommitted`] if the cluster
    /// rejects the commit with a fatal error, and [`helpers::Error::Kafka`] if the client cannot
    /// continue.
    pub async fn process_batch<T, H, F, E>(&mut self, handler: H) -> Result<usize, Error>
    where
        T: DeserializeOwned + Send + 'static,
        H: FnOnce(Vec<Message<T>>) -> F,
        F: Future<Output = Result<(), E>>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (_never, mut stops) = watch::channel(false);
        let count = self.one_batch(handler, &mut stops).await?;
        self.reader.commit().await?;
        Ok(count)
    }

    /// Reads a batch while the one before is committed, and calls the handler with it.
    async fn one_batch<T, H, F, E>(
        &mut self,
        handler: H,
        stops: &mut watch::Receiver<bool>,
    ) -> Result<usize, Error>
    where
        T: DeserializeOwned + Send + 'static,
        H: FnOnce(Vec<Message<T>>) -> F,
        F: Future<Output = Result<(), E>>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (committed, read) = tokio::join!(self.reader.commit(), self.reader.read::<T>(stops));
        committed?;
        let Batch { messages, ranges, records } = read?;
        let count = messages.len();
        let started = Instant::now();
        let handled = if messages.is_empty() { Ok(()) } else { handler(messages).await };
        if records > 0 {
            let metrics = BatchMetrics {
                service: self.service.clone(),
                group: self.group.clone(),
                batch: ranges.to_string(),
                messages: count,
                records,
                took: started.elapsed(),
                processed: handled.is_ok(),
            };
            tell(&metrics, self.on_batch.as_ref());
        }
        if let Err(error) = handled {
            self.reader.go_back().await?;
            return Err(Error::Handler { batch: ranges.to_string(), source: error.into() });
        }
        self.reader.finish()?;
        Ok(count)
    }

    /// Commits what was processed and not yet committed, and leaves the group, so that its other
    /// members need not wait for a session timeout. It waits ten seconds for the cluster, and then
    /// logs a warning.
    ///
    /// # Errors
    /// Those of [`close_within`].
    pub async fn close(self) -> Result<(), Error> {
        if self.close_within(CLOSE_LIMIT).await? == Closed::TimedOut {
            tracing::warn!(
                "the cluster does not respond: this member stays in the group until its session expires"
            );
        }
        Ok(())
    }

    /// Closes the consumer as [`Consumer::close`] does, with your own limit. Dropping the consumer
    /// leaves the group too, but blocks the thread, for up to 45 s if the cluster is unreachable.
    ///
    /// # Errors
    /// Those of [`close_within`].
    pub async fn close_within(self, limit: Duration) -> Result<Closed, Error> {
        Ok(close_within(self.reader.into_consumer(), limit).await?)
    }
}

/// Listens for Ctrl-C and SIGTERM while work is done.
struct Signals {
    /// Set at the first signal.
    stop: watch::Sender<bool>,
    /// The signals; `None` if the system installs no handler.
    heard: Option<StopSignal>,
}

impl Signals {
    fn new(stop: watch::Sender<bool>) -> Self {
        let heard = StopSignal::listen()
            .inspect_err(|error| tracing::warn!(%error, "Ctrl-C and SIGTERM cannot be heard"));
        Signals { stop, heard: heard.ok() }
    }

    /// Waits for `work`, until a second signal.
    async fn during<T>(
        &mut self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut work = std::pin::pin!(work);
        while let Some(signals) = &mut self.heard {
            tokio::select! {
                biased;
                () = signals.received() => self.asked()?,
                done = &mut work => return done,
            }
        }
        work.await
    }

    fn asked(&mut self) -> Result<(), Error> {
        if self.stop.send_replace(true) {
            tracing::warn!("stop requested a second time: the current batch is dropped");
            return Err(Error::Interrupted);
        }
        tracing::warn!("stop requested: the current batch is processed, and no other is started");
        Ok(())
    }
}
