//! Holds a cluster on an engine until it is ended, one way or another.
//!
//! Arguments: the engine, the number of nodes, and how it ends once it has a line on its standard
//! input: `drop` or `panic`. What kills it needs no line. The line that it prints is the bootstrap
//! servers.

use std::io::Write;

use engines::{Engine, Options};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [engine, nodes, end] = arguments.as_slice() else {
        panic!("expected an engine, a number of nodes and an end, not {arguments:?}");
    };
    let engine: Engine = engine.parse().expect("the engine is known");
    let options = Options { nodes: nodes.parse().expect("a number"), ..Options::default() };
    let cluster = engine.start(&options).await.expect("the cluster starts");
    println!("{}", cluster.bootstrap_servers());
    std::io::stdout().flush().expect("stdout can be written");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("stdin can be read");
    assert_ne!(end, "panic", "as was asked for");
    drop(cluster);
}
