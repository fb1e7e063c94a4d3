//! The texts of an exercise: its task, and its hints.

use std::fs;
use std::path::Path;

use anyhow::Context;
use exercises::Exercise;

use super::course::Course;

/// Returns the task.
pub(crate) fn task(course: &Course, exercise: &Exercise) -> anyhow::Result<String> {
    read(&course.directory(exercise).join("README.md"))
}

/// Returns the hints, the first of which says the least.
pub(crate) fn hints(course: &Course, exercise: &Exercise) -> anyhow::Result<Vec<String>> {
    let text = read(&course.directory(exercise).join("hints.md"))?;
    Ok(sections(&text))
}

/// Reads a text file.
pub(crate) fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// The text below each heading `## 1`, `## 2`, and so on.
fn sections(text: &str) -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for line in text.lines() {
        let number = line.strip_prefix("## ").and_then(|it| it.trim().parse::<usize>().ok());
        if number == Some(sections.len() + 1) {
            sections.push(String::new());
        } else if let Some(section) = sections.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections.iter().map(|section| section.trim_matches('\n').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_what_stands_below_the_numbers() {
        let text = "## 1\n\nLook.\n\n## 2\n\nLook there:\n\n    ## 3\n    code\n\n## 3\nDo it.\n";
        assert_eq!(sections(text), ["Look.", "Look there:\n\n    ## 3\n    code", "Do it."]);
    }
}
