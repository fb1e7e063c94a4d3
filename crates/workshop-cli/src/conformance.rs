//! `cargo workshop conformance`: does a cluster answer as Apache Kafka does?

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use conformance::{Changed, Column, Matrix, NodeChange, Nodes, Recorded, Scenario, Totals, suite};
use engines::{Cluster, Engine, Options, Release};

use crate::interrupt::Interrupt;

/// Ask clusters what Apache Kafka was asked, and compare.
///
/// Each scenario is a small question: a refused setting, a fenced producer, a group that
/// loses a member. The matrix says for each engine whether it answers as Apache Kafka was
/// recorded to answer, and the exit code is 1 where one differs without an explanation.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop conformance                      embedded, and apache where Java is
  cargo workshop conformance --engine embedded
  cargo workshop conformance --only transactions  the scenarios whose name contains it
  cargo workshop conformance --kafka 4.3.0        compare with an older Apache Kafka
  cargo workshop conformance --record             write down what Apache Kafka answers now"
)]
pub(crate) struct Arguments {
    /// What to ask: embedded, apache or docker. Can be given more than once.
    ///
    /// Without it, embedded and apache, as far as this machine can run them.
    #[arg(long)]
    engine: Vec<Engine>,

    /// Ask a cluster of three nodes that runs already, instead of an engine's.
    #[arg(long, value_name = "HOST:PORT,...", conflicts_with = "engine")]
    bootstrap_servers: Option<String>,

    /// Only the scenarios whose name contains TEXT.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// The Apache Kafka to compare with, and to run as the engines apache and docker.
    #[arg(long, value_name = "VERSION", default_value_t)]
    kafka: Release,

    /// Write down what Apache Kafka answers, for all to be compared with.
    ///
    /// The engine is apache, unless --bootstrap-servers names a cluster of that version.
    #[arg(long, conflicts_with = "engine")]
    record: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut interrupted = Interrupt::listen()?;
    tokio::select! {
        done = compare(arguments) => done,
        // What runs ends with the future that held it.
        () = interrupted.wait() => Ok(ExitCode::FAILURE),
    }
}

async fn compare(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let all = suite();
    let chosen = all.iter().filter(|it| it.name().contains(&arguments.only));
    // The nodes of a named cluster are not this command's to stop.
    let may_stop_nodes = arguments.bootstrap_servers.is_none();
    let chosen = chosen.filter(|it| may_stop_nodes || !it.needs_nodes());
    let chosen: Vec<Scenario> = chosen.cloned().collect();
    anyhow::ensure!(!chosen.is_empty(), "no scenario's name contains {:?}", arguments.only);
    let columns = columns(arguments, &chosen).await?;
    let version = arguments.kafka.version();
    let recorded = Recorded::of_release(version);
    let mut recorded = recorded.with_context(|| format!("nothing is recorded of {version}"))?;
    if let (true, Some(apache)) = (arguments.record, columns.first()) {
        for scenario in recorded.update(&chosen, &apache.outcomes) {
            eprintln!("{scenario}: not recorded, since it came to no answer");
        }
        recorded.keep(&all);
        let path = recorded.path();
        std::fs::write(&path, recorded.text())
            .with_context(|| format!("cannot write {}", path.display()))?;
        println!("Recorded in {}\n", path.display());
    }
    let matrix = Matrix::new(chosen, recorded, columns);
    print!("{matrix}");
    let differing: usize = matrix.totals().iter().map(|it: &Totals| it.differing).sum();
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What each engine answers, one engine after the other.
async fn columns(arguments: &Arguments, chosen: &[Scenario]) -> anyhow::Result<Vec<Column>> {
    if let Some(servers) = &arguments.bootstrap_servers {
        let outcomes = ask(servers, servers, chosen, None).await?;
        let engine = "named".to_owned();
        return Ok(vec![Column { engine, is_embedded: false, outcomes }]);
    }
    let wanted = match (arguments.record, arguments.engine.as_slice()) {
        (true, _) => vec![Engine::Apache],
        (_, []) => vec![Engine::Embedded, Engine::Apache],
        (_, named) => named.to_vec(),
    };
    // An engine that was not asked for by name may be one that this machine lacks.
    let may_lack = arguments.engine.is_empty() && !arguments.record;
    let options = Options { release: arguments.kafka, ..Options::default() };
    let mut columns = Vec::new();
    for engine in wanted {
        match engine.start(&options).await {
            Ok(cluster) => {
                let name = engine.to_string();
                let cluster = Arc::new(EngineNodes(cluster));
                let nodes: Arc<dyn Nodes> = Arc::clone(&cluster) as _;
                let servers = cluster.0.bootstrap_servers();
                let outcomes = ask(&name, servers, chosen, Some(nodes)).await?;
                let is_embedded = engine == Engine::Embedded;
                columns.push(Column { engine: name, is_embedded, outcomes });
                // A scenario that did not end in time may hold it, and then drops it.
                if let Some(EngineNodes(cluster)) = Arc::into_inner(cluster) {
                    cluster.stop().await?;
                }
            }
            Err(error) if may_lack && error.is_unavailable() => {
                eprintln!("{engine}: skipped. {error}");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(columns)
}

/// Asks one cluster, and says on stderr how long that took.
async fn ask(
    name: &str,
    servers: &str,
    chosen: &[Scenario],
    nodes: Option<Arc<dyn Nodes>>,
) -> anyhow::Result<Vec<String>> {
    let start = Instant::now();
    let outcomes = conformance::run(servers, chosen, nodes).await?;
    let seconds = start.elapsed().as_secs_f64();
    eprintln!("{name}: {} scenarios in {seconds:.1} s", chosen.len());
    Ok(outcomes)
}

/// The nodes of an engine's cluster, for the scenarios that stop some of them.
#[derive(Debug)]
struct EngineNodes(Box<dyn Cluster>);

impl Nodes for EngineNodes {
    fn change(&self, node: i32, change: NodeChange) -> Changed<'_> {
        let changed = match change {
            NodeChange::Stop => self.0.stop_node(node),
            NodeChange::Kill => self.0.kill_node(node),
            NodeChange::Start => self.0.start_node(node),
        };
        Box::pin(async { changed.await.map_err(|error| error.to_string()) })
    }
}
