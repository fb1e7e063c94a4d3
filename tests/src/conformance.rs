//! The scenarios of crates/conformance as tests.

use std::sync::Arc;

use conformance::{
    Changed, Column, DIFFERENCES, Matrix, NodeChange, Nodes, Recorded, Scenario, is_complete, suite,
};
use engines::{Cluster, Engine, Options};

use crate::TestCluster;

/// Asks a cluster those scenarios that are `chosen`, and holds it to what was recorded.
///
/// # Panics
/// When an answer is another one and not so by design.
pub async fn assert_as_recorded(chosen: impl Fn(&Scenario) -> bool) {
    let cluster = TestCluster::start().await;
    let suite: Vec<Scenario> = suite().into_iter().filter(chosen).collect();
    assert!(!suite.is_empty(), "no scenario is chosen");
    let is_embedded = cluster.is_embedded();
    let differs = |it: &Scenario| DIFFERENCES.iter().any(|other| other.scenario == it.name());
    let by_design = suite.iter().filter(|it| is_embedded && differs(it)).count();
    let asked = conformance::run(cluster.bootstrap_servers(), &suite, None).await;
    let mut outcomes = asked.expect("the cluster has coordinators");
    if !is_embedded {
        ask_unfinished_again(&cluster, &suite, &mut outcomes).await;
    }
    assert_none_differs(suite, is_embedded, outcomes, by_design);
}

fn assert_none_differs(
    suite: Vec<Scenario>,
    is_embedded: bool,
    outcomes: Vec<String>,
    by_design: usize,
) {
    let column = Column { engine: "this cluster".to_owned(), is_embedded, outcomes };
    let matrix = Matrix::new(suite, Recorded::committed(), vec![column]);
    let totals = matrix.totals()[0];
    assert_eq!(totals.differing, 0, "\n{}", matrix.unexplained());
    assert_eq!(totals.explained, by_design, "{totals:?}");
}

/// The scenarios that stop nodes in order, so that no session has to expire.
const WITHOUT_WAITING: [&str; 2] = ["eligible/a_follower_stops", "eligible/a_leader_stops"];

/// Asks a cluster of its own the scenarios that stop nodes, and holds it to what was recorded.
///
/// The embedded cluster is asked all of them. On other engines the sessions of killed nodes take
/// minutes to expire, and `cargo workshop conformance` asks the rest.
///
/// # Panics
/// When an answer is another one, or the cluster does not start.
pub async fn assert_as_recorded_while_nodes_stop() {
    let engine = Engine::from_environment().expect("WORKSHOP_ENGINE names an engine");
    let cluster = engine.start(&Options::default()).await;
    let cluster = Arc::new(EngineNodes(cluster.unwrap_or_else(|error| panic!("{error}"))));
    let mut suite: Vec<Scenario> = suite().into_iter().filter(Scenario::needs_nodes).collect();
    if engine != Engine::Embedded {
        let all = suite.len();
        suite.retain(|it| WITHOUT_WAITING.contains(&it.name()));
        assert_eq!(suite.len(), WITHOUT_WAITING.len(), "a scenario has another name");
        eprintln!("{} of {all} scenarios that stop nodes are asked here", suite.len());
    }
    let nodes: Arc<dyn Nodes> = Arc::clone(&cluster) as _;
    let asked = conformance::run(cluster.0.bootstrap_servers(), &suite, Some(nodes)).await;
    let outcomes = asked.expect("the cluster has coordinators");
    assert_none_differs(suite, engine == Engine::Embedded, outcomes, 0);
    if let Some(EngineNodes(cluster)) = Arc::into_inner(cluster) {
        cluster.stop().await.expect("it ends");
    }
}

/// The nodes of an engine's cluster.
#[derive(Debug)]
struct EngineNodes(Box<dyn Cluster>);

impl Nodes for EngineNodes {
    fn change(&self, node: i32, change: NodeChange) -> Changed<'_> {
        let changed = match change {
            NodeChange::Stop => self.0.stop_node(node),
            NodeChange::Kill => self.0.kill_node(node),
            NodeChange::Start => self.0.start_node(node),
        };
        Box::pin(async { changed.await.map_err(|error| error.to_string()) })
    }
}

/// Asks once more, with nothing next to them, the scenarios that ran out of time.
///
/// Three nodes of Apache Kafka on two busy cores can take longer than a scenario waits. A wrong
/// answer is an answer, and is not asked for again.
async fn ask_unfinished_again(cluster: &TestCluster, suite: &[Scenario], outcomes: &mut [String]) {
    let unfinished = |(_, outcome): &(usize, &String)| !is_complete(outcome);
    let indices: Vec<usize> =
        outcomes.iter().enumerate().filter(unfinished).map(|(index, _)| index).collect();
    if indices.is_empty() {
        return;
    }
    let again: Vec<Scenario> = indices.iter().map(|index| suite[*index].clone()).collect();
    for index in &indices {
        eprintln!("asked once more: {}: {}", suite[*index].name(), outcomes[*index]);
    }
    let asked = conformance::run(cluster.bootstrap_servers(), &again, None).await;
    for (index, outcome) in indices.into_iter().zip(asked.expect("the cluster has coordinators")) {
        outcomes[index] = outcome;
    }
}
