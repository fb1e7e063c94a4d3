//! Decides which process hosts the cluster and which join it, when several want it at once.
//!
//! Two lock files decide, and the system releases both when a process ends, so a `kill -9` leaves
//! nothing to clean up:
//!
//! - `host.lock` is held by the one process that hosts the cluster.
//! - `users.lock` is shared by the processes that use the cluster of another.
//!
//! An arrival first shares `users.lock` and then tries `host.lock`. If it gets it, it hosts.
//! Otherwise it waits until the host has registered a cluster that responds, and joins. The host
//! leaves only once it holds `users.lock` exclusively: then no other process uses the cluster, and
//! an arrival cannot get past its first step before `host.lock` is free again. So an arrival either
//! keeps the host or becomes the host.

use std::time::{Duration, Instant};

use crate::data::DataDirectory;
use crate::error::Error;
use crate::lock::Lock;
use crate::running::Running;

/// How long another process may take to start its cluster, or to stop it.
const SEAT_LIMIT: Duration = Duration::from_secs(30);

/// How often the locks are retried. A blocking lock could not be canceled on Ctrl-C.
pub(crate) const TRY_AGAIN: Duration = Duration::from_millis(20);

/// A process's place at a data directory.
#[derive(Debug)]
pub(crate) enum Seat {
    /// This process hosts the cluster, and holds `host.lock`.
    Host(Lock),
    /// Another hosts it; this process shares `users.lock`, which keeps the host running.
    Guest(Running, Lock),
}

/// Takes a place: the host's if it is free, otherwise a guest's.
pub(crate) async fn take_seat(data: &DataDirectory) -> Result<Seat, Error> {
    data.prepare()?;
    let asked = Instant::now();
    loop {
        if let Some(seat) = try_seat(data).await? {
            return Ok(seat);
        }
        if asked.elapsed() > SEAT_LIMIT {
            let data = data.path().to_owned();
            return Err(Error::HostBusy { data, seconds: SEAT_LIMIT.as_secs() });
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn try_seat(data: &DataDirectory) -> Result<Option<Seat>, Error> {
    let Some(user) = Lock::try_shared(&data.users_lock())? else {
        return Ok(None);
    };
    if let Some(host) = Lock::try_exclusive(&data.host_lock())? {
        // A reset may have removed the marker in between.
        data.prepare()?;
        return Ok(Some(Seat::Host(host)));
    }
    Ok(data.running().await?.map(|running| Seat::Guest(running, user)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, DataDirectory) {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::at(directory.path().join("data"));
        (directory, data)
    }

    #[tokio::test]
    async fn the_first_at_a_directory_hosts() {
        let (_directory, data) = directory();
        assert!(matches!(take_seat(&data).await.unwrap(), Seat::Host(_)));
    }

    #[tokio::test]
    async fn a_file_that_a_killed_host_left_does_not_make_a_guest() {
        let (_directory, data) = directory();
        data.prepare().unwrap();
        let left = Running {
            cluster_id: "gone".to_owned(),
            process_id: 1,
            addresses: vec!["127.0.0.1:1".parse().unwrap()],
        };
        data.register(&left).unwrap();
        assert!(matches!(take_seat(&data).await.unwrap(), Seat::Host(_)));
    }

    #[tokio::test]
    async fn a_host_whose_cluster_does_not_answer_is_named() {
        let (_directory, data) = directory();
        let Seat::Host(_lock) = take_seat(&data).await.unwrap() else { panic!("no process hosts") };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let silent =
            Running { cluster_id: "silent".to_owned(), process_id: 4711, addresses: vec![address] };
        data.register(&silent).unwrap();
        let error = take_seat(&data).await.unwrap_err().to_string();
        assert!(error.contains("process 4711") && error.contains(&address.to_string()), "{error}");
    }

    #[tokio::test]
    async fn an_arrival_waits_for_a_host_that_is_leaving_and_takes_its_place() {
        let (_directory, data) = directory();
        let Seat::Host(host) = take_seat(&data).await.unwrap() else { panic!("no process hosts") };
        let users = Lock::try_exclusive(&data.users_lock()).unwrap().expect("no process uses it");
        let mut arrival = Box::pin(take_seat(&data));
        let early = tokio::time::timeout(TRY_AGAIN * 3, &mut arrival).await;
        assert!(early.is_err(), "the arrival sat down while the host was leaving");
        drop(host);
        drop(users);
        assert!(matches!(arrival.await.unwrap(), Seat::Host(_)));
    }
}
