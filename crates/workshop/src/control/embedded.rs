//! Carries out orders on the embedded cluster.

use std::sync::Arc;
use std::time::Duration;

use embedded_kafka::{
    Cluster, NodeError, api_name, api_named, error_name, error_named, failing_api_names,
};

use super::protocol::{Answer, Controlled, NodeChange, NodeStatus, Obeying, Order};

/// The switchboard of an embedded cluster.
pub(crate) struct EmbeddedControl(pub(crate) Arc<Cluster>);

impl Controlled for EmbeddedControl {
    fn obey(&self, order: Order) -> Obeying<'_> {
        Box::pin(async move {
            let done = match order {
                Order::Nodes => return Answer::Nodes(self.nodes().await),
                Order::Node { id, change } => self.change(id, change).await,
                Order::Fail { api, error, times } => self.fail(&api, &error, times),
                Order::DropResponse { api, times } => self.drop_responses(&api, times),
                Order::Delay { milliseconds, node } => self.delay(milliseconds, node),
                Order::ClearFaults => {
                    self.0.clear_faults();
                    Ok("delays, errors and lost answers are over".to_owned())
                }
            };
            done.map_or_else(Answer::Refused, Answer::Done)
        })
    }
}

impl EmbeddedControl {
    async fn nodes(&self) -> Vec<NodeStatus> {
        let standing = |node: embedded_kafka::NodeStanding| NodeStatus {
            id: node.id,
            address: node.address,
            state: match node.is_replication_paused {
                true => format!("{}, replication paused", node.state),
                false => node.state.to_owned(),
            },
        };
        self.0.node_standings().await.into_iter().map(standing).collect()
    }

    async fn change(&self, id: i32, change: NodeChange) -> Result<String, String> {
        let cluster = &self.0;
        let changed = match change {
            NodeChange::Stop => cluster.stop_node(id).await,
            NodeChange::Kill => cluster.kill_node(id).await,
            NodeChange::Start => cluster.start_node(id).await,
            NodeChange::Pause => cluster.pause_node(id).await,
            NodeChange::Resume => cluster.resume_node(id).await,
            NodeChange::PauseReplication => {
                self.check_replication(id, false).await?;
                cluster.pause_replication(id).await
            }
            NodeChange::ResumeReplication => {
                self.check_replication(id, true).await?;
                cluster.resume_replication(id).await
            }
        };
        match changed {
            Ok(()) => Ok(format!("node {id} {}", change.done())),
            Err(error) => Err(self.said(error, change)),
        }
    }

    /// The cluster itself accepts a repeated change; but a person has probably confused the nodes
    /// then.
    async fn check_replication(&self, id: i32, is_paused: bool) -> Result<(), String> {
        let nodes = self.0.node_standings().await;
        match nodes.iter().find(|node| node.id == id) {
            Some(node) if node.is_replication_paused && !is_paused => Err(format!(
                "node {id} fetches nothing already. `cargo workshop node {id} \
                 resume-replication` lets it fetch again"
            )),
            Some(node) if !node.is_replication_paused && is_paused => Err(format!(
                "the replication of node {id} is not paused. `cargo workshop status` shows how \
                 the nodes are"
            )),
            _ => Ok(()),
        }
    }

    fn said(&self, error: NodeError, change: NodeChange) -> String {
        match error {
            NodeError::NoSuchNode { node } => self.no_such_node(node),
            NodeError::WrongState { node, state } => wrong_state(node, state, change),
            other => other.to_string(),
        }
    }

    fn no_such_node(&self, node: i32) -> String {
        let nodes: Vec<String> = self.0.nodes().iter().map(|it| it.id.to_string()).collect();
        format!("there is no node {node}: the cluster has the nodes {}", nodes.join(", "))
    }

    fn fail(&self, api: &str, error: &str, times: u16) -> Result<String, String> {
        let no_such_api = || {
            let names = failing_api_names().join(", ");
            format!("{api} cannot be answered with an error on purpose. These can: {names}")
        };
        let found = api_named(api).ok_or_else(no_such_api)?;
        let code = error_named(error).ok_or_else(|| {
            format!(
                "Kafka has no error {error}. Take one from \
                 https://kafka.apache.org/protocol#protocol_error_codes, such as \
                 NOT_ENOUGH_REPLICAS"
            )
        })?;
        self.0.fail_next(found, code, times.into()).map_err(|_| no_such_api())?;
        let requests = requests(found, times);
        Ok(format!("{requests} will be answered with {}", error_name(code)))
    }

    fn drop_responses(&self, api: &str, times: u16) -> Result<String, String> {
        let found = api_named(api).ok_or_else(|| {
            format!(
                "there is no API {api} here. docs/embedded-cluster.md lists them; {} are some",
                failing_api_names().join(", ")
            )
        })?;
        for _ in 0..times {
            self.0.drop_response(found);
        }
        Ok(format!("{} will take effect, and the answer be lost", requests(found, times)))
    }

    fn delay(&self, milliseconds: u32, node: Option<i32>) -> Result<String, String> {
        let delay = Duration::from_millis(milliseconds.into());
        let nodes: Vec<i32> = match node {
            Some(node) => vec![node],
            None => self.0.nodes().iter().map(|node| node.id).collect(),
        };
        for node in nodes {
            self.0.delay(node, delay).map_err(|_| self.no_such_node(node))?;
        }
        let who = node.map_or("every node".to_owned(), |node| format!("node {node}"));
        Ok(match milliseconds {
            0 => format!("{who} handles requests at once"),
            _ => format!("{who} lets each request wait for {milliseconds} ms"),
        })
    }
}

fn requests(api: embedded_kafka::ApiKey, times: u16) -> String {
    match times {
        1 => format!("the next {} request", api_name(api)),
        _ => format!("each of the next {times} {} requests", api_name(api)),
    }
}

/// Suggests what to do with a node that is not in the state that the change needs.
fn wrong_state(node: i32, state: &str, change: NodeChange) -> String {
    let next = match (state, change) {
        ("running", NodeChange::Start) => "`stop` and `kill` end it".to_owned(),
        ("running", _) => format!("`cargo workshop node {node} pause` pauses it"),
        ("paused", NodeChange::Pause | NodeChange::Start | NodeChange::Stop) => {
            format!("`cargo workshop node {node} resume` lets it go on, `kill` ends it")
        }
        _ => format!("`cargo workshop node {node} start` starts it"),
    };
    format!("node {node} is {state}, so `{change}` changes nothing. {next}")
}
