//! Turns with the topic that the examples share.
//!
//! Two examples may run at once, and one of them may be the one that deletes the topic. A lock
//! keeps them from each other: reading and publishing go together, filling an empty topic and
//! deleting it are done alone. It is a file's lock, so it ends with its process at the latest, and
//! it is known on one machine only: what two machines do to one cluster is not seen here.

use std::fs::{File, TryLockError};

use crate::connection::{ClusterQuestions, Deadline, blocking};
use crate::{Error, client_config};

/// Clusters share so many files, which stay in the directory for temporary ones.
const FILES: usize = 64;

/// A program's turn with the topic of airports, which ends when this is dropped.
///
/// To be dropped before the cluster is closed that this process may host: others wait for the turn,
/// and the cluster for the others.
#[derive(Debug)]
pub struct AirportsTurn(Option<File>);

/// Waits until nobody has the turn alone, and takes it together with all others who ask here.
///
/// Where the file cannot be locked the turn is free: it is a help, and no promise.
///
/// # Errors
/// [`Error::NoAnswer`] within five seconds where no broker answers.
pub async fn airports_turn(brokers: &str) -> Result<AirportsTurn, Error> {
    let (config, deadline) = (client_config(brokers)?, Deadline::start());
    let file = blocking(move || {
        let cluster = ClusterQuestions::new(&config, deadline)?.cluster_id()?;
        let number = cluster.bytes().map(usize::from).sum::<usize>() % FILES;
        let path = std::env::temp_dir().join(format!("airports-turn-{number}.lock"));
        // Whoever made the file first, to read it is enough.
        Ok(File::open(&path).or_else(|_| File::create(&path)).ok())
    });
    Ok(AirportsTurn(file.await?).with_others().await)
}

impl AirportsTurn {
    /// Waits until no other has a turn. In between others may have had theirs.
    #[must_use]
    pub async fn alone(self) -> Self {
        self.locked(File::try_lock, File::lock).await
    }

    /// Lets the others have theirs too.
    #[must_use]
    pub async fn with_others(self) -> Self {
        self.locked(File::try_lock_shared, File::lock_shared).await
    }

    /// Takes the lock in another way, and says on stderr where that takes a wait.
    async fn locked(
        self,
        try_lock: fn(&File) -> Result<(), TryLockError>,
        lock: fn(&File) -> std::io::Result<()>,
    ) -> Self {
        let Some(file) = self.0 else { return self };
        let waiting = tokio::task::spawn_blocking(move || {
            if let Err(TryLockError::WouldBlock) = try_lock(&file) {
                eprintln!("another example is at work on the airports: waiting for its end");
                lock(&file).ok()?;
            }
            Some(file)
        });
        AirportsTurn(waiting.await.ok().flatten())
    }
}
