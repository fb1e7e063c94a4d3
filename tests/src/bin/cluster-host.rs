//! Hosts an embedded cluster in a process of its own, so that a test can kill it.
//!
//! Usage: `cluster-host DATA_DIR PORT...`, one port for each node. Prints the bootstrap servers
//! once every node listens, then waits for its standard input: a line ends it in order, and the
//! end of input, which also comes when the test dies, ends it at once.

use std::process::ExitCode;
use std::time::Duration;

use embedded_kafka::Cluster;

/// How often old segments and compacted logs are looked for: a test need not wait, and its kill
/// meets them at work.
const MAINTENANCE: Duration = Duration::from_millis(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("the first argument is the data directory");
    let ports: Vec<u16> =
        arguments.map(|port| port.parse().expect("the other arguments are ports")).collect();
    let replicas = ports.len().min(3) as i16;
    let builder = Cluster::builder()
        .nodes(ports.len())
        .ports(ports)
        .default_replication_factor(replicas)
        .retention_check_interval(MAINTENANCE)
        .log_cleaner_backoff(MAINTENANCE)
        .data_dir(directory);
    let cluster = match builder.start().await {
        Ok(cluster) => cluster,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", cluster.bootstrap_servers());
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(1..) => {
            cluster.shutdown().await;
            ExitCode::SUCCESS
        }
        // Without the cluster's destructor, as if it had been killed.
        _ => std::process::exit(2),
    }
}
