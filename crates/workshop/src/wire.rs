//! `WORKSHOP_WIRE=1`: one line on stderr for each request that the hosted cluster responded to.

use std::thread;
use std::time::Duration;

use embedded_kafka::EventReceiver;
use tokio::sync::oneshot;

/// How long the last lines may take once the cluster has shut down.
const LAST_LINES_LIMIT: Duration = Duration::from_secs(1);

/// The thread that prints. It has a runtime of its own: an example that blocks in a synchronous
/// call of rdkafka must not hold the lines back.
#[derive(Debug)]
pub(crate) struct Wire {
    printed: oneshot::Receiver<()>,
}

impl Wire {
    /// Prints from now on, until the cluster shuts down.
    pub(crate) fn start(mut events: EventReceiver) -> Self {
        let (last, printed) = oneshot::channel::<()>();
        thread::spawn(move || {
            let _last = last;
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
                return;
            };
            runtime.block_on(async {
                while let Some(event) = events.recv().await {
                    eprintln!("{event}");
                }
            });
        });
        Self { printed }
    }

    /// Waits until the last line is printed. Call it after the cluster has shut down.
    pub(crate) async fn finish(self) {
        // The sender is dropped with the thread, which sends nothing.
        if tokio::time::timeout(LAST_LINES_LIMIT, self.printed).await.is_err() {
            tracing::warn!("the last events of the cluster were not printed in time");
        }
    }
}
