//! The sheet as text.

use std::fmt;

use crate::sheet::{Numbers, Sheet};

const HEADING: [&str; 8] = [
    "TOPIC",
    "SENT",
    "ACKNOWLEDGED",
    "ON THE CLUSTER",
    "READ",
    "LOST",
    "DUPLICATED",
    "OUT OF ORDER",
];

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![HEADING.map(str::to_owned)];
        rows.extend(self.topics.iter().map(|it| row(&it.topic, &it.numbers)));
        if self.topics.len() != 1 {
            rows.push(row("sum", &self.total));
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..HEADING.len()).filter_map(width).collect();
        for row in &rows {
            write!(f, "{:<1$}", row[0], widths[0])?;
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)?;
        }
        let lines: Vec<String> =
            self.topics.iter().flat_map(|it| it.explanations.clone()).collect();
        let groups = self.groups.iter().map(|it| {
            let (group, topic) = (&it.group, &it.topic);
            format!("Group {group} has committed {} of {} records of {topic}.", it.committed, it.of)
        });
        let rest: Vec<String> = groups.chain(self.notes.iter().cloned()).collect();
        for paragraph in [lines, rest].iter().filter(|it| !it.is_empty()) {
            writeln!(f)?;
            paragraph.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        }
        Ok(())
    }
}

fn row(name: &str, numbers: &Numbers) -> [String; 8] {
    let Numbers {
        sent, acknowledged, on_the_cluster, read, lost, duplicated, out_of_order, ..
    } = numbers;
    let counts = [sent, acknowledged, on_the_cluster, read, lost, duplicated, out_of_order];
    let [a, b, c, d, e, g, h] = counts.map(ToString::to_string);
    [name.to_owned(), a, b, c, d, e, g, h]
}
