//! `cargo workshop status`: what is on the cluster that an example would use now.
//!
//! It only looks: no topic is created, no group is joined, no cluster is started.

mod assignment;
mod kinds;
mod survey;

use workshop::{Answer, Choice, DataDirectory, Found, NodeStatus, Order};

use crate::table;
use survey::{Group, Progress, Survey, Topic};

/// Show the cluster that an example would use: nodes, topics, groups and their lag.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo workshop status
  cargo workshop status --internal
  KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 cargo workshop status")]
pub(crate) struct Arguments {
    /// List Kafka's own topics too, such as __consumer_offsets.
    #[arg(long)]
    internal: bool,
}

pub(crate) async fn run(arguments: &Arguments, data: DataDirectory) -> anyhow::Result<()> {
    let choice = Choice { data, ..Choice::from_environment()? };
    let standings = standings(&choice).await;
    if !standings.is_empty() && standings.iter().all(|node| node.state == "stopped") {
        print_all_stopped(&standings);
        return Ok(());
    }
    let Some(found) = choice.find().await? else {
        print_nothing_runs(&choice.data);
        return Ok(());
    };
    let servers = servers(&found, &standings);
    let is_absent = |node: &&NodeStatus| !node.state.starts_with("running");
    let absent: Vec<i32> = standings.iter().filter(is_absent).map(|node| node.id).collect();
    // rdkafka's requests block their thread.
    let survey = tokio::task::spawn_blocking(move || Survey::take(&servers, &absent)).await??;
    print_cluster(&found, &choice.data, &survey, &standings);
    print_topics(&survey.topics, arguments.internal);
    match &survey.groups {
        Ok(groups) => print_groups(groups),
        Err(error) => println!(
            "\nThe groups are unknown for now, because not every node answers ({error:#}). Try \
             again in a moment."
        ),
    }
    Ok(())
}

/// Whom to ask: a node that is paused would be waited for.
fn servers(found: &Found, standings: &[NodeStatus]) -> String {
    let running = standings.iter().filter(|node| node.state.starts_with("running"));
    let addresses: Vec<String> = running.map(|node| node.address.to_string()).collect();
    if addresses.is_empty() { found.bootstrap_servers.clone() } else { addresses.join(",") }
}

/// Asks the host for the states of its nodes. Returns nothing if the cluster is not the workshop's,
/// or if the host does not respond: then the metadata has to do.
async fn standings(choice: &Choice) -> Vec<NodeStatus> {
    if choice.bootstrap_servers.is_some() {
        return Vec::new();
    }
    match choice.data.order(&Order::Nodes).await {
        Ok(Answer::Nodes(nodes)) => nodes,
        _ => Vec::new(),
    }
}

fn print_all_stopped(standings: &[NodeStatus]) {
    println!("A cluster runs here, and all its nodes are down.\n");
    let mut rows = vec![row(["NODE", "ADDRESS", "STATE"])];
    rows.extend(
        standings
            .iter()
            .map(|node| row([&node.id.to_string(), &node.address.to_string(), &node.state])),
    );
    table::print(&rows);
    println!("\n`cargo workshop node 1 start` starts one of them.");
}

fn print_nothing_runs(data: &DataDirectory) {
    println!("No cluster runs here.");
    match data.size_bytes() {
        Some(size) => println!("{} keeps {} for the next one.", data.shown(), table::bytes(size)),
        None => println!("{} keeps no data yet.", data.shown()),
    }
    println!(
        "
Each example starts a cluster for itself:  cargo run --example 03_producer
One that stays:                            cargo workshop up
Any other:                                 export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092"
    );
}

fn print_cluster(found: &Found, data: &DataDirectory, survey: &Survey, standings: &[NodeStatus]) {
    let origin = match found.process_id {
        Some(process_id) => format!("process {process_id}, data in {}", data.shown()),
        None => "KAFKA_BOOTSTRAP_SERVERS".to_owned(),
    };
    println!("Cluster {} ({origin})\n", survey.cluster_id);
    let mut rows = vec![row(["NODE", "ADDRESS", "STATE"])];
    if standings.is_empty() {
        let of_survey = survey.nodes.iter().map(|node| {
            let address = node.address.as_deref().unwrap_or("-");
            let state = if node.address.is_some() { "running" } else { "down" };
            row([&node.id.to_string(), address, state])
        });
        rows.extend(of_survey);
    } else {
        let of_host = standings
            .iter()
            .map(|node| row([&node.id.to_string(), &node.address.to_string(), &node.state]));
        rows.extend(of_host);
    }
    table::print(&rows);
}

fn print_topics(topics: &[Topic], internal: bool) {
    println!();
    let is_listed = |topic: &&Topic| internal || !topic.is_internal();
    let hidden = topics.len() - topics.iter().filter(is_listed).count();
    let mut rows = vec![row(["TOPIC", "PARTITIONS", "REPLICATION", "RECORDS"])];
    rows.extend(topics.iter().filter(is_listed).map(|topic| {
        row([
            &topic.name,
            &topic.partitions.len().to_string(),
            &topic.replication.to_string(),
            &topic.records().map_or("?".to_owned(), |records| records.to_string()),
        ])
    }));
    if rows.len() == 1 {
        println!("No topics yet.");
    } else {
        table::print(&rows);
    }
    if hidden > 0 {
        println!("({hidden} of Kafka's own not listed: --internal)");
    }
}

fn print_groups(groups: &[Group]) {
    println!();
    if groups.is_empty() {
        println!("No consumer groups yet.");
        return;
    }
    let mut rows = vec![row(["GROUP", "STATE", "MEMBERS", "TOPIC", "COMMITTED", "LAG"])];
    for group in groups {
        let state = group.state.as_deref().unwrap_or("?");
        let members = group.members.map_or("?".to_owned(), |members| members.to_string());
        if group.progress.is_empty() {
            rows.push(row([&group.name, state, &members, "-", "-", "-"]));
        }
        for progress in &group.progress {
            let committed = committed(progress);
            let lag = progress.lag.map_or("-".to_owned(), |lag| lag.to_string());
            rows.push(row([&group.name, state, &members, &progress.topic, &committed, &lag]));
        }
    }
    table::print(&rows);
    println!(
        "
LAG is the high watermark minus the committed offset, summed over the partitions that have one.
A group that has processed a partition to its end has committed the offset behind the last record, and
its lag there is 0. Two groups keep a lag for another reason: one that commits the offset of the last
record instead of the next one, which reads that record again at each start; and one that reads a
topic written in transactions, whose control records take the offsets at the end."
    );
    if groups.iter().any(|group| group.state.is_none()) {
        println!(
            "
? is a group that is no classic one: what it is doing is asked without TLS and SASL here.
kafka-groups.sh and kafka-consumer-groups.sh say it."
        );
    }
}

fn committed(progress: &Progress) -> String {
    match progress.committed {
        0 => "-".to_owned(),
        all if all == progress.partitions => "all partitions".to_owned(),
        some => format!("{some} of {} partitions", progress.partitions),
    }
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}
