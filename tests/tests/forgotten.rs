//! The scenarios that take away what everyone else on the cluster needs: an administrator deletes
//! the topics of the coordinators.
//!
//! A program of its own, because on Apache Kafka all tests of a program share one cluster.

use conformance::Scenario;
use workshop_tests::{TestCluster, assert_as_recorded};

#[tokio::test(flavor = "multi_thread")]
async fn coordinators_forget_what_the_recorded_ones_forget() {
    assert_as_recorded(|it: &Scenario| it.plays_alone() && !it.needs_nodes()).await;
    // The next consumer finds coordinators again.
    let cluster = TestCluster::start().await;
    cluster.connect_to_coordinator(&cluster.group_name());
}
