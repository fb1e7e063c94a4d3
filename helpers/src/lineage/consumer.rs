//! Read messages in batches, and commit a batch when it has been processed.

use std::error::Error as StdError;
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
    /// While a batch is committed, the next one is read. It is handed over when the commit is done.
    ///
    /// # Errors
    /// Those of [`Consumer::process_batch`]. Called again, it goes on with the batch that failed.
    pub async fn process<T, H, F, E>(&mut self, mut handler: H) -> Result<usize, Error>
    where
        T: DeserializeOwned + Send + 'static,
        H: FnMut(Vec<Message<T>>) -> F,
        F: Future<Output = Result<(), E>>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (stop, mut stops) = watch::channel(false);
        let mut ctrl_c = std::pin::pin!(tokio::signal::ctrl_c());
        let (mut listening, mut all) = (true, 0);
        while !*stop.borrow() {
            let mut batch = std::pin::pin!(self.one_batch(&mut handler, &mut stops));
            all += loop {
                tokio::select! {
                    biased;
                    heard = &mut ctrl_c, if listening => {
                        listening = false;
                        if heard.is_ok() {
                            stop.send_replace(true);
                        }
                    }
                    done = &mut batch => break done?,
                }
            };
        }
        self.reader.commit().await?;
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
