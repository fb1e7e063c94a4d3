//! The chapters of docs/, and where the text of each block in them comes from.
//!
//! A comment in front of a block names its source:
//!
//! | Comment | The block is |
//! |---|---|
//! | `<!-- from: examples/03_producer.rs#send -->` | the region between `// ANCHOR: send` and `// ANCHOR_END: send` |
//! | `<!-- printed by: 04_consumer after 03_producer -->` | what the example prints, on a fresh cluster, after the others ran |
//! | `<!-- wire of: 03_producer -->` | what it prints on stderr with `WORKSHOP_WIRE=1` |
//! | `<!-- your file: src/main.rs -->` | what the page says, which [`your_project`](crate::your_project) builds |
//!
//! In what a program prints, `[..]` stands for a part of a line and `...` for any number of lines.

use std::path::Path;

use snapbox::IntoData;
use snapbox::filter::NormalizeToExpected;

use crate::examples::{Workplace, first_run, root};

/// Where a block's text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A marked region of a file.
    Region {
        /// The file, from the workspace's root.
        file: String,
        /// The region's name.
        region: String,
    },
    /// The output of an example.
    Printed {
        /// The example.
        example: String,
        /// What has run before on the same data.
        after: Vec<String>,
    },
    /// The requests of an example.
    Wire {
        /// The example.
        example: String,
    },
    /// The page itself.
    YourFile,
}

impl Source {
    /// Reads the comment in front of a block.
    fn parse(comment: &str) -> Option<Source> {
        let inside = comment.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
        let (what, whose) = inside.split_once(':')?;
        let whose = whose.trim();
        match what.trim() {
            "from" => {
                let (file, region) = whose.split_once('#')?;
                let (file, region) = (file.to_owned(), region.to_owned());
                Some(Source::Region { file, region })
            }
            "printed by" => {
                let (example, after) = whose.split_once(" after ").unwrap_or((whose, ""));
                let after = after.split(", ").filter(|it| !it.is_empty());
                let after = after.map(str::to_owned).collect();
                Some(Source::Printed { example: example.to_owned(), after })
            }
            "your file" => Some(Source::YourFile),
            "wire of" => Some(Source::Wire { example: whose.to_owned() }),
            _ => None,
        }
    }

    /// What the block should hold. `written` is what it holds, whose wildcards stay where they
    /// match.
    fn text(&self, written: &str) -> String {
        match self {
            Source::Region { file, region } => {
                let path = root().join(file);
                let text = std::fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                region_of(&text, region).unwrap_or_else(|| panic!("{file} has no region {region}"))
            }
            Source::Printed { example, after } => {
                let printed = match &after[..] {
                    [] => first_run(example),
                    after => {
                        let workplace = Workplace::fresh();
                        after.iter().for_each(|earlier| drop(workplace.run(earlier)));
                        workplace.run(example)
                    }
                };
                let printed = printed.stdout;
                let actual = format!("$ cargo run --example {example}\n{}", printed.trim_end());
                with_wildcards(actual, written)
            }
            Source::Wire { example } => {
                with_wildcards(first_run(example).stderr.trim_end().to_owned(), written)
            }
            Source::YourFile => written.to_owned(),
        }
    }
}

/// The lines of a region, moved to the left margin.
fn region_of(text: &str, region: &str) -> Option<String> {
    let marks = |line: &str, mark: &str| {
        line.trim().strip_prefix(mark).is_some_and(|name| name.trim() == region)
    };
    let mut lines = text.lines();
    lines.find(|line| marks(line, "// ANCHOR:"))?;
    let all: Vec<&str> = lines.collect();
    let length = all.iter().position(|line| marks(line, "// ANCHOR_END:"))?;
    let is_mark = |line: &&str| line.trim().starts_with("// ANCHOR");
    let lines: Vec<&str> = all[..length].iter().copied().filter(|line| !is_mark(line)).collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let filled = lines.iter().filter(|line| !line.trim().is_empty());
    let margin = filled.map(indent).min().unwrap_or(0);
    let moved = lines.iter().map(|line| line.get(margin..).unwrap_or_default());
    Some(moved.collect::<Vec<_>>().join("\n").trim_end().to_owned())
}

/// Returns `actual` with the wildcards of `written` where they stand for it.
///
/// # Panics
/// Never: text stays text.
pub fn with_wildcards(actual: String, written: &str) -> String {
    let pattern = written.to_owned().into_data().raw();
    let normalized =
        NormalizeToExpected::new().redact().normalize(actual.into_data().raw(), &pattern);
    normalized.render().expect("text stays text")
}

/// A page as it should be: each block that names its source holds what the source says.
///
/// # Errors
/// A line for each block of Rust or of a console that names no source: no one could check it.
pub fn current(text: &str) -> Result<String, Vec<String>> {
    let (mut page, mut unnamed) = (Vec::new(), Vec::new());
    let mut lines = text.lines().enumerate();
    let mut source = None;
    while let Some((index, line)) = lines.next() {
        page.push(line.to_owned());
        let Some(language) = line.strip_prefix("```") else {
            if !line.trim().is_empty() {
                source = Source::parse(line);
            }
            continue;
        };
        let block = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
        let written = block.collect::<Vec<_>>().join("\n");
        let checked = language.starts_with("rust") || language == "console";
        match source.take() {
            Some(source) => page.push(source.text(&written)),
            None => {
                if checked {
                    unnamed.push(format!("line {}: ```{language} names no source", index + 1));
                }
                page.push(written);
            }
        }
        page.push("```".to_owned());
    }
    if unnamed.is_empty() { Ok(page.join("\n") + "\n") } else { Err(unnamed) }
}

/// The links of a page: what stands between `](` and `)`, outside of code blocks.
pub fn links(text: &str) -> Vec<String> {
    let mut inside_code = false;
    let mut links = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside_code = !inside_code;
        }
        let rest = line.split("](").skip(1).filter(|_| !inside_code);
        links.extend(rest.filter_map(|it| it.split_once(')')).map(|(link, _)| link.to_owned()));
    }
    links
}

/// The names under which a page's headings can be linked to, as GitHub makes them.
pub fn heading_names(text: &str) -> Vec<String> {
    let mut inside_code = false;
    let headings = text.lines().filter(|line| {
        if line.starts_with("```") {
            inside_code = !inside_code;
        }
        !inside_code && line.starts_with('#')
    });
    let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let name = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        words.chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-")
    };
    headings.map(name).collect()
}

/// The file of the chapter that belongs to an example: `docs/03-producer.md` to `03_producer`.
pub fn chapter_of(example: &str) -> String {
    format!("docs/{}.md", example.replace('_', "-"))
}

/// The files in a directory with an extension, from the workspace's root, sorted.
///
/// # Panics
/// When the directory cannot be read.
pub fn files(directory: &str, extension: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(directory)).expect("the directory is there");
    let paths = entries.map(|entry| entry.expect("the directory can be read").path());
    let wanted = paths.filter(|path| path.extension().is_some_and(|it| it == extension));
    let relative = |path: &Path| path.strip_prefix(root()).ok()?.to_str().map(str::to_owned);
    let mut files: Vec<String> = wanted.filter_map(|path| relative(&path)).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_moved_to_the_margin_and_loses_the_marks_inside() {
        let text = "fn main() {\n    // ANCHOR: a\n    if x {\n        // ANCHOR: b\n        y();\n        \
                    // ANCHOR_END: b\n\n    }\n    // ANCHOR_END: a\n}\n";
        assert_eq!(region_of(text, "a").unwrap(), "if x {\n    y();\n\n}");
        assert_eq!(region_of(text, "b").unwrap(), "y();");
        assert_eq!(region_of(text, "c"), None);
    }

    #[test]
    fn a_wildcard_stays_where_it_matches_and_goes_where_it_does_not() {
        let printed = "topic  airports\ntime   12:00\nend".to_owned();
        let kept = with_wildcards(printed.clone(), "topic  airports\ntime   [..]\nend");
        assert_eq!(kept, "topic  airports\ntime   [..]\nend");
        assert_eq!(with_wildcards(printed.clone(), "...\nend"), "...\nend");
        let changed = with_wildcards(printed.clone(), "topic  a[..]x\ntime   [..]\nend");
        assert!(changed.starts_with("topic  airports\n"), "{changed}");
    }

    #[test]
    fn a_block_without_a_source_is_named_by_its_line() {
        let page = "# Title\n\n```rust\nlet a = 1;\n```\n";
        assert_eq!(current(page).unwrap_err(), ["line 3: ```rust names no source"]);
        let page = "# Title\n\n```mermaid\nflowchart\n```\n";
        assert_eq!(current(page).unwrap(), page);
    }

    #[test]
    fn links_in_code_are_no_links() {
        let page = "See [one](01.md) and [two](02.md#b).\n\n```rust\nlet a = b[c](d);\n```\n";
        assert_eq!(links(page), ["01.md", "02.md#b"]);
    }

    #[test]
    fn headings_have_the_names_that_github_gives_them() {
        let page = "# 01 · Create a topic\n```\n# not this\n```\n## What went over the wire\n";
        assert_eq!(heading_names(page), ["01--create-a-topic", "what-went-over-the-wire"]);
    }
}
