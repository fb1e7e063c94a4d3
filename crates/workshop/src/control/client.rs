//! Gives an order to the process that hosts the cluster.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::protocol::{Answer, HEARD, MOST_BYTES, Order};
use crate::access::Access;
use crate::data::DataDirectory;
use crate::error::Error;

/// How long the host may take to accept an order.
const HEAR_LIMIT: Duration = Duration::from_secs(5);

/// How long the host may take to carry out an order. Apache Kafka's nodes need a while to stop or
/// to start.
const OBEY_LIMIT: Duration = Duration::from_secs(180);

impl DataDirectory {
    /// Gives an order to the cluster that a process hosts here, and waits until it is done.
    ///
    /// # Errors
    /// [`Error::NothingRuns`] if no process hosts one, [`Error::NotHeard`] if the one that does
    /// takes no orders, [`Error::File`] if only another user may give them, and [`Error::Refused`]
    /// with the cluster's reason.
    pub async fn order(&self, order: &Order) -> Result<Answer, Error> {
        if !self.path().is_dir() || !self.is_hosted()? {
            return Err(Error::NothingRuns { data: self.path().to_owned() });
        }
        let not_heard = |source| Error::NotHeard { data: self.path().to_owned(), source };
        let Some(access) = self.access()? else {
            return Err(not_heard(io::ErrorKind::NotFound.into()));
        };
        match tell(&access, order).await.map_err(not_heard)? {
            Answer::Refused(reason) => Err(Error::Refused { reason }),
            answer => Ok(answer),
        }
    }
}

async fn tell(access: &Access, order: &Order) -> io::Result<Answer> {
    let greeting = async {
        let (reading, mut writing) = TcpStream::connect(access.address).await?.into_split();
        let mut reading = BufReader::new(reading.take(MOST_BYTES));
        writing.write_all(format!("{}\n", access.token).as_bytes()).await?;
        let mut heard = String::new();
        reading.read_line(&mut heard).await?;
        if heard.trim_end() != HEARD {
            // Another process has the port of a host that was killed.
            return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
        }
        Ok((reading, writing))
    };
    let (mut reading, mut writing) = tokio::time::timeout(HEAR_LIMIT, greeting).await??;
    writing.write_all((serde_json::to_string(order)? + "\n").as_bytes()).await?;
    let mut answer = String::new();
    tokio::time::timeout(OBEY_LIMIT, reading.read_line(&mut answer)).await??;
    if answer.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended meanwhile"));
    }
    Ok(serde_json::from_str(&answer)?)
}
