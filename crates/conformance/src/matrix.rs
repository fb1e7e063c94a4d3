//! The matrix: scenario by engine, each with its verdict.

use std::fmt;

use crate::recorded::Recorded;
use crate::scenarios::Scenario;
use crate::verdict::Verdict;

/// What one engine answered.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub engine: String,
    /// Whether it is the embedded cluster, which may differ by design.
    pub is_embedded: bool,
    /// Its outcomes, in the order of the scenarios.
    pub outcomes: Vec<String>,
}

/// How many answers of one engine amount to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// As Apache Kafka was recorded to answer.
    pub same: usize,
    /// Otherwise, by design.
    pub explained: usize,
    /// Otherwise without an explanation, or explained and the same.
    pub differing: usize,
}

/// All scenarios on all engines that were asked.
#[derive(Debug, Clone)]
pub struct Matrix {
    scenarios: Vec<Scenario>,
    recorded: Recorded,
    columns: Vec<Column>,
}

impl Matrix {
    /// The matrix of these scenarios.
    pub fn new(scenarios: Vec<Scenario>, recorded: Recorded, columns: Vec<Column>) -> Self {
        Self { scenarios, recorded, columns }
    }

    /// The totals of each engine, in the order of the columns.
    pub fn totals(&self) -> Vec<Totals> {
        let count = |column: &Column| {
            let mut totals = Totals::default();
            for (index, scenario) in self.scenarios.iter().enumerate() {
                match self.verdict(column, index, scenario) {
                    Verdict::Same => totals.same += 1,
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

    fn verdict(&self, column: &Column, index: usize, scenario: &Scenario) -> Verdict {
        let recorded = self.recorded.outcome(scenario.name());
        let outcome = &column.outcomes[index];
        Verdict::on(column.is_embedded, scenario.name(), outcome, recorded)
    }

    /// What there is to say about a row of which not every engine answers as recorded.
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
        writeln!(formatter, "    Apache Kafka 4.3: {recorded}")?;
        for (column, verdict) in odd {
            writeln!(formatter, "    {}: {}", column.engine, column.outcomes[index])?;
            if let Verdict::Explained(difference) = verdict {
                writeln!(formatter, "    by design: {}", difference.reason)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.scenarios.iter().map(|it| it.name().len());
        let width = names.max().unwrap_or(0).max("SCENARIO".len());
        write!(formatter, "{:width$}", "SCENARIO")?;
        for column in &self.columns {
            write!(formatter, "  {:12}", column.engine)?;
        }
        writeln!(formatter)?;
        for (index, scenario) in self.scenarios.iter().enumerate() {
            write!(formatter, "{:width$}", scenario.name())?;
            for column in &self.columns {
                let verdict = self.verdict(column, index, scenario);
                write!(formatter, "  {:12}", verdict.to_string())?;
            }
            writeln!(formatter)?;
            self.explain(formatter, index, scenario)?;
        }
        writeln!(formatter)?;
        for (column, totals) in self.columns.iter().zip(self.totals()) {
            writeln!(formatter, "{}: {totals}", column.engine)?;
        }
        Ok(())
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { same, explained, differing } = self;
        let all = same + explained + differing;
        write!(
            formatter,
            "{all} scenarios: {same} as Apache Kafka 4.3, {explained} otherwise by design, \
             {differing} differ"
        )
    }
}
