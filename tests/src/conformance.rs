//! The scenarios of crates/conformance as tests.

use conformance::{Column, DIFFERENCES, Matrix, Recorded, Scenario, suite};

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
    let outcomes = asked.expect("the cluster has coordinators");
    let column = Column { engine: "this cluster".to_owned(), is_embedded, outcomes };
    let matrix = Matrix::new(suite, Recorded::committed(), vec![column]);
    let totals = matrix.totals()[0];
    assert_eq!(totals.differing, 0, "\n{}", matrix.unexplained());
    assert_eq!(totals.explained, by_design, "{totals:?}");
}
