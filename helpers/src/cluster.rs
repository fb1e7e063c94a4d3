//! Describe a cluster: its id and its brokers.

use rdkafka::ClientConfig;

use crate::Error;
use crate::config::client_config;
use crate::connection::{Deadline, MetadataClient, address, blocking};

/// A cluster as its metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterMetadata {
    /// The id that the cluster got when its storage was formatted; empty before Kafka 0.10.1.
    pub id: String,
    /// The brokers that are registered, in no particular order.
    pub brokers: Vec<BrokerMetadata>,
}

/// One broker of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerMetadata {
    /// The broker's id (`node.id`).
    pub id: i32,
    /// The listener that the broker advertises to clients, as host:port.
    pub address: String,
}

/// Describes the cluster: its id, and the brokers that its metadata lists.
///
/// # Errors
/// [`Error::NoResponse`] within five seconds where no broker responds, and those of
/// [`client_config`].
pub async fn cluster_metadata(brokers: &str) -> Result<ClusterMetadata, Error> {
    let (config, deadline) = (client_config(brokers)?, Deadline::start());
    blocking(move || {
        let client = MetadataClient::new(&config, deadline)?;
        Ok(ClusterMetadata { brokers: registered(&client)?, id: client.cluster_id()? })
    })
    .await
}

/// Lists the brokers of the cluster that `config` connects to.
pub(crate) async fn cluster_brokers(
    config: &ClientConfig,
    deadline: Deadline,
) -> Result<Vec<BrokerMetadata>, Error> {
    let config = config.clone();
    blocking(move || registered(&MetadataClient::new(&config, deadline)?)).await
}

fn registered(client: &MetadataClient) -> Result<Vec<BrokerMetadata>, Error> {
    let metadata = client.metadata(None)?;
    let brokers = metadata.brokers().iter();
    Ok(brokers.map(|it| BrokerMetadata { id: it.id(), address: address(it) }).collect())
}
