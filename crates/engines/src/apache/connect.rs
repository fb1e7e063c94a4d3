//! A Kafka Connect worker from the same jars, in distributed mode, with the file connectors.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::guard::{Guard, temporary_directory};
use super::jars::Jars;
use super::process::{LIMIT, Process, TRY_AGAIN};
use crate::error::Error;
use crate::last_lines::last_lines;
use crate::options::Lifetime;
use crate::ports;
use crate::release::Release;

/// The number of lines of the worker's log that an error shows.
const SHOWN_LINES: usize = 12;

/// The time limit for the worker to respond to a request.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Options of a worker.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The bootstrap servers of the worker's cluster.
    pub bootstrap_servers: String,
    /// The replication factor of its internal topics.
    pub replication_factor: usize,
    /// The port of its REST interface; if it is taken, the worker uses a free one.
    pub port: u16,
}

/// A running worker. Dropping it stops the process; its state is in topics of the cluster.
#[derive(Debug)]
pub struct Connect {
    address: SocketAddr,
    // Dropped in this order, as in the cluster.
    process: Process,
    _directory: tempfile::TempDir,
    _guard: Guard,
}

impl Connect {
    /// Starts a worker, which takes about five seconds. When this returns, it responds.
    ///
    /// # Errors
    /// The same as for a cluster of Apache Kafka.
    pub async fn start(options: &ConnectOptions) -> Result<Self, Error> {
        let jars = Jars::find(Release::default()).await?;
        let directory = temporary_directory()?;
        let guard = Guard::watch(directory.path())?;
        let port = ports::choose(&[options.port])[0];
        let file = directory.path().join("connect.properties");
        fs::write(&file, properties(options, port)).map_err(|e| Error::file("write", &file, e))?;
        let class = "org.apache.kafka.connect.cli.ConnectDistributed";
        let mut command = jars.java.command(&jars.library, 512, Lifetime::Short, class);
        let log = directory.path().join("connect.log");
        let process = Process::start(command.arg(&file), &log, &guard)?;
        let mut worker =
            Self { address: ports::local(port), process, _directory: directory, _guard: guard };
        let said = || last_lines(&fs::read_to_string(&log).unwrap_or_default(), SHOWN_LINES);
        let begin = Instant::now();
        loop {
            if worker.process.ended().is_some() {
                let what = "the Connect worker".to_owned();
                return Err(Error::DidNotStart { what, said: said() });
            }
            let address = worker.address;
            let answered = tokio::task::spawn_blocking(move || answers(address)).await;
            if answered.unwrap_or(false) {
                return Ok(worker);
            }
            if begin.elapsed() > LIMIT {
                let what = "the Connect worker did not respond".to_owned();
                return Err(Error::TimedOut { what, limit: LIMIT, said: said() });
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Returns the address of its REST interface.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Returns whether the worker has joined its group: until then, it cannot list connectors.
fn answers(address: SocketAddr) -> bool {
    let asked = || {
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.write_all(b"GET /connectors HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok::<_, std::io::Error>(status)
    };
    asked().is_ok_and(|status| status.ends_with(b" 200"))
}

/// Writes the worker's settings. Without `plugin.path`, Connect scans only the class path; with it,
/// the worker would open every jar.
fn properties(options: &ConnectOptions, port: u16) -> String {
    let ConnectOptions { bootstrap_servers, replication_factor, .. } = options;
    format!(
        "bootstrap.servers={bootstrap_servers}
group.id=connect
listeners=http://127.0.0.1:{port}
rest.advertised.host.name=127.0.0.1
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
config.storage.topic=connect-configs
offset.storage.topic=connect-offsets
status.storage.topic=connect-status
config.storage.replication.factor={replication_factor}
offset.storage.replication.factor={replication_factor}
status.storage.replication.factor={replication_factor}
offset.storage.partitions=1
status.storage.partitions=1
offset.flush.interval.ms=1000
"
    )
}
