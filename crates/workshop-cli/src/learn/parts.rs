//! The parts of the workshop, as the table of docs/README.md has them.

use exercises::{Exercise, all};

use super::course::Course;
use super::texts::read;

/// A part of the workshop, with its exercises.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) title: String,
    pub(crate) exercises: Vec<&'static Exercise>,
}

/// Returns the parts that have exercises, in their order. A chapter that the table lacks is in a
/// part without a title.
pub(crate) fn parts(course: &Course) -> anyhow::Result<Vec<Part>> {
    let table = read(&course.project().checkout().join("docs/README.md"))?;
    let chapters = chapters(&table);
    let title_of = |exercise: &Exercise| {
        chapters.iter().find(|(chapter, _)| *chapter == exercise.chapter).map(|(_, part)| part)
    };
    let mut titles: Vec<&String> = chapters.iter().map(|(_, part)| part).collect();
    titles.dedup();
    let mut parts: Vec<Part> = titles
        .into_iter()
        .map(|title| {
            let here = all().iter().filter(|it| title_of(it) == Some(title));
            Part { title: title.clone(), exercises: here.collect() }
        })
        .collect();
    let others = all().iter().filter(|it| title_of(it).is_none()).collect();
    parts.push(Part { title: "Other chapters".to_owned(), exercises: others });
    parts.retain(|part| !part.exercises.is_empty());
    Ok(parts)
}

/// Each chapter of the table with its part. A row without a part belongs to the part of the row
/// above.
fn chapters(table: &str) -> Vec<(u8, String)> {
    let (mut chapters, mut part) = (Vec::new(), None);
    for row in table.lines().filter(|line| line.starts_with('|')) {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let (Some(first), Some(second)) = (cells.next(), cells.next()) else { continue };
        if let Some(title) = first.strip_prefix("**").and_then(|it| it.strip_suffix("**")) {
            part = Some(title.to_owned());
        }
        let number = second.trim_start_matches('[').split(' ').next().unwrap_or_default();
        if let (Some(part), Ok(number)) = (&part, number.parse()) {
            chapters.push((number, part.clone()));
        }
    }
    chapters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chapter_belongs_to_the_part_above_it() {
        let table = "| Part | Chapter | |\n|---|---|---|\n| **First steps** | [01 · A](01.md) | a |\n\
                     | | [02 · B](02.md) | b |\n| **Operations** | 19 · C | to come |\n";
        let first = || "First steps".to_owned();
        assert_eq!(chapters(table), [(1, first()), (2, first()), (19, "Operations".to_owned())]);
    }
}
