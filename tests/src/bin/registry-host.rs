//! A schema registry in a process of its own, so that a test can kill it.
//!
//! Usage: `registry-host BOOTSTRAP_SERVERS TOPIC PORT`. Prints its address once it answers, then
//! waits for the end of its standard input, which also comes when the test dies.

use embedded_registry::Registry;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |what| arguments.next().expect(what);
    let servers = argument("the first argument is the bootstrap servers");
    let topic = argument("the second argument is the topic");
    let port = argument("the third argument is the port");
    let port = port.parse().expect("the port is a number");
    let builder = Registry::builder(&servers).topic(&topic).port(port);
    let registry = builder.start().await.expect("the registry starts");
    println!("{}", registry.address());
    let mut line = String::new();
    // Whether it ends or breaks, the test is gone.
    let _ = std::io::stdin().read_line(&mut line);
}
