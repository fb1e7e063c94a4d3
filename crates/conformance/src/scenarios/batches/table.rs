//! Sends a table of batches to a topic with one group of settings.

use bytes::Bytes;

use super::asking::Asked;
use crate::scenario::Outcome;
use crate::scene::Scene;

/// The settings of a topic.
pub(super) type Settings = &'static [(&'static str, &'static str)];

/// Returns the responses of a new topic to these batches, each for its own partition.
pub(super) fn table(scene: &Scene, settings: Settings, cells: &[(&str, Bytes)]) -> Outcome {
    let settings = [settings, &[("retention.ms", "-1")]].concat();
    let topic = scene.topic_with(cells.len() as i32, 1, &settings)?;
    let mut outcomes: Vec<(String, Vec<&str>)> = Vec::new();
    for (partition, (cell, sent)) in (0..).zip(cells) {
        let leader = scene.leader(&topic, partition)?;
        let outcome = Asked { leader, topic: &topic, partition }.told(sent)?;
        match outcomes.iter_mut().find(|it| it.0 == outcome) {
            Some((_, cells)) => cells.push(cell),
            None => outcomes.push((outcome, vec![cell])),
        }
    }
    let all = cells.len();
    let shown = outcomes.iter().map(|(outcome, cells)| match cells.len() {
        same if same == all => format!("all: {outcome}"),
        _ => format!("{}: {outcome}", cells.join(", ")),
    });
    Ok(shown.collect::<Vec<_>>().join("; "))
}
