//! The frame of an example: a cluster, a scene on it, and the cleanup.
//!
//! The cleanup runs however the scene ends: with success, with an error, by Ctrl-C or by SIGTERM.
//! The first error counts. A topic that cannot be deleted because the cluster is down must not hide
//! why the scene failed, so later errors are only printed.
//!
//! The frame also shows on stderr what the helpers and the clients log ([`show_log`]).

use std::fmt::Display;

use helpers::StopSignal;

use crate::choice::cluster;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::logging::show_log;

/// Runs `scene` with the bootstrap servers of the cluster that [`cluster`](crate::cluster()) finds
/// or starts, then closes the cluster.
///
/// Ctrl-C and SIGTERM drop the scene where it awaits, and that is a success.
///
/// # Errors
///
/// The scene's error, otherwise that of the cluster.
pub async fn run<E>(scene: impl AsyncFnOnce(&str) -> Result<(), E>) -> Result<(), E>
where
    E: From<Error> + Display,
{
    run_and_clean_up(scene, async |_| Ok(())).await
}

/// Does what [`run`] does, with a cleanup: `clean_up` gets the bootstrap servers too, and deletes
/// what the scene may have created. It runs however the scene ends, before the cluster is closed.
///
/// A second Ctrl-C or SIGTERM drops the cleanup.
///
/// # Errors
///
/// The scene's error, otherwise that of the cleanup, otherwise that of the cluster. The others are
/// printed on stderr.
pub async fn run_and_clean_up<E>(
    scene: impl AsyncFnOnce(&str) -> Result<(), E>,
    clean_up: impl AsyncFnOnce(&str) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<Error> + Display,
{
    show_log();
    let cluster = cluster().await?;
    let mut stop = StopSignal::listen().map_err(|source| Error::Signals { source })?;
    let played = until(stop.received(), scene(cluster.bootstrap_servers())).await;
    finish(cluster, played, clean_up, stop.received()).await
}

/// Does what [`run_and_clean_up`] does, for a scene that listens for Ctrl-C and SIGTERM itself and
/// ends in its own way: a consumer that commits and leaves its group, for example.
///
/// # Errors
///
/// Those of [`run_and_clean_up`].
pub async fn run_to_the_end<E>(
    scene: impl AsyncFnOnce(&str) -> Result<(), E>,
    clean_up: impl AsyncFnOnce(&str) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<Error> + Display,
{
    show_log();
    let cluster = cluster().await?;
    let played = scene(cluster.bootstrap_servers()).await;
    let mut stop = StopSignal::listen().map_err(|source| Error::Signals { source })?;
    finish(cluster, played, clean_up, stop.received()).await
}

/// Awaits `work`, and drops it where `stop` comes first.
async fn until<E>(
    stop: impl Future<Output = ()>,
    work: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    tokio::select! {
        done = work => done,
        () = stop => Ok(()),
    }
}

/// Cleans up and closes the cluster. Returns the first error.
async fn finish<E>(
    cluster: Cluster,
    played: Result<(), E>,
    clean_up: impl AsyncFnOnce(&str) -> Result<(), E>,
    stop: impl Future<Output = ()>,
) -> Result<(), E>
where
    E: From<Error> + Display,
{
    let cleaned = until(stop, clean_up(cluster.bootstrap_servers())).await;
    let outcome = first_error(played, cleaned);
    first_error(outcome, cluster.close().await.map_err(E::from))
}

/// Returns the earlier error. The later one is printed if it is not the one to be returned.
fn first_error<E: Display>(earlier: Result<(), E>, later: Result<(), E>) -> Result<(), E> {
    match (earlier, later) {
        (Ok(()), later) => later,
        (Err(first), Ok(())) => Err(first),
        (Err(first), Err(second)) => {
            eprintln!("workshop: cleaning up failed as well: {second:#}");
            Err(first)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};

    use super::*;
    use crate::{Choice, DataDirectory};

    fn failed(reason: &str) -> Result<(), Error> {
        Err(Error::Setting { reason: reason.to_owned() })
    }

    /// Starts a cluster for one test, in a directory that is deleted when the test ends.
    async fn a_cluster() -> (Cluster, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::at(directory.path().join("data"));
        let choice = Choice { bootstrap_servers: None, data, wire: false };
        (choice.cluster().await.unwrap(), directory)
    }

    #[tokio::test]
    async fn the_error_of_the_scene_comes_before_that_of_the_cleanup() {
        let (cluster, _directory) = a_cluster().await;
        let clean_up = async |_: &str| failed("the topic cannot be deleted");
        let ended = finish(cluster, failed("the scene"), clean_up, pending()).await;
        assert_eq!(ended.unwrap_err().to_string(), "the scene");
    }

    #[tokio::test]
    async fn an_error_of_the_cleanup_is_returned_where_the_scene_succeeded() {
        let (cluster, _directory) = a_cluster().await;
        let clean_up = async |_: &str| failed("the topic cannot be deleted");
        let ended = finish(cluster, Ok(()), clean_up, pending()).await;
        assert_eq!(ended.unwrap_err().to_string(), "the topic cannot be deleted");
    }

    #[tokio::test]
    async fn the_cleanup_finds_the_cluster_after_an_error_and_the_cluster_is_closed_after_it() {
        let (cluster, directory) = a_cluster().await;
        let servers = cluster.bootstrap_servers().to_owned();
        let asked = Cell::new(None);
        let clean_up = async |brokers: &str| {
            asked.set(Some(helpers::list_topics(brokers).await.is_ok()));
            assert_eq!(brokers, servers);
            Ok(())
        };
        finish(cluster, failed("the scene"), clean_up, pending()).await.unwrap_err();
        assert_eq!(asked.get(), Some(true));
        let data = DataDirectory::at(directory.path().join("data"));
        assert!(data.running().await.unwrap().is_none(), "the cluster still runs");
    }

    #[tokio::test]
    async fn a_signal_ends_the_scene_with_success_and_a_cleanup_that_hangs() {
        until::<Error>(ready(()), pending()).await.unwrap();
        let (cluster, _directory) = a_cluster().await;
        finish(cluster, Ok(()), async |_: &str| pending::<Result<(), Error>>().await, ready(()))
            .await
            .unwrap();
    }
}
