//! `cargo workshop status`: what is on the cluster that an example would use now.
//!
//! It only looks: no topic is created, no group is joined, no cluster is started.

mod assignment;
mod survey;

use workshop::{Choice, DataDirectory, Found};

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
    let Some(found) = choice.find().await? else {
        print_nothing_runs(&choice.data);
        return Ok(());
    };
    let servers = found.bootstrap_servers.clone();
    // rdkafka's requests block their thread.
    let survey = tokio::task::spawn_blocking(move || Survey::take(&servers)).await??;
    print_cluster(&found, &choice.data, &survey);
    print_topics(&survey.topics, arguments.internal);
    print_groups(&survey.groups);
    Ok(())
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

fn print_cluster(found: &Found, data: &DataDirectory, survey: &Survey) {
    let origin = match found.process_id {
        Some(process_id) => format!("process {process_id}, data in {}", data.shown()),
        None => "KAFKA_BOOTSTRAP_SERVERS".to_owned(),
    };
    println!("Cluster {} ({origin})\n", survey.cluster_id);
    let mut rows = vec![row(["NODE", "ADDRESS"])];
    rows.extend(survey.nodes.iter().map(|node| row([&node.id.to_string(), &node.address])));
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
        let members = group.members.to_string();
        if group.progress.is_empty() {
            rows.push(row([&group.name, &group.state, &members, "-", "-", "-"]));
        }
        for progress in &group.progress {
            let committed = committed(progress);
            let lag = progress.lag.map_or("-".to_owned(), |lag| lag.to_string());
            rows.push(row([
                &group.name,
                &group.state,
                &members,
                &progress.topic,
                &committed,
                &lag,
            ]));
        }
    }
    table::print(&rows);
    println!(
        "
LAG is the high watermark minus the committed offset, summed over the partitions that have one.
Control records of transactions take offsets too, so a topic read to its end can show a small lag."
    );
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
