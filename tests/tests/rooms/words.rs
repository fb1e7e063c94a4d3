//! Plain American English: the list of words in CONTRIBUTING.md, compared with every page, message
//! and comment, and the length of comment lines.
//!
//! What a room still has is counted in allowance.txt, and no count there may rise. `UPDATE=1 cargo
//! test -p workshop-tests --test rooms words` lowers the counts to what is left.

use std::collections::BTreeMap;
use std::fmt::Write;

use regex_lite::Regex;
use workshop_tests::examples::root;

use super::{files, shown};

const ALLOWANCE: &str = "tests/tests/rooms/allowance.txt";

/// A comment line may have this many columns.
const COLUMNS: usize = 100;

/// What the allowance calls a longer one.
const LONG_LINE: &str = "comment lines of more than 100 columns";

/// How much of a sentence is shown around a word, in bytes.
const AROUND: usize = 30;

/// A word of the list: an expression that begins with a letter.
struct Word {
    text: String,
    expression: Regex,
}

impl Word {
    fn new(text: &str) -> Self {
        let expression = Regex::new(&format!(r"^(?:{text})\b"));
        let expression = expression.unwrap_or_else(|error| panic!("{text}: {error}"));
        Self { text: text.to_owned(), expression }
    }

    /// What every match begins with, so that a fast search finds where to look.
    fn prefix(&self) -> &str {
        let is_plain = |c: char| c.is_ascii_lowercase() || c == ' ';
        let end = self.text.find(|c| !is_plain(c)).unwrap_or(self.text.len());
        // A letter that may be missing is none of it.
        let optional = self.text[end..].starts_with(['?', '*']);
        &self.text[..end - usize::from(optional)]
    }

    /// Where a text in lower case has the word.
    fn matches<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> + 'a {
        let begins = |at: &usize| {
            !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                && self.expression.is_match(&text[*at..])
        };
        text.match_indices(self.prefix()).map(|(at, _)| at).filter(begins)
    }
}

/// The first column of the table in CONTRIBUTING.md: each code in a cell is an expression.
fn words() -> Vec<Word> {
    let page = std::fs::read_to_string(root().join("CONTRIBUTING.md")).expect("the page is there");
    let rows = page.lines().skip_while(|line| *line != "| Not | But |").skip(2);
    let cells = rows.take_while(|row| row.starts_with('|')).filter_map(|row| row.split('|').nth(1));
    let words: Vec<Word> =
        cells.flat_map(|it| it.split('`').skip(1).step_by(2)).map(Word::new).collect();
    assert!(words.len() > 20, "CONTRIBUTING.md has lost its list of words");
    words
}

/// The room that a file is in: `docs`, `helpers`, `crates/engines`; `.` for the root.
fn room(file: &str) -> String {
    let parts: Vec<&str> = file.split('/').collect();
    match parts[..] {
        [_] => ".".to_owned(),
        ["crates", name, ..] => format!("crates/{name}"),
        [first, ..] => first.to_owned(),
        [] => unreachable!("a path has a part"),
    }
}

/// A file's text in lower case, a sentence that goes over several lines joined.
fn joined(file: &str, text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for line in text.lines() {
        // The list itself.
        if file == "CONTRIBUTING.md" && line.starts_with('|') {
            continue;
        }
        let line = line.trim().trim_start_matches(['/', '!']).trim_end_matches('\\');
        joined.push_str(line.trim());
        joined.push(' ');
    }
    joined.to_lowercase()
}

/// Returns the comment lines of a program that are too long. A link or a row of a table cannot be
/// broken.
fn long_lines(text: &str) -> impl Iterator<Item = usize> + '_ {
    let is_text = |line: &str| line.starts_with("//") && !line.starts_with("//! |");
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        is_text(line.trim_start()) && !line.contains("://") && line.chars().count() > COLUMNS
    });
    lines.map(|(index, _)| index + 1)
}

/// How often each room has each word, and where.
fn counted() -> BTreeMap<(String, String), Vec<String>> {
    let words = words();
    let mut counted: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for path in files(root(), &["md", "rs"]) {
        let file = shown(&path);
        let text = std::fs::read_to_string(&path).expect("it is text");
        if file.ends_with(".rs") {
            for line in long_lines(&text) {
                let key = (room(&file), LONG_LINE.to_owned());
                counted.entry(key).or_default().push(format!("{file}:{line}"));
            }
        }
        let text = joined(&file, &text);
        for word in &words {
            for at in word.matches(&text) {
                let (from, to) = (text.floor_char_boundary(at.saturating_sub(AROUND)), at + AROUND);
                let around = &text[from..text.ceil_char_boundary(to.min(text.len()))];
                let key = (room(&file), word.text.clone());
                counted.entry(key).or_default().push(format!("{file}: … {around} …"));
            }
        }
    }
    counted
}

/// The counts that rooms may have: a line of room, count and word for each.
fn allowed() -> BTreeMap<(String, String), usize> {
    let text = std::fs::read_to_string(root().join(ALLOWANCE)).expect("the file is there");
    let row = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let (room, count, word) = (parts.next()?, parts.next()?, parts.next()?);
        Some(((room.to_owned(), word.to_owned()), count.parse().ok()?))
    };
    text.lines().map(|line| row(line).unwrap_or_else(|| panic!("{ALLOWANCE}: {line}"))).collect()
}

#[test]
fn no_room_has_more_words_of_the_list_than_it_is_allowed() {
    let (counted, allowed) = (counted(), allowed());
    if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
        let mut text = String::new();
        for (key, most) in &allowed {
            let left = counted.get(key).map_or(0, Vec::len).min(*most);
            if left > 0 {
                let _ = writeln!(text, "{} {left} {}", key.0, key.1);
            }
        }
        std::fs::write(root().join(ALLOWANCE), text).expect("the file can be written");
        return;
    }
    let mut found = String::new();
    for (key, places) in &counted {
        let most = allowed.get(key).copied().unwrap_or(0);
        if places.len() > most {
            let _ = writeln!(found, "{} has `{}` {} times:", key.0, key.1, places.len());
            places.iter().for_each(|place| found.push_str(&format!("  {place}\n")));
        }
    }
    assert!(found.is_empty(), "CONTRIBUTING.md says what to write instead\n{found}");
}

#[test]
fn a_word_is_found_at_its_beginning_and_across_lines() {
    let word = Word::new("becomes? of");
    let text = joined("a.rs", "/// What becomes\n    /// of it. It unbecomes of. Becoming of.");
    assert_eq!(word.prefix(), "become");
    assert_eq!(word.matches(&text).collect::<Vec<_>>(), [5]);
}
