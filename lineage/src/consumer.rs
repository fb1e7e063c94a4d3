//! Read messages in batches, and commit a batch when it has been processed.

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
/// A batch is committed after its handler returned Ok. Where it returned an error, nothing of the
/// batch is committed, and the consumer goes back: the next call is given the records of the batch
/// again, and none that came before it.
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
    /// SIGTERM: then the batch in hand is processed and committed first. Returns how many messages
    /// the handler was given. A batch in which nothing came is none.
    ///
    /// A second one does not wait for that: the handler is dropped where it awaits, and its batch
    /// is not committed. A handler that blocks its thread hears neither, so such work belongs in
    /// tokio's `spawn_blocking`. From here on neither ends the process by itself (tokio keeps its
    /// signal handlers).
    ///
    /// While a batch is committed, the next one is read. It is handed over when the commit is done.
    ///
    /// # Errors
    /// Those of [`Consumer::process_batch`], and [`Error::Interrupted`] at the second. Called again,
    /// it goes on with the batch that failed or was dropped.
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

    /// Calls the handler once, with up to a batch of messages or what came within the timeout, and
    /// returns how many that were. It is not called where nothing came.
    ///
    /// # Errors
    /// [`Error::Handler`] with the handler's error, [`Error::NoEnvelope`] for a record that is none
    /// (the batch comes again in both cases), [`Error::NotCommitted`] where the cluster does not take
    /// the commit for a reason that does not pass, and [`helpers::Error::Kafka`] where the client cannot go on.
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

    /// Commits what was processed and could not be committed before, and leaves the group, so that
    /// its other members need not wait for a session timeout. It waits for the cluster for ten
    /// seconds, and then warns.
    ///
    /// # Errors
    /// Those of [`close_within`].
    pub async fn close(self) -> Result<(), Error> {
        if self.close_within(CLOSE_LIMIT).await? == Closed::TimedOut {
            tracing::warn!("the cluster does not answer: the group will miss this member later");
        }
        Ok(())
    }

    /// [`Consumer::close`] with a limit of the caller's. Dropping the consumer leaves the group too,
    /// but blocks the thread meanwhile, for up to 45 s where the cluster is away.
    ///
    /// # Errors
    /// Those of [`close_within`].
    pub async fn close_within(self, limit: Duration) -> Result<Closed, Error> {
        Ok(close_within(self.reader.into_consumer(), limit).await?)
    }
}

/// Listens for Ctrl-C and SIGTERM while work is done.
struct Signals {
    /// Says so at the first one.
    stop: watch::Sender<bool>,
    /// Hears them; none where the system lets nobody listen.
    heard: Option<StopSignal>,
}

impl Signals {
    fn new(stop: watch::Sender<bool>) -> Self {
        let heard = StopSignal::listen()
            .inspect_err(|error| tracing::warn!(%error, "Ctrl-C and SIGTERM cannot be heard"));
        Signals { stop, heard: heard.ok() }
    }

    /// Waits for `work`. At a second signal it waits no longer.
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
            tracing::warn!("told to end a second time: the batch in hand is dropped");
            return Err(Error::Interrupted);
        }
        tracing::warn!("told to end: the batch in hand is processed, and no other is begun");
        Ok(())
    }
}
