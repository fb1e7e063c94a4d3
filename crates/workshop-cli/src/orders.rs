//! Orders to the cluster that another process runs, and what an engine of Apache Kafka makes of
//! them.

use std::process::ExitCode;
use std::sync::Arc;

use engines::Engine;
use workshop::{Answer, Controlled, DataDirectory, Error, NodeChange, Obeying, Order};

/// The environment variable that leads examples to another cluster.
const SERVERS: &str = "KAFKA_BOOTSTRAP_SERVERS";

/// Gives an order to the cluster that runs on `data`, and prints the result.
pub(crate) async fn give(order: &Order, data: &DataDirectory) -> anyhow::Result<ExitCode> {
    let elsewhere = std::env::var(SERVERS).ok().filter(|servers| !servers.trim().is_empty());
    match (data.order(order).await, elsewhere) {
        (Ok(Answer::Done(done)), elsewhere) => {
            println!("{done}");
            if let Some(servers) = elsewhere {
                println!(
                    "({SERVERS} is {servers} in this shell: examples that see it go there, and \
                     this was the cluster on {})",
                    data.shown()
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        (Err(error @ Error::NothingRuns { .. }), Some(servers)) => Err(anyhow::Error::new(error)
            .context(format!(
                "the cluster on {servers} ({SERVERS}) takes no orders from here: stop its nodes \
                 where they run"
            ))),
        (Ok(other), _) => anyhow::bail!("the cluster answers something else: {other:?}"),
        (Err(error), _) => Err(error.into()),
    }
}

/// A cluster of Apache Kafka that takes orders for its nodes.
pub(crate) struct ForeignControl(pub(crate) Arc<Box<dyn engines::Cluster>>);

impl Controlled for ForeignControl {
    fn obey(&self, order: Order) -> Obeying<'_> {
        let cluster = &self.0;
        Box::pin(async move {
            let Order::Node { id, change } = order else {
                return only_embedded("faults in answers", cluster.engine());
            };
            let changed = match change {
                NodeChange::Stop => cluster.stop_node(id).await,
                NodeChange::Kill => cluster.kill_node(id).await,
                NodeChange::Start => cluster.start_node(id).await,
                NodeChange::Pause => cluster.pause_node(id).await,
                NodeChange::Resume => cluster.resume_node(id).await,
                other => return only_embedded(&other.to_string(), cluster.engine()),
            };
            match changed {
                Ok(()) => Answer::Done(format!("node {id} {}", change.done())),
                Err(error) => Answer::Refused(format!(
                    "{error}. `cargo workshop status` shows which nodes answer"
                )),
            }
        })
    }
}

fn only_embedded(what: &str, engine: Engine) -> Answer {
    Answer::Refused(format!(
        "{what}: the embedded cluster only, and this is one of --engine {engine}. It takes \
         `cargo workshop node ID` with stop, kill, start, pause and resume"
    ))
}

#[cfg(test)]
mod tests {
    use engines::Options;

    use super::*;

    fn refusal(answer: Answer) -> String {
        match answer {
            Answer::Refused(reason) => reason,
            other => panic!("it was obeyed: {other:?}"),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_engine_takes_orders_for_its_nodes_and_refuses_the_others() {
        let cluster = Arc::new(Engine::Embedded.start(&Options::default()).await.unwrap());
        let control = ForeignControl(Arc::clone(&cluster));
        let order = |id, change| control.obey(Order::Node { id, change });
        let changes = [NodeChange::Kill, NodeChange::Start, NodeChange::Pause, NodeChange::Resume];
        for change in changes {
            let done = Answer::Done(format!("node 2 {}", change.done()));
            assert_eq!(order(2, change).await, done);
        }
        let said = refusal(order(2, NodeChange::Start).await);
        assert!(said.contains("node 2 is running") && said.contains("status"), "{said}");
        assert!(refusal(order(9, NodeChange::Stop).await).contains("no node 9"));
        let said = refusal(order(2, NodeChange::PauseReplication).await);
        assert!(said.starts_with("pause-replication") && said.contains("stop, kill"), "{said}");
        assert!(refusal(control.obey(Order::ClearFaults).await).starts_with("faults in answers"));
        drop(control);
        Arc::into_inner(cluster).unwrap().stop().await.unwrap();
    }
}
