//! The progress of the learner: a small text file, made to be committed and merged.
//!
//! Each line is a word, the slug of an exercise, and sometimes more: `done high-airports`,
//! `skipped landings`, `hint landings 2`, `solution landings`. Lines are sorted, so that two
//! machines rarely change the same place. Lines of a newer workshop stay, and so do lines that
//! cannot be read. Nothing is keyed by a chapter's number, because numbers say nothing about what
//! the learner has done.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

const TITLE: &str = "# Your progress in the exercises. The order of the lines does not matter.";

const DONE: &str = "done";
const SKIPPED: &str = "skipped";
const HINT: &str = "hint";
const SOLUTION: &str = "solution";

/// A line that this or a newer workshop has written. The order of the fields is the order in the
/// file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    word: String,
    slug: String,
    rest: String,
}

/// What the learner has done.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    lines: BTreeSet<Line>,
    comments: Vec<String>,
    /// Lines that cannot be read, as they are, with their numbers.
    damaged: Vec<(usize, Vec<u8>)>,
}

impl Progress {
    /// Reads the file. Where there is none, nothing is done yet.
    ///
    /// # Errors
    /// The file exists and cannot be read.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        match fs::read(file) {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    fn parse(bytes: &[u8]) -> Self {
        let mut progress = Self::default();
        for (index, bytes) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let text = std::str::from_utf8(bytes).map(str::trim);
            match text {
                Ok("") => {}
                Ok(comment) if comment.starts_with('#') => {
                    progress.comments.push(comment.to_owned());
                }
                Ok(text) => match Line::parse(text) {
                    Some(line) => drop(progress.lines.insert(line)),
                    None => progress.damaged.push((index + 1, text.as_bytes().to_vec())),
                },
                Err(_) => progress.damaged.push((index + 1, bytes.to_vec())),
            }
        }
        progress
    }

    /// Writes the file in one step: another program sees the old one or the new one.
    ///
    /// # Errors
    /// The directory or the file cannot be written.
    pub(crate) fn write(&self, file: &Path) -> anyhow::Result<()> {
        // A link stays a link.
        let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let failed = || format!("cannot write {}", file.display());
        let directory = file.parent().unwrap_or(Path::new("")).to_owned();
        fs::create_dir_all(&directory).with_context(failed)?;
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let new: PathBuf = directory.join(name);
        let written = fs::File::create(&new).and_then(|mut it| {
            it.write_all(&self.bytes())?;
            it.sync_all()
        });
        let renamed = written.and_then(|()| fs::rename(&new, &file));
        if renamed.is_err() {
            // The error that matters is the first one.
            let _ = fs::remove_file(&new);
        }
        renamed.with_context(failed)
    }

    fn bytes(&self) -> Vec<u8> {
        let title = if self.comments.is_empty() { Some(TITLE.to_owned()) } else { None };
        let lines = self.lines.iter().map(Line::text);
        let lines = title.into_iter().chain(self.comments.iter().cloned()).chain(lines);
        let lines = lines.map(String::into_bytes);
        let lines = lines.chain(self.damaged.iter().map(|(_, bytes)| bytes.clone()));
        lines.flat_map(|line| line.into_iter().chain(*b"\n")).collect()
    }

    /// Returns the lines that cannot be read, with their numbers.
    pub(crate) fn damaged(&self) -> impl Iterator<Item = (usize, String)> + '_ {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.damaged.iter().map(move |(number, bytes)| (*number, shown(bytes)))
    }

    pub(crate) fn is_done(&self, slug: &str) -> bool {
        self.lines_of(DONE, slug).next().is_some()
    }

    /// Tells whether the learner has skipped it, and has not done it since.
    pub(crate) fn is_skipped(&self, slug: &str) -> bool {
        !self.is_done(slug) && self.lines_of(SKIPPED, slug).next().is_some()
    }

    /// Tells whether the learner has asked for the solution before.
    pub(crate) fn has_asked_for_solution(&self, slug: &str) -> bool {
        self.lines_of(SOLUTION, slug).next().is_some()
    }

    /// Returns how many hints the learner has seen.
    pub(crate) fn hints(&self, slug: &str) -> usize {
        self.lines_of(HINT, slug).filter_map(|line| line.rest.parse().ok()).max().unwrap_or(0)
    }

    pub(crate) fn mark_done(&mut self, slug: &str) {
        self.lines.retain(|line| !line.is(SKIPPED, slug));
        if !self.is_done(slug) {
            self.add(DONE, slug, "");
        }
    }

    pub(crate) fn mark_skipped(&mut self, slug: &str) {
        self.add(SKIPPED, slug, "");
    }

    pub(crate) fn mark_solution(&mut self, slug: &str) {
        self.add(SOLUTION, slug, "");
    }

    pub(crate) fn mark_hint(&mut self, slug: &str, number: usize) {
        self.lines.retain(|line| !line.is(HINT, slug));
        self.add(HINT, slug, &number.to_string());
    }

    /// Makes an exercise one that is not done yet. Lines of a newer workshop stay.
    pub(crate) fn forget(&mut self, slug: &str) {
        let ours = [DONE, SKIPPED, HINT, SOLUTION];
        self.lines.retain(|line| !ours.iter().any(|word| line.is(word, slug)));
    }

    fn lines_of(&self, word: &'static str, slug: &str) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.is(word, slug))
    }

    fn add(&mut self, word: &str, slug: &str, rest: &str) {
        let [word, slug, rest] = [word, slug, rest].map(str::to_owned);
        self.lines.insert(Line { word, slug, rest });
    }
}

impl Line {
    /// Reads a line. A word that this workshop does not know is one of a newer workshop.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ').map(str::trim);
        let (word, slug) = (parts.next()?, parts.next()?);
        let rest = parts.next().unwrap_or_default();
        let is_word = |text: &str| {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(is_plain)
        };
        let is_whole = word != HINT || rest.parse::<u8>().is_ok();
        let [word, slug, rest] = [word, slug, rest].map(str::to_owned);
        (is_word(&word) && is_word(&slug) && is_whole).then_some(Self { word, slug, rest })
    }

    fn is(&self, word: &str, slug: &str) -> bool {
        self.word == word && self.slug == slug
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.word, self.slug, self.rest).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_written_sorted_and_read_again() {
        let mut progress = Progress::default();
        progress.mark_skipped("landings");
        progress.mark_hint("landings", 1);
        progress.mark_hint("landings", 2);
        progress.mark_solution("high-airports");
        progress.mark_done("high-airports");
        progress.mark_done("departures-topic");
        let text = String::from_utf8(progress.bytes()).unwrap();
        let expected = "done departures-topic\ndone high-airports\nhint landings 2\n\
                        skipped landings\nsolution high-airports\n";
        assert_eq!(text, format!("{TITLE}\n{expected}"));
        let read = Progress::parse(text.as_bytes());
        assert_eq!(read.bytes(), text.as_bytes());
        assert!(read.is_done("high-airports") && read.has_asked_for_solution("high-airports"));
        assert!(read.is_skipped("landings") && read.hints("landings") == 2);
    }

    #[test]
    fn done_takes_precedence_and_forget_leaves_lines_of_a_newer_workshop() {
        // The lines of two machines, merged.
        let text = b"skipped a\ndone a\nhint a 1\r\nhint a 3\nstarred a 5\ndone a 2031-05-01\n";
        let mut progress = Progress::parse(text);
        assert!(progress.is_done("a") && !progress.is_skipped("a"));
        assert_eq!(progress.hints("a"), 3);
        progress.forget("a");
        assert_eq!(progress.bytes(), format!("{TITLE}\nstarred a 5\n").as_bytes());
    }

    #[test]
    fn damaged_lines_are_reported_with_their_numbers_and_stay() {
        let text = b"done a\n<<<<<<< HEAD\nhint a many\ndone\n\xff\xfe\n# mine\nskipped b\n";
        let progress = Progress::parse(text);
        let numbers: Vec<usize> = progress.damaged().map(|(number, _)| number).collect();
        assert_eq!(numbers, [2, 3, 4, 5]);
        let bytes = progress.bytes();
        let expected = b"# mine\ndone a\nskipped b\n<<<<<<< HEAD\nhint a many\ndone\n\xff\xfe\n";
        assert_eq!(bytes, expected);
    }
}
