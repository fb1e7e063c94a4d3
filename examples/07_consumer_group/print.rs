//! Prints the callbacks of each strategy, and the table.

use crate::board::{Board, Step, Stop};

/// What was seen in one group.
pub(crate) struct Scene {
    group: &'static str,
    strategy: &'static str,
    steps: Vec<Step>,
    read: usize,
    read_again: usize,
}

impl Scene {
    pub(crate) fn new(
        group: &'static str,
        strategy: &'static str,
        steps: Vec<Step>,
        board: &Board,
    ) -> Scene {
        let (read, read_again) = board.records();
        Scene { group, strategy, steps, read, read_again }
    }
}

/// The callbacks of a group's members, event by event.
pub(crate) fn callbacks(scene: &Scene) {
    println!("\n{}", scene.strategy);
    for step in &scene.steps {
        println!("{step}");
    }
}

/// For how long each event left partitions without a reader.
pub(crate) fn table(scenes: &[Scene]) {
    println!("                               concerned              all others");
    println!("group        event             partitions     stopped  partitions     stopped");
    for scene in scenes {
        for step in &scene.steps {
            let (concerned, others) = (row(step.concerned), row(step.bystanders));
            println!("{:<11}  {:<15}  {concerned}  {others}", scene.strategy, step.event);
        }
    }
    println!();
    for Scene { group, read, read_again, .. } in scenes {
        println!("group {group:<11}  {read} departures, {read_again} read again");
    }
}

fn row(stop: Stop) -> String {
    if stop.partitions == 0 {
        return format!("{:>10}  {:>10}", 0, "");
    }
    format!("{:>10}  {:>7} ms", stop.partitions, stop.longest.as_millis())
}
