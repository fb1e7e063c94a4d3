//! Each term of the glossary is explained or linked where the chapters use it first, in the order
//! in which docs/README.md lists them.
//!
//! A term is explained where it is emphasized, as a page introduces a word, where a sentence begins
//! with "A term is", or in a chapter that has it in its title. Plurals count, and so do capitals.
//! Code does not count, except for a term that is a setting.

use regex_lite::Regex;
use workshop_tests::chapters::{chapter_of, links};
use workshop_tests::examples::names;

use crate::read;

/// Terms that pages write as code.
const SETTINGS: [&str; 2] = ["acks", "min.insync.replicas"];

/// A term, with the forms in which pages use it: `in-sync replicas (ISR)` has two.
struct Term {
    name: String,
    /// The first word of each form in lower case, which is faster to find than the expression.
    forms: Vec<(String, Regex)>,
}

impl Term {
    fn new(name: &str) -> Term {
        let (long, short) = name.split_once(" (").unwrap_or((name, ""));
        let short = short.trim_end_matches(')');
        let forms = [long, short].into_iter().filter(|form| !form.is_empty()).map(|form| {
            let first = form.split([' ', '-']).next().unwrap_or_default().to_lowercase();
            let words = regex_lite::escape(form).replace(' ', "[ -]");
            let expression = format!(r"(?i)(?:^|[^\w.-])({words}(?:s|es)?)(?:[^\w-]|$)");
            let expression = Regex::new(&expression);
            (first, expression.unwrap_or_else(|error| panic!("{form}: {error}")))
        });
        Term { name: name.to_owned(), forms: forms.collect() }
    }

    /// Where a line first uses the term: the first byte, and the one behind it.
    fn used_in(&self, line: &str) -> Option<(usize, usize)> {
        let lower = line.to_lowercase();
        let likely = self.forms.iter().filter(|(first, _)| lower.contains(first));
        let uses = likely.filter_map(|(_, form)| form.captures(line)?.get(1));
        uses.map(|found| (found.start(), found.end())).min()
    }
}

fn terms() -> Vec<Term> {
    let page = read("docs/glossary.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| **")?.split_once("**"));
    rows.map(|(name, _)| Term::new(name)).collect()
}

/// The pages of the chapters in the order of docs/README.md.
fn in_reading_order() -> Vec<String> {
    let has_number = |page: &String| page.starts_with(|first: char| first.is_ascii_digit());
    let mut pages: Vec<String> = Vec::new();
    for page in links(&read("docs/README.md")).into_iter().filter(has_number) {
        let page = format!("docs/{page}");
        if !pages.contains(&page) {
            pages.push(page);
        }
    }
    let missing: Vec<String> = names().iter().map(|it| chapter_of(it)).collect();
    let missing: Vec<&String> = missing.iter().filter(|page| !pages.contains(page)).collect();
    assert!(missing.is_empty(), "docs/README.md does not list {missing:?}");
    pages
}

/// The lines of a page with their numbers, without headings, blocks, code, and the targets of
/// links. What is left out of a line becomes spaces.
fn prose(page: &str) -> Vec<(usize, String)> {
    let hidden = Regex::new(r"`[^`]*`|\]\([^)]*\)").expect("the expression is valid");
    let mut is_block = false;
    let mut lines = Vec::new();
    for (index, line) in page.lines().enumerate() {
        let is_fence = line.starts_with("```");
        is_block ^= is_fence;
        if is_block || is_fence || line.starts_with('#') || line.starts_with("<!--") {
            continue;
        }
        let shown = hidden.replace_all(line, |found: &regex_lite::Captures<'_>| {
            let text = found[0].to_owned();
            let setting = text.trim_matches('`').split('=').next().unwrap_or_default();
            match text.strip_prefix(']') {
                Some(target) => format!("]{}", " ".repeat(target.len())),
                None if SETTINGS.contains(&setting) => text.replace('`', " "),
                None => " ".repeat(text.len()),
            }
        });
        lines.push((index + 1, shown.into_owned()));
    }
    lines
}

/// Whether the use of a term at these bytes of a line explains or links it.
fn is_introduced(line: &str, (start, end): (usize, usize)) -> bool {
    let (before, after) = (&line[..start], &line[end..]);
    let is_link = before.rfind('[') > before.rfind(']');
    let strong = before.matches("**").count() % 2 == 1;
    let emphasized = before.replace("**", "").matches('*').count() % 2 == 1;
    let opening = before.rsplit([':', '.', '|', '-']).next().unwrap_or_default().trim();
    let is_subject = ["", "A", "An", "The"].contains(&opening);
    let defines = is_subject && [" is ", " are ", " means "].iter().any(|it| after.starts_with(it));
    is_link || strong || emphasized || defines
}

/// A page of a chapter.
struct Page {
    name: String,
    title: String,
    prose: Vec<(usize, String)>,
}

impl Page {
    fn new(name: &str, text: &str) -> Page {
        let title = text.lines().next().unwrap_or_default().to_owned();
        Page { name: name.to_owned(), title, prose: prose(text) }
    }
}

/// What is wrong with the first use of a term, if anything is.
fn objection(term: &Term, pages: &[Page]) -> Option<String> {
    for Page { name, title, prose } in pages {
        for (number, line) in prose {
            let Some(found) = term.used_in(line) else { continue };
            let is_title = term.used_in(title).is_some();
            let is_right = is_title || is_introduced(line, found);
            return (!is_right).then(|| format!("{name}:{number}: {}", term.name));
        }
    }
    None
}

#[test]
fn every_term_of_the_glossary_is_explained_or_linked_where_it_is_used_first() {
    let pages: Vec<Page> =
        in_reading_order().into_iter().map(|page| Page::new(&page, &read(&page))).collect();
    let terms = terms();
    assert!(terms.len() > 100, "{} terms", terms.len());
    let objections: Vec<String> = terms.iter().filter_map(|term| objection(term, &pages)).collect();
    assert!(objections.is_empty(), "link to glossary.md, or explain: {objections:#?}");
}

#[test]
fn the_first_use_counts_and_not_a_later_one() {
    let quorum = Term::new("quorum");
    let judged =
        |text: &str| objection(&quorum, &[Page::new("page", &format!("# 01 · Title\n\n{text}\n"))]);
    let plain = "Without a quorum nothing changes.\n";
    assert_eq!(judged(plain).as_deref(), Some("page:3: quorum"));
    assert!(judged(&format!("{plain}A *quorum* is a majority.")).is_some());
    for introduced in [
        "Without a *quorum* nothing changes.",
        "Without a [quorum](glossary.md) nothing changes.",
        "- **Quorums** are majorities.",
        "A quorum is a majority.",
        "Set `quorum`.",
        "A quorumless word.",
    ] {
        assert_eq!(judged(&format!("{introduced}\n")), None, "{introduced}");
    }
    for used in
        ["[One](quorum.md) needs a quorum.", "*One* needs a Quorum.", "Such a quorum is it."]
    {
        assert!(judged(&format!("{used}\n")).is_some(), "{used}");
    }
}

#[test]
fn a_setting_and_an_abbreviation_count_as_uses() {
    let (acks, replicas) = (Term::new("acks"), Term::new("in-sync replicas (ISR)"));
    assert_eq!(acks.used_in(&prose("With `acks=all` it waits.")[0].1), Some((6, 10)));
    assert_eq!(replicas.used_in("The ISR is small."), Some((4, 7)));
    assert_eq!(acks.used_in("It lacks this."), None);
}
