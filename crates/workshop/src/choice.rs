//! Chooses between the clusters, in the order that the crate's documentation gives.

use crate::ask::{ANSWER_LIMIT, Answer, Silence, ask, client_config, variable_set};
use crate::cluster::Cluster;
use crate::data::DataDirectory;
use crate::error::{Error, shown};
use crate::host::{Host, HostOptions};
use crate::seat::{Seat, take_seat};

/// What decides which cluster is used.
#[derive(Debug, Clone)]
pub struct Choice {
    /// An explicit cluster, such as `127.0.0.1:9092`.
    pub bootstrap_servers: Option<String>,
    /// Where to look for a running cluster, and where an embedded one keeps its data.
    pub data: DataDirectory,
    /// Whether a cluster that this process hosts prints each answered request on stderr.
    pub wire: bool,
}

/// A cluster that runs already.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its bootstrap servers.
    pub bootstrap_servers: String,
    /// The process of the workshop that hosts it, `None` if the environment names the cluster.
    pub process_id: Option<u32>,
}

/// Finds or starts the cluster to talk to, as the environment says, and checks that it responds.
///
/// The first line on stderr names it. End with [`Cluster::close`], so that a cluster that this
/// process hosts stays for the others that use it and is shut down in order.
///
/// # Errors
///
/// [`Error::Unreachable`] if `KAFKA_BOOTSTRAP_SERVERS` names a cluster that does not respond within
/// five seconds, and what [`Error`] lists about the data directory.
pub async fn cluster() -> Result<Cluster, Error> {
    Choice::from_environment()?.cluster().await
}

impl Choice {
    /// Reads the environment: `KAFKA_BOOTSTRAP_SERVERS`, `WORKSHOP_DATA`, `WORKSHOP_WIRE`.
    ///
    /// # Errors
    ///
    /// [`Error::SecurityWithoutServers`] if `KAFKA_SECURITY_PROTOCOL` asks for more than PLAINTEXT
    /// and no cluster is named: the workshop's own cluster speaks PLAINTEXT.
    pub fn from_environment() -> Result<Self, Error> {
        let bootstrap_servers = variable_set("KAFKA_BOOTSTRAP_SERVERS");
        match variable_set("KAFKA_SECURITY_PROTOCOL") {
            Some(protocol)
                if bootstrap_servers.is_none() && !protocol.eq_ignore_ascii_case("plaintext") =>
            {
                return Err(Error::SecurityWithoutServers { protocol });
            }
            _ => {}
        }
        let wire = variable_set("WORKSHOP_WIRE").is_some_and(|value| value != "0");
        Ok(Self { bootstrap_servers, data: DataDirectory::from_environment(), wire })
    }

    /// Finds or starts the cluster of this choice, and names it on stderr. See
    /// [`crate::cluster()`].
    ///
    /// # Errors
    ///
    /// As [`crate::cluster()`].
    pub async fn cluster(self) -> Result<Cluster, Error> {
        let wire = self.wire;
        let cluster = match &self.bootstrap_servers {
            Some(servers) => named(servers).await?,
            None => self.ours().await?,
        };
        if wire && !cluster.is_hosted_here() {
            eprintln!(
                "workshop: WORKSHOP_WIRE shows the requests of a cluster in the same process; \
                 set it where that cluster is started"
            );
        }
        Ok(cluster)
    }

    /// Finds the cluster that would be used, if it runs already; starts nothing. Returns `None` if
    /// [`Choice::cluster`] would start an embedded one.
    ///
    /// # Errors
    ///
    /// As [`crate::cluster()`].
    pub async fn find(&self) -> Result<Option<Found>, Error> {
        if let Some(servers) = &self.bootstrap_servers {
            check(servers).await?;
            let bootstrap_servers = servers.clone();
            return Ok(Some(Found { bootstrap_servers, process_id: None }));
        }
        Ok(self.data.running().await?.map(|running| Found {
            bootstrap_servers: running.bootstrap_servers(),
            process_id: Some(running.process_id),
        }))
    }

    async fn ours(&self) -> Result<Cluster, Error> {
        match take_seat(&self.data).await? {
            Seat::Guest(running, user) => {
                let servers = running.bootstrap_servers();
                eprintln!(
                    "workshop: running cluster on {servers} (process {}, data in {})",
                    running.process_id,
                    shown(self.data.path())
                );
                Ok(Cluster::guest(servers, user))
            }
            Seat::Host(lock) => {
                let options = HostOptions {
                    ports: self.former_ports()?,
                    wire: self.wire,
                    ..Default::default()
                };
                let host = Host::start_with(lock, &self.data, &options).await?;
                eprintln!(
                    "workshop: embedded cluster of {} nodes on {} (data in {})",
                    host.running().addresses.len(),
                    host.running().bootstrap_servers(),
                    shown(self.data.path())
                );
                Ok(Cluster::hosted(host))
            }
        }
    }

    /// Returns the ports of a killed host. Its clients keep retrying them, and find the cluster
    /// there.
    fn former_ports(&self) -> Result<Vec<u16>, Error> {
        let left = self.data.registered()?;
        Ok(left.map_or_else(Vec::new, |left| {
            left.addresses.iter().map(std::net::SocketAddr::port).collect()
        }))
    }
}

/// Connects to the cluster that the environment names.
async fn named(servers: &str) -> Result<Cluster, Error> {
    let answer = check(servers).await?;
    let nodes = if answer.nodes == 1 { "1 node" } else { &format!("{} nodes", answer.nodes) };
    eprintln!("workshop: cluster of {nodes} on {servers} (KAFKA_BOOTSTRAP_SERVERS)");
    Ok(Cluster::named(servers.to_owned()))
}

async fn check(servers: &str) -> Result<Answer, Error> {
    let config = client_config(servers);
    let protocol = config.get("security.protocol").unwrap_or("plaintext");
    helpers::addresses::check(servers, protocol).map_err(|reason| Error::Address { reason })?;
    ask(config).await.map_err(|silence| match silence {
        Silence::Settings(source) => Error::Settings { source },
        Silence::Unanswered(reason) => Error::Unreachable {
            servers: servers.to_owned(),
            seconds: ANSWER_LIMIT.as_secs(),
            reason,
        },
    })
}
