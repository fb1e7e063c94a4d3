//! The matrix: scenarios by engines, each with its verdict.

use std::fmt;

use crate::recorded::Recorded;
use crate::scenario::Scenario;
use crate::verdict::Verdict;

/// The outcomes of one engine.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub engine: String,
    /// Whether it is the embedded cluster, which may differ by design.
    pub is_embedded: bool,
    /// Its outcomes, in the order of the scenarios.
    pub outcomes: Vec<String>,
}

/// The number of outcomes of one engine with each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// The same as Apache Kafka's recorded response.
    pub same: usize,
    /// Different, but the same as in a newer release.
    pub newer: usize,
    /// Different by design.
    pub explained: usize,
    /// Different without an explanation, or explained but the same.
    pub differing: usize,
}

/// All scenarios on all engines that were compared.
#[derive(Debug, Clone)]
pub struct Matrix {
    scenarios: Vec<Scenario>,
    recorded: Recorded,
    newest: Recorded,
    columns: Vec<Column>,
}

impl Matrix {
    /// Creates the matrix of these scenarios, compared with the recorded responses of a release.
    pub fn new(scenarios: Vec<Scenario>, recorded: Recorded, columns: Vec<Column>) -> Self {
        let newest = recorded.newest();
        Self { scenarios, recorded, newest, columns }
    }

    /// Returns the totals of each engine, in the order of the columns.
    pub fn totals(&self) -> Vec<Totals> {
        let count = |column: &Column| {
            let mut totals = Totals::default();
            for (index, scenario) in self.scenarios.iter().enumerate() {
                match self.verdict(column, index, scenario) {
                    Verdict::Same => totals.same += 1,
                    Verdict::Newer => totals.newer += 1,
                    Verdict::Explained(_) => totals.explained += 1,
                    Verdict::Differs | Verdict::NotRecorded | Verdict::NoLongerDiffers => {
                        totals.differing += 1;
                    }
                }
            }
            totals
        };
        self.columns.iter().map(count).collect()
    }

    /// Returns the rows in which an engine differs without an explanation, or agrees although it is
    /// listed as different, each with the outcomes.
    pub fn unexplained(&self) -> String {
        let is_fine = |verdict: Verdict| {
            matches!(verdict, Verdict::Same | Verdict::Newer | Verdict::Explained(_))
        };
        let mut rows = String::new();
        for (index, scenario) in self.scenarios.iter().enumerate() {
            let mut columns = self.columns.iter();
            if !columns.all(|column| is_fine(self.verdict(column, index, scenario))) {
                rows.push_str(&format!("{}\n{}", scenario.name(), Row(self, index)));
            }
        }
        rows
    }

    fn verdict(&self, column: &Column, index: usize, scenario: &Scenario) -> Verdict {
        let name = scenario.name();
        let (recorded, newest) = (self.recorded.outcome(name), self.newest.outcome(name));
        Verdict::on(column.is_embedded, name, &column.outcomes[index], recorded, newest)
    }

    /// Explains a row in which an engine differs from the recorded response.
    fn explain(
        &self,
        formatter: &mut fmt::Formatter<'_>,
        index: usize,
        scenario: &Scenario,
    ) -> fmt::Result {
        let verdicts = self.columns.iter().map(|it| (it, self.verdict(it, index, scenario)));
        let odd: Vec<_> = verdicts.filter(|it| !matches!(it.1, Verdict::Same)).collect();
        if odd.is_empty() {
            return Ok(());
        }
        let recorded = self.recorded.outcome(scenario.name()).unwrap_or("(not recorded)");
        writeln!(formatter, "    {}: {recorded}", self.recorded.title())?;
        for (column, verdict) in odd {
            writeln!(formatter, "    {}: {}", column.engine, column.outcomes[index])?;
            if let Verdict::Explained(difference) = verdict {
                writeln!(formatter, "    by design: {}", difference.reason)?;
            }
        }
        Ok(())
    }
}

/// The explanation of a row of a matrix.
struct Row<'a>(&'a Matrix, usize);

impl fmt::Display for Row<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.explain(formatter, self.1, &self.0.scenarios[self.1])
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.scenarios.iter().map(|it| it.name().len());
        let width = names.max().unwrap_or(0).max("SCENARIO".len());
        let engines = self.columns.iter().map(|it| it.engine.clone());
        writeln!(formatter, "{}", line("SCENARIO", width, engines))?;
        for (index, scenario) in self.scenarios.iter().enumerate() {
            let verdicts = self.columns.iter().map(|it| self.verdict(it, index, scenario));
            let verdicts = verdicts.map(|verdict| verdict.to_string());
            writeln!(formatter, "{}", line(scenario.name(), width, verdicts))?;
            self.explain(formatter, index, scenario)?;
        }
        writeln!(formatter)?;
        for (column, totals) in self.columns.iter().zip(self.totals()) {
            writeln!(formatter, "{}: {}", column.engine, totals.compared_with(&self.recorded))?;
        }
        Ok(())
    }
}

/// Formats a row of the matrix: a name, and a cell for each engine.
fn line(name: &str, width: usize, cells: impl Iterator<Item = String>) -> String {
    let mut line = format!("{name:width$}");
    for cell in cells {
        line.push_str(&format!("  {cell:12}"));
    }
    line.trim_end().to_owned()
}

impl Totals {
    /// Formats the totals as a line.
    pub fn compared_with(&self, recorded: &Recorded) -> String {
        let Self { same, newer, explained, differing } = self;
        let all = same + newer + explained + differing;
        let title = recorded.title();
        let newer = match newer {
            0 => String::new(),
            newer => format!("{newer} as a newer release, "),
        };
        format!(
            "{all} scenarios: {same} as {title}, {newer}{explained} different by design, \
             {differing} differ"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(outcome: &str, recorded: &str) -> Matrix {
        let scenario = Scenario::new("topics/created".to_owned(), |_| Ok(String::new()));
        let suite = vec![scenario];
        let mut all = Recorded::committed();
        all.update(&suite, &[recorded.to_owned()]);
        let outcomes = vec![outcome.to_owned()];
        let column = Column { engine: "embedded".to_owned(), is_embedded: true, outcomes };
        Matrix::new(suite, all, vec![column])
    }

    #[test]
    fn agreement_is_one_line_and_a_difference_shows_both_outcomes() {
        let same = matrix("ok", "ok");
        let expected = "SCENARIO        embedded\ntopics/created  ok\n\nembedded: 1 scenarios: 1 as \
                        Apache Kafka 4.4, 0 different by design, 0 differ\n";
        assert_eq!(same.to_string(), expected);
        assert_eq!(same.unexplained(), "");
        let differs = matrix("ok", "INVALID_PARTITIONS");
        let both = "topics/created\n    Apache Kafka 4.4: INVALID_PARTITIONS\n    embedded: ok\n";
        assert_eq!(differs.unexplained(), both);
        assert_eq!(differs.totals()[0].differing, 1);
    }
}
