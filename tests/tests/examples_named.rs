//! Every example on a cluster that is named by its address: Apache Kafka as well as the embedded one.

use workshop_tests::TestCluster;
use workshop_tests::examples::{Workplace, names};

#[tokio::test]
async fn the_examples_run_unchanged_on_a_cluster_that_is_named() {
    let cluster = TestCluster::start().await;
    let workplace = Workplace::fresh().with("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers());
    for printed in workplace.run_all(&names()) {
        assert!(printed.stderr.starts_with("workshop: cluster of 3 nodes on "), "{printed:?}");
    }
}
