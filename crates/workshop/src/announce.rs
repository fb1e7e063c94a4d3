//! Announces a cluster that this process runs and that is not embedded at a data directory.
//!
//! Examples find it as they find an embedded one: by the file that the host writes, while the host
//! holds its lock.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::control::{Controlled, Endpoint};
use crate::data::DataDirectory;
use crate::error::Error;
use crate::lock::Lock;
use crate::running::Running;
use crate::seat::{Seat, take_seat};

/// The host's place, taken before the cluster starts: a program that arrives before the cluster
/// runs waits for it, half a minute at most.
#[derive(Debug)]
pub struct Announcement {
    data: DataDirectory,
    endpoint: Option<Endpoint>,
    // Held until the registration is removed: fields are dropped after the value itself.
    _lock: Lock,
}

impl Announcement {
    /// Takes the place.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyRunning`] where a cluster runs on this directory, and what else [`Error`]
    /// lists about the data directory.
    pub async fn prepare(data: &DataDirectory) -> Result<Self, Error> {
        match take_seat(data).await? {
            Seat::Host(lock) => {
                // An arrival must not look for the cluster of a host that was killed.
                data.unregister()?;
                Ok(Self { data: data.clone(), endpoint: None, _lock: lock })
            }
            Seat::Guest(running, _) => Err(Error::AlreadyRunning {
                data: data.path().to_owned(),
                servers: running.bootstrap_servers(),
                process_id: running.process_id,
            }),
        }
    }

    /// Registers the addresses of the cluster, which must respond with this id. Examples use it
    /// from now on, until this is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::File`] where the data directory cannot be written.
    pub fn announce(&self, cluster_id: &str, addresses: Vec<SocketAddr>) -> Result<Running, Error> {
        let (cluster_id, process_id) = (cluster_id.to_owned(), std::process::id());
        let running = Running { cluster_id, process_id, addresses };
        self.data.register(&running)?;
        Ok(running)
    }

    /// Lets `target` take orders from programs that may read the data directory's secret, until
    /// [`Announcement::end_orders`] or until this is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Control`] where the system gives no port, [`Error::File`] where the data directory
    /// cannot be written.
    pub fn take_orders(&mut self, target: Arc<dyn Controlled>) -> Result<(), Error> {
        self.endpoint = Some(Endpoint::open(&self.data, target)?);
        Ok(())
    }

    /// Stops taking orders. When this returns, nothing holds the target any more.
    pub fn end_orders(&mut self) {
        self.endpoint = None;
    }

    /// Returns whether another process uses the cluster now.
    ///
    /// # Errors
    ///
    /// [`Error::File`] where the lock file cannot be opened.
    pub fn has_guests(&self) -> Result<bool, Error> {
        Ok(Lock::try_exclusive(&self.data.users_lock())?.is_none())
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and the next reader checks the file anyway.
        let _ = self.data.unregister();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Choice, Source};

    #[tokio::test]
    async fn a_cluster_that_was_announced_is_used_until_its_host_goes() {
        let cluster = embedded_kafka::Cluster::builder().nodes(1).start().await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::at(directory.path().join("data"));
        let place = Announcement::prepare(&data).await.unwrap();
        let addresses = cluster.nodes().iter().map(|node| node.address).collect();
        place.announce(cluster.cluster_id(), addresses).unwrap();
        let choice = Choice { bootstrap_servers: None, data: data.clone(), wire: false };
        let found = choice.clone().cluster().await.unwrap();
        assert_eq!(found.source(), Source::Running);
        assert_eq!(found.bootstrap_servers(), cluster.bootstrap_servers());
        assert!(place.has_guests().unwrap());
        let second = Announcement::prepare(&data).await.unwrap_err();
        assert!(matches!(second, Error::AlreadyRunning { .. }), "{second}");
        found.close().await.unwrap();
        assert!(!place.has_guests().unwrap());
        drop(place);
        assert!(choice.find().await.unwrap().is_none());
    }
}
