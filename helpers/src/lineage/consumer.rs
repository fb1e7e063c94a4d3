//! Read messages in batches, and commit a batch when it has been processed.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::time::Instant;

use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::batch::{Batch, Reader};
use super::history::Message;
use super::metrics::{BatchMetrics, OnBatch, tell};
use crate::{Error, connection};

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

    /// Calls the handler with batch after batch, until it returns an error, or until Ctrl-C: then
    /// the batch in hand is processed and committed first. Returns how many messages the handler
    /// was given. A batch in which nothing came is none.
    ///
    /// A second Ctrl-C does not wait for that: the handler is dropped where it awaits, and its batch
    /// is not committed. A handler that blocks its thread hears neither, so such work belongs in
    /// tokio's `spawn_blocking`. From here on Ctrl-C no longer ends the process by itself (tokio
    /// keeps its signal handler).
    ///
    /// While a batch is committed, the next one is read. It is handed over when the commit is done.
    ///
    /// # Errors
    /// Those of [`Consumer::process_batch`], and [`Error::Interrupted`] at a second Ctrl-C. Called
    /// again, it goes on with the batch that failed or was dropped.
    pub async fn process<T, H, F, E>(&mut self, mut handler: H) -> Result<usize, Error>
    where
        T: DeserializeOwned + Send + 'static,
        H: FnMut(Vec<Message<T>>) -> F,
        F: Future<Output = Result<(), E>>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (stop, mut stops) = watch::channel(false);
        let (mut ctrl_c, mut all) = (CtrlC::new(stop), 0);
        while !*ctrl_c.stop.borrow() {
            all += ctrl_c.during(self.one_batch(&mut handler, &mut stops)).await?;
        }
        ctrl_c.during(self.reader.commit()).await?;
        Ok(all)
    }

    /// Calls the handler once, with up to a batch of messages or what came within the timeout, and
    /// returns how many that were. It is not called where nothing came.
    ///
    /// # Errors
    /// [`Error::Handler`] with the handler's error, [`Error::NoEnvelope`] for a record that is none
    /// (the batch comes again in both cases), [`Error::NotCommitted`] where the cluster did not take
    /// the commit for another reason than a rebalance, and [`Error::Kafka`] where the client cannot go on.
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
        self.reader.finish();
        Ok(count)
    }

    /// Leaves the group, so that its other members need not wait for a session timeout. So does
    /// dropping the consumer, which blocks the thread meanwhile.
    ///
    /// # Errors
    /// None; the type is that of all blocking calls.
    pub async fn close(self) -> Result<(), Error> {
        self.reader.idle().await;
        connection::blocking(move || {
            drop(self);
            Ok(())
        })
        .await
    }
}

/// Listens for Ctrl-C while work is done.
struct CtrlC {
    /// Says so at the first one.
    stop: watch::Sender<bool>,
    /// The next one; none where they cannot be heard.
    next: Option<Heard>,
}

type Heard = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

impl CtrlC {
    fn new(stop: watch::Sender<bool>) -> Self {
        CtrlC { stop, next: Some(Box::pin(tokio::signal::ctrl_c())) }
    }

    /// Waits for `work`. At a second Ctrl-C it waits no longer.
    async fn during<T>(
        &mut self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut work = std::pin::pin!(work);
        while let Some(next) = &mut self.next {
            tokio::select! {
                // Listens before the work begins, so that none is missed.
                biased;
                heard = next => self.heard(heard)?,
                done = &mut work => return done,
            }
        }
        work.await
    }

    fn heard(&mut self, heard: io::Result<()>) -> Result<(), Error> {
        self.next = None;
        if let Err(error) = heard {
            tracing::warn!(%error, "Ctrl-C cannot be heard");
            return Ok(());
        }
        if self.stop.send_replace(true) {
            tracing::warn!("a second Ctrl-C: the batch in hand is dropped");
            return Err(Error::Interrupted);
        }
        tracing::warn!("Ctrl-C: the batch in hand is processed, and no other is begun");
        self.next = Some(Box::pin(tokio::signal::ctrl_c()));
        Ok(())
    }
}
