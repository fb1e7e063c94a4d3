//! The scenarios of crates/conformance as tests.

use conformance::{Column, DIFFERENCES, Matrix, Recorded, Scenario, is_complete, suite};

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
    let asked = conformance::run(cluster.bootstrap_servers(), &suite).await;
    let mut outcomes = asked.expect("the cluster has coordinators");
    if !is_embedded {
        ask_unfinished_again(&cluster, &suite, &mut outcomes).await;
    }
    let column = Column { engine: "this cluster".to_owned(), is_embedded, outcomes };
    let matrix = Matrix::new(suite, Recorded::committed(), vec![column]);
    let totals = matrix.totals()[0];
    assert_eq!(totals.differing, 0, "\n{}", matrix.unexplained());
    assert_eq!(totals.explained, by_design, "{totals:?}");
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
    let asked = conformance::run(cluster.bootstrap_servers(), &again).await;
    for (index, outcome) in indices.into_iter().zip(asked.expect("the cluster has coordinators")) {
        outcomes[index] = outcome;
    }
}
