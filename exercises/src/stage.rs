//! What a scene can do: prepare the cluster, run the program, and make points.

use std::time::Duration;

use anyhow::Context;
use helpers::TopicOptions;
use ledger::Ledger;

use crate::broker::Broker;
use crate::cluster::SceneCluster;
use crate::names;
use crate::program::{End, Program, Run, Running};
use crate::rival;
use crate::scratch::Scratch;
use crate::seed::{self, Seed};
use crate::trim;
use crate::verdict::Point;

/// The time that a program has to end by itself.
const RUN_LIMIT: Duration = Duration::from_secs(30);

/// One scene that is being played.
#[derive(Debug)]
pub(crate) struct Stage {
    cluster: SceneCluster,
    broker: Broker,
    program: Program,
    environment: Vec<(String, String)>,
    topics: Vec<String>,
    points: Vec<Point>,
    printed: String,
    /// What happens to records, where the cluster is the embedded one.
    ledger: Option<Ledger>,
    sheet: Option<String>,
}

impl Stage {
    pub(crate) fn new(cluster: SceneCluster, program: &Program) -> Self {
        let servers = cluster.bootstrap_servers().to_owned();
        Self {
            broker: Broker::of(&cluster),
            ledger: cluster.switchboard().map(Ledger::watch),
            sheet: None,
            cluster,
            program: program.clone(),
            environment: vec![("KAFKA_BOOTSTRAP_SERVERS".to_owned(), servers)],
            topics: Vec::new(),
            points: Vec::new(),
            printed: String::new(),
        }
    }

    /// Returns the questions that can be asked.
    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Returns the cluster, to break it.
    pub(crate) fn cluster(&self) -> &SceneCluster {
        &self.cluster
    }

    /// Returns the switchboard of the embedded cluster.
    ///
    /// # Errors
    /// On another engine. A scene that asks for it is marked `Embedded`.
    pub(crate) fn switchboard(&self) -> anyhow::Result<&embedded_kafka::Cluster> {
        self.cluster.switchboard().context("this scene needs the embedded cluster")
    }

    /// Delays each request, where the cluster is the embedded one.
    pub(crate) fn delay_all_nodes(&self, delay: Duration) -> anyhow::Result<()> {
        let Some(switchboard) = self.cluster.switchboard() else { return Ok(()) };
        for node in switchboard.nodes() {
            switchboard.delay(node.id, delay)?;
        }
        Ok(())
    }

    /// Ends delays and errors that are still to come, so that the questions of the scene are quick.
    pub(crate) fn clear_faults(&self) {
        if let Some(switchboard) = self.cluster.switchboard() {
            switchboard.clear_faults();
        }
    }

    /// Creates a topic with three replicas, and passes its name to the program.
    pub(crate) async fn topic(
        &mut self,
        variable: &str,
        base: &str,
        partitions: i32,
    ) -> anyhow::Result<String> {
        self.topic_with(variable, base, TopicOptions::new(partitions, 3)).await
    }

    /// Creates a topic with settings of its own, and passes its name to the program.
    pub(crate) async fn topic_with(
        &mut self,
        variable: &str,
        base: &str,
        options: TopicOptions,
    ) -> anyhow::Result<String> {
        let topic = self.new_topic(variable, base);
        let servers = self.cluster.bootstrap_servers();
        helpers::create_topic_with(servers, &topic, &options).await?;
        Ok(topic)
    }

    /// Creates a topic that the program must find itself.
    pub(crate) async fn create(
        &mut self,
        topic: &str,
        options: TopicOptions,
    ) -> anyhow::Result<()> {
        self.topics.push(topic.to_owned());
        helpers::create_topic_with(self.cluster.bootstrap_servers(), topic, &options).await?;
        Ok(())
    }

    /// Deletes the records of a partition before an offset, as retention does.
    pub(crate) async fn delete_records(
        &self,
        topic: &str,
        partition: i32,
        before: i64,
    ) -> anyhow::Result<()> {
        trim::delete_records(self.cluster.bootstrap_servers(), topic, partition, before).await
    }

    /// Passes the name of a topic to the program that does not exist yet.
    pub(crate) fn new_topic(&mut self, variable: &str, base: &str) -> String {
        let topic = names::fresh(base);
        self.topics.push(topic.clone());
        self.set(variable, &topic);
        topic
    }

    /// Passes the name of a group or a transactional id to the program.
    pub(crate) fn name(&mut self, variable: &str, base: &str) -> String {
        let name = names::fresh(base);
        self.set(variable, &name);
        name
    }

    /// Sets an environment variable of the program.
    pub(crate) fn set(&mut self, variable: &str, value: impl Into<String>) {
        self.environment.retain(|(name, _)| name != variable);
        self.environment.push((variable.to_owned(), value.into()));
    }

    /// Returns an environment variable of the program, such as the name of a topic.
    pub(crate) fn variable(&self, variable: &str) -> String {
        let found = self.environment.iter().find(|(name, _)| name == variable);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Sends records with acks=all, in order.
    pub(crate) async fn send(&self, topic: &str, seeds: Vec<Seed>) -> anyhow::Result<()> {
        self.send_with(topic, seeds, &[]).await
    }

    /// Sends records with settings of librdkafka on top, such as another partitioner.
    pub(crate) async fn send_with(
        &self,
        topic: &str,
        seeds: Vec<Seed>,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let (servers, topic) = (self.cluster.bootstrap_servers().to_owned(), topic.to_owned());
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let settings: Vec<(String, String)> = settings.iter().map(owned).collect();
        let send = move || seed::send(&servers, &topic, &seeds, &settings);
        tokio::task::spawn_blocking(send).await?
    }

    /// Starts the program. The requests that the scene has made so far are not counted as its own.
    pub(crate) fn start(&self) -> anyhow::Result<Running> {
        self.broker.forget_requests();
        self.program.start(&self.environment)
    }

    /// Runs the program to its end, within 30 s.
    pub(crate) async fn run(&mut self) -> anyhow::Result<Run> {
        self.run_within(RUN_LIMIT).await
    }

    /// Runs the program to its end.
    pub(crate) async fn run_within(&mut self, limit: Duration) -> anyhow::Result<Run> {
        let run = self.start()?.ended_within(limit).await?;
        self.keep_output(&run);
        self.draw_up_the_ledger().await?;
        Ok(run)
    }

    /// Runs the program, with a point for its end: by itself, with exit code 0.
    pub(crate) async fn run_to_the_end(&mut self) -> anyhow::Result<Run> {
        let run = self.run().await?;
        self.ended_well(&run);
        Ok(run)
    }

    /// Waits until a condition holds while the program runs. Returns false, with a point that does
    /// not hold, if the program ends before, or after 20 s.
    pub(crate) async fn reaches(
        &mut self,
        running: &mut Running,
        what: &str,
        condition: impl AsyncFn(&Broker) -> anyhow::Result<bool>,
    ) -> anyhow::Result<bool> {
        let begin = std::time::Instant::now();
        let limit = Duration::from_secs(20);
        let mut has_ended = false;
        while begin.elapsed() < limit {
            if condition(&self.broker).await? {
                return Ok(true);
            }
            if has_ended {
                break;
            }
            has_ended = !running.is_running();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let found = if has_ended { "the program ended before" } else { "not within 20 s" };
        self.point(format!("while the program runs, {what}")).holds(false, found, what);
        Ok(false)
    }

    /// Makes a point of the program's end.
    pub(crate) fn ended_well(&mut self, run: &Run) {
        let found = run.end.to_string();
        let (point, expected) = match run.left_behind {
            0 => (run.end == End::Exited(0), "exit code 0"),
            _ => (false, "exit code 0, and no process left behind"),
        };
        let found = match run.left_behind {
            // A program that fails at once fails every point: its error says more than they do.
            0 if matches!(run.end, End::Exited(1..)) && run.printed_something() => {
                format!("{found}: what it printed is below")
            }
            0 => found,
            count => format!("{found}, and {count} of its processes were still running"),
        };
        self.point("the program ends by itself, with exit code 0")
            .why("A scheduler reads the exit code: anything but 0 is a failure, and is run again.")
            .holds(point, found, expected);
    }

    /// Keeps the last lines that a program printed, for the verdict.
    pub(crate) fn keep_output(&mut self, run: &Run) {
        self.printed = format!("{}{}", run.stdout, run.stderr);
    }

    /// Compares what was sent with what is on the cluster, when a program has ended and before the
    /// scene reads records itself.
    pub(crate) async fn draw_up_the_ledger(&mut self) -> anyhow::Result<()> {
        if let (Some(ledger), Some(cluster)) = (&self.ledger, self.cluster.switchboard()) {
            let sheet = ledger.sheet(cluster).await?;
            // A program that has sent and read nothing needs no table of zeros.
            self.sheet = (!sheet.topics.is_empty()).then(|| sheet.to_string());
        }
        Ok(())
    }

    /// Starts a second instance of a transactional producer, which fences the program and commits
    /// one record. Returns false if the program has fenced it in turn.
    pub(crate) async fn take_over(
        &self,
        transactional_id: &str,
        topic: &str,
        text: &str,
    ) -> anyhow::Result<bool> {
        let servers = self.cluster.bootstrap_servers().to_owned();
        let (id, topic, text) = (transactional_id.to_owned(), topic.to_owned(), text.to_owned());
        tokio::task::spawn_blocking(move || rival::take_over(&servers, &id, &topic, &text)).await?
    }

    /// Creates an empty directory, and passes its path to the program. It is deleted when the scene
    /// drops it.
    pub(crate) fn directory(&mut self, variable: &str) -> anyhow::Result<Scratch> {
        let scratch = Scratch::new()?;
        self.set(variable, scratch.directory().to_string_lossy());
        Ok(scratch)
    }

    /// Begins a point: a fact that is asked for.
    pub(crate) fn point(&mut self, asked: impl Into<String>) -> PointBuilder<'_> {
        let point = Point {
            asked: asked.into(),
            holds: false,
            found: String::new(),
            expected: String::new(),
            why: String::new(),
            read: String::new(),
        };
        PointBuilder { points: &mut self.points, point }
    }

    /// Ends the scene: what was made of it, and the topics to delete where the cluster is shared.
    pub(crate) fn finish(self) -> Finished {
        let Self { points, printed, sheet, topics, .. } = self;
        Finished { points, printed, ledger: sheet, topics }
    }
}

/// What is left of a scene.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) points: Vec<Point>,
    pub(crate) printed: String,
    pub(crate) ledger: Option<String>,
    pub(crate) topics: Vec<String>,
}

/// A point that is being made. `holds` or `equals` ends it.
#[derive(Debug)]
#[must_use]
pub(crate) struct PointBuilder<'a> {
    points: &'a mut Vec<Point>,
    point: Point,
}

impl PointBuilder<'_> {
    /// Says why it matters in production.
    pub(crate) fn why(mut self, why: &str) -> Self {
        why.clone_into(&mut self.point.why);
        self
    }

    /// Names the section that explains it, such as `03-producer.md#the-code`.
    pub(crate) fn read(mut self, section: &str) -> Self {
        self.point.read = format!("docs/{section}");
        self
    }

    /// Makes the point: whether it holds, what was found, what is expected.
    pub(crate) fn holds(
        mut self,
        holds: bool,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.point.holds = holds;
        self.point.found = found.into();
        self.point.expected = expected.into();
        self.points.push(self.point);
    }

    /// Makes the point of a number or a text that must be so. The unit follows both.
    pub(crate) fn equals<T: PartialEq + std::fmt::Display>(
        self,
        found: T,
        expected: T,
        unit: &str,
    ) {
        let holds = found == expected;
        let shown = |it: &T| format!("{it} {unit}").trim_end().to_owned();
        self.holds(holds, shown(&found), shown(&expected));
    }
}

/// Formats a number as the pages do: `7,884`.
pub(crate) fn thousands(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && grouped != "-" {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let rows =
            [(0, "0"), (999, "999"), (7884, "7,884"), (1_000_000, "1,000,000"), (-120, "-120")];
        for (number, shown) in rows {
            assert_eq!(thousands(number), shown);
        }
    }
}
