//! The examples on a cluster that is named by its address: Apache Kafka as well as an embedded one.

use workshop_tests::TestCluster;
use workshop_tests::examples::{Workplace, names};

/// Where none is named each runs on three embedded nodes; so that one is of one node, for a change.
#[tokio::test]
async fn the_examples_run_unchanged_on_a_cluster_that_is_named() {
    let cluster = TestCluster::start_with_nodes(1).await;
    let workplace = Workplace::fresh().with("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers());
    let is_one = cluster.addresses().len() == 1;
    let created = workplace.run("01_create_topic");
    assert_eq!(created.stdout.contains("the cluster has 1 broker,"), is_one, "{created:?}");
    let banner = if is_one { "workshop: cluster of 1 node on " } else { "workshop: cluster of " };
    for printed in workplace.run_all(&names()) {
        assert!(printed.stderr.starts_with(banner), "{printed:?}");
    }
}
