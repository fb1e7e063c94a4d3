//! Runs all scenarios on a cluster: many at once, and then those that disturb others.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use crate::failure::Failure;
use crate::nodes::Nodes;
use crate::scenario::Scenario;
use crate::scene::Scene;

/// The outcome of a scenario that did not end in time.
pub const TIMED_OUT: &str = "timed out";

/// The start of the outcome of a scenario that failed.
pub(crate) const FAILED: &str = "failed: ";

/// The time limit of a scenario. The longest one waits for a transaction to time out, which Apache
/// Kafka checks every 10 s.
const LIMIT: Duration = Duration::from_secs(120);

/// The time limit of a scenario that stops nodes: Apache Kafka notices a dead one after 9 s, and a
/// Java process takes a while to start.
const LIMIT_WITH_NODES: Duration = Duration::from_secs(400);

/// The number of scenarios at once. Most of them wait for a session or a timeout most of the time.
const AT_ONCE: usize = 24;

/// Runs these scenarios on the cluster at `bootstrap_servers`, and returns the outcomes in their
/// order. Scenarios that need `nodes` fail without them.
///
/// # Errors
/// [`Failure`] if the cluster does not respond, or has no coordinators.
pub async fn run(
    bootstrap_servers: &str,
    suite: &[Scenario],
    nodes: Option<Arc<dyn Nodes>>,
) -> Result<Vec<String>, Failure> {
    warm_up(bootstrap_servers).await?;
    let seats = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let (alone, together): (Vec<_>, Vec<_>) =
        suite.iter().enumerate().partition(|(_, scenario)| scenario.plays_alone());
    for (index, scenario) in together {
        let (seats, scenario) = (Arc::clone(&seats), scenario.clone());
        let servers = bootstrap_servers.to_owned();
        running.spawn(async move {
            let seat = seats.acquire_owned().await;
            let outcome = outcome(servers, None, scenario, LIMIT).await;
            drop(seat);
            (index, outcome)
        });
    }
    let mut outcomes = vec![TIMED_OUT.to_owned(); suite.len()];
    while let Some(ended) = running.join_next().await {
        if let Ok((index, outcome)) = ended {
            outcomes[index] = outcome;
        }
    }
    for (index, scenario) in alone {
        let (servers, nodes) = (bootstrap_servers.to_owned(), nodes.clone());
        let limit = if scenario.needs_nodes() { LIMIT_WITH_NODES } else { LIMIT };
        outcomes[index] = outcome(servers, nodes, scenario.clone(), limit).await;
    }
    Ok(outcomes)
}

/// Creates the internal topics, and makes each node fetch its first producer ids, so that no
/// scenario depends on whether the cluster has just started.
async fn warm_up(bootstrap_servers: &str) -> Result<(), Failure> {
    let (servers, handle) = (bootstrap_servers.to_owned(), Handle::current());
    let warm = tokio::task::spawn_blocking(move || {
        let scene = Scene::new(&servers, None, handle);
        scene.coordinator_address(1, "conformance")?;
        scene.coordinator("conformance")?;
        scene.wait_for_producer_ids()
    });
    warm.await.unwrap_or(Err(Failure::Missing("end")))
}

/// Runs one scenario on its own thread, which is abandoned at the time limit.
async fn outcome(
    bootstrap_servers: String,
    nodes: Option<Arc<dyn Nodes>>,
    scenario: Scenario,
    limit: Duration,
) -> String {
    let (tell, told) = oneshot::channel();
    let handle = Handle::current();
    let play = move || {
        let scene = Scene::new(&bootstrap_servers, nodes, handle);
        let _ = tell.send(scenario.play(&scene));
    };
    let thread = std::thread::Builder::new().name("scenario".to_owned()).spawn(play);
    if let Err(error) = thread {
        return format!("{FAILED}{error}");
    }
    match tokio::time::timeout(limit, told).await {
        Ok(Ok(Ok(outcome))) => outcome,
        Ok(Ok(Err(failure))) => format!("{FAILED}{failure}"),
        Ok(Err(_)) => format!("{FAILED}the scenario panicked"),
        Err(_) => TIMED_OUT.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Outcome;

    async fn played(limit: Duration, play: fn(&Scene) -> Outcome) -> String {
        let scenario = Scenario::new("test".to_owned(), play);
        // No one listens on port 1.
        outcome("127.0.0.1:1".to_owned(), None, scenario, limit).await
    }

    #[tokio::test]
    async fn every_scenario_has_an_outcome_even_if_it_panics() {
        assert_eq!(played(LIMIT, |_| Ok("3 partitions".to_owned())).await, "3 partitions");
        let failed = played(LIMIT, |scene| Ok(scene.node()?.address().to_owned())).await;
        assert!(failed.starts_with("failed: no response"), "{failed}");
        assert_eq!(
            played(LIMIT, |_| panic!("as was asked for")).await,
            "failed: the scenario panicked"
        );
    }

    #[tokio::test]
    async fn a_scenario_that_does_not_end_is_abandoned() {
        let endless = |_: &Scene| -> Outcome {
            loop {
                std::thread::park();
            }
        };
        assert_eq!(played(Duration::from_millis(50), endless).await, TIMED_OUT);
    }
}
