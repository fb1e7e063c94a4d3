//! The cluster that was chosen, and how to release it.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::host::Host;
use crate::lock::Lock;

/// How long a dropped host stays for others. An example that ends with `?` prints its error only
/// after that.
const DROP_LIMIT: Duration = Duration::from_secs(10);

/// Where the cluster comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// `KAFKA_BOOTSTRAP_SERVERS` names it.
    Environment,
    /// Another process of the workshop hosts it.
    Running,
    /// This process hosts it.
    Embedded,
}

/// A cluster to talk to.
///
/// It exists as long as this value: end with [`Cluster::close`]. If you drop it instead, a cluster
/// that this process hosts is shut down as well, after waiting for other users for at most ten
/// seconds.
#[derive(Debug)]
pub struct Cluster {
    bootstrap_servers: String,
    hold: Hold,
}

/// What keeps the cluster running.
#[derive(Debug)]
enum Hold {
    Nothing,
    User { _lock: Lock },
    Host(Option<Box<Host>>),
}

impl Cluster {
    pub(crate) fn named(bootstrap_servers: String) -> Self {
        Self { bootstrap_servers, hold: Hold::Nothing }
    }

    pub(crate) fn guest(bootstrap_servers: String, lock: Lock) -> Self {
        Self { bootstrap_servers, hold: Hold::User { _lock: lock } }
    }

    pub(crate) fn hosted(host: Host) -> Self {
        let bootstrap_servers = host.running().bootstrap_servers();
        Self { bootstrap_servers, hold: Hold::Host(Some(Box::new(host))) }
    }

    /// Returns the addresses for a client's `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// Where the cluster comes from.
    pub fn source(&self) -> Source {
        match self.hold {
            Hold::Nothing => Source::Environment,
            Hold::User { .. } => Source::Running,
            Hold::Host(_) => Source::Embedded,
        }
    }

    /// Releases the cluster. One that this process hosts is shut down after all other programs have
    /// released it: until then this waits, says so on stderr, and stops waiting on Ctrl-C or
    /// SIGTERM.
    ///
    /// Close clients first: a consumer that leaves its group needs the cluster for it.
    ///
    /// # Errors
    ///
    /// [`Error::File`] where the data directory cannot be written.
    pub async fn close(mut self) -> Result<(), Error> {
        match &mut self.hold {
            Hold::Host(host) => match host.take() {
                Some(host) => host.leave(std::future::pending()).await,
                None => Ok(()),
            },
            Hold::Nothing | Hold::User { .. } => Ok(()),
        }
    }

    pub(crate) fn is_hosted_here(&self) -> bool {
        self.source() == Source::Embedded
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Hold::Host(host) = &mut self.hold else {
            return;
        };
        let Some(host) = host.take() else { return };
        if std::thread::panicking() {
            return;
        }
        // The caller's runtime may run on this thread, so the wait has one of its own.
        let left = std::thread::spawn(move || leave_within(*host, DROP_LIMIT)).join();
        match left {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("workshop: {error} ({:?})", error.source()),
            Err(_) => eprintln!("workshop: the embedded cluster did not shut down in order"),
        }
    }
}

fn leave_within(host: Host, limit: Duration) -> Result<(), Error> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        // Without a runtime there is no waiting; dropping the host closes the cluster.
        return Ok(());
    };
    runtime.block_on(async { host.leave(tokio::time::sleep(limit)).await })
}

impl AsRef<str> for Cluster {
    fn as_ref(&self) -> &str {
        &self.bootstrap_servers
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.bootstrap_servers)
    }
}
