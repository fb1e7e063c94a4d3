//! A lock on the topic that the examples share.
//!
//! Two examples may run at once, and one of them may be the one that deletes the topic. Examples
//! that read or publish share the lock; filling an empty topic and deleting it take it exclusively.
//! It is a lock on a file, so it ends with its process at the latest, and it does not reach beyond
//! this machine: what another machine does to the same cluster is not seen here.

use std::fs::{File, TryLockError};

use helpers::cluster_metadata;

use crate::Error;

/// How many lock files there are; clusters with the same number share one. They stay in the
/// directory for temporary files.
const FILES: usize = 64;

/// A lock on the topic of airports, released when this is dropped.
///
/// Drop it before you close a cluster that this process may host: others wait for the lock, and the
/// cluster waits for the others.
#[derive(Debug)]
pub struct TopicLock(Option<File>);

/// Waits until no other program holds the lock exclusively, and takes it shared.
///
/// Where the file cannot be locked, this returns at once: the lock is a courtesy among examples.
///
/// # Errors
/// [`helpers::Error::NoResponse`] within five seconds where no broker responds.
pub async fn lock_shared(brokers: &str) -> Result<TopicLock, Error> {
    let cluster_id = cluster_metadata(brokers).await?.id;
    let number = cluster_id.bytes().map(usize::from).sum::<usize>() % FILES;
    let path = std::env::temp_dir().join(format!("airports-turn-{number}.lock"));
    // Another user may have created the file; opening it to read is enough for a lock.
    let file = File::open(&path).or_else(|_| File::create(&path)).ok();
    Ok(TopicLock(file).shared().await)
}

impl TopicLock {
    /// Waits until no other program holds the lock. Others may have held it in between.
    #[must_use]
    pub async fn exclusive(self) -> Self {
        self.locked(File::try_lock, File::lock).await
    }

    /// Shares the lock with other programs again.
    #[must_use]
    pub async fn shared(self) -> Self {
        self.locked(File::try_lock_shared, File::lock_shared).await
    }

    /// Changes the kind of the lock, and says on stderr if that takes a wait.
    async fn locked(
        self,
        try_lock: fn(&File) -> Result<(), TryLockError>,
        lock: fn(&File) -> std::io::Result<()>,
    ) -> Self {
        let Some(file) = self.0 else { return self };
        let waiting = tokio::task::spawn_blocking(move || {
            if let Err(TryLockError::WouldBlock) = try_lock(&file) {
                eprintln!("another example is using the airports: waiting until it ends");
                lock(&file).ok()?;
            }
            Some(file)
        });
        TopicLock(waiting.await.ok().flatten())
    }
}
