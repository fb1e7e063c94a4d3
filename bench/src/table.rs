//! The figures: a line each, printed as soon as it is known, and side by side at the end.

use std::fmt::Write;

/// Which of two figures is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// Throughput: the higher one.
    More,
    /// Time and memory: the lower one.
    Less,
}

/// One line of the table. Lines of two clusters with the same words and unit are compared.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    what: String,
    unit: &'static str,
    better: Better,
    /// `None` where it is not known.
    figure: Option<f64>,
}

/// What was measured of one cluster.
#[derive(Debug)]
pub(crate) struct Table {
    /// What the cluster runs on: the head of its column.
    cluster: String,
    lines: Vec<Line>,
}

impl Table {
    pub(crate) fn new(cluster: &str) -> Self {
        Self { cluster: cluster.to_owned(), lines: Vec::new() }
    }

    /// A figure, which is shown on stderr at once: the whole table takes minutes.
    pub(crate) fn line(
        &mut self,
        what: &str,
        figure: Option<f64>,
        unit: &'static str,
        better: Better,
    ) {
        eprintln!("{:<12} {what:<44} {:>9}  {unit}", self.cluster, text(figure));
        self.lines.push(Line { what: what.to_owned(), unit, better, figure });
    }
}

/// The tables side by side, in Markdown. The last columns say how many times better the first one
/// is than each of the others.
pub(crate) fn side_by_side(tables: &[Table]) -> String {
    let Some((first, others)) = tables.split_first() else { return String::new() };
    let mut head = vec!["".to_owned(), "unit".to_owned()];
    head.extend(tables.iter().map(|table| table.cluster.clone()));
    head.extend(others.iter().map(|table| format!("times {}", table.cluster)));
    let mut rows = vec![head];
    for line in &first.lines {
        let mut row = vec![line.what.clone(), line.unit.to_owned(), text(line.figure)];
        let same = |table: &Table| {
            let same = |it: &&Line| it.what == line.what && it.unit == line.unit;
            table.lines.iter().find(same).and_then(|it| it.figure)
        };
        row.extend(others.iter().map(|table| text(same(table))));
        row.extend(others.iter().map(|table| match ratio(line, same(table)) {
            Some(ratio) => format!("{ratio:.2}"),
            None => "-".to_owned(),
        }));
        rows.push(row);
    }
    markdown(&rows)
}

/// How many times better a line is than what another cluster had there.
fn ratio(line: &Line, other: Option<f64>) -> Option<f64> {
    let (ours, other) = (line.figure?, other?);
    let ratio = match line.better {
        Better::More => ours / other,
        Better::Less => other / ours,
    };
    ratio.is_finite().then_some(ratio)
}

fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 | 1 => write!(text, "| {cell:<width$} "),
                _ => write!(text, "| {cell:>width$} "),
            };
        }
        text.push_str("|\n");
        if index == 0 {
            for (column, width) in widths.iter().enumerate() {
                let end = if column < 2 { "-" } else { ":" };
                let _ = write!(text, "|{}{end}", "-".repeat(width + 1));
            }
            text.push_str("|\n");
        }
    }
    text
}

fn text(figure: Option<f64>) -> String {
    match figure {
        None => "-".to_owned(),
        Some(figure) if figure.abs() < 10.0 => format!("{figure:.2}"),
        Some(figure) if figure.abs() < 100.0 => format!("{figure:.1}"),
        Some(figure) => format!("{figure:.0}"),
    }
}

/// The middle one of some runs, the better of two middles; `None` without any.
pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// A count as a figure. Above 2^53 the last digits are lost, which no reader misses.
pub(crate) fn figure(count: u64) -> f64 {
    count as f64
}

/// Bytes in MB, which are 10^6 of them.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    figure(bytes) / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_or_all_before_the_point() {
        assert_eq!(text(Some(1.234)), "1.23");
        assert_eq!(text(Some(12.34)), "12.3");
        assert_eq!(text(Some(1234.5)), "1234");
        assert_eq!(text(None), "-");
    }

    #[test]
    fn one_slow_run_does_not_move_the_median() {
        assert_eq!(median(vec![9.0, 1.0, 8.0]), Some(8.0));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn two_clusters_are_compared_line_by_line() {
        let mut ours = Table::new("embedded");
        ours.line("produce", Some(600.0), "MB/s", Better::More);
        ours.line("start", Some(2.0), "ms", Better::Less);
        ours.line("only here", None, "MB", Better::Less);
        let mut theirs = Table::new("apache");
        theirs.line("start", Some(3000.0), "ms", Better::Less);
        theirs.line("produce", Some(200.0), "MB/s", Better::More);
        assert_eq!(
            side_by_side(&[ours, theirs]),
            "\
|           | unit | embedded | apache | times apache |
|-----------|------|---------:|-------:|-------------:|
| produce   | MB/s |      600 |    200 |         3.00 |
| start     | ms   |     2.00 |   3000 |      1500.00 |
| only here | MB   |        - |      - |            - |
"
        );
    }
}
