//! The times in docs/README.md: how long each chapter takes to read and to run, and each route; and
//! the timetables in docs/teaching.md.
//!
//! Reading is counted from the words of the page, [`WORDS_PER_MINUTE`] of them a minute, code and
//! output included. Running is measured: `MEASURE=1 cargo test -p workshop-tests --test docs
//! routes` runs every example once, one after another, and rewrites the columns and sums.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Instant;

use workshop_tests::chapters::{chapter_of, links};
use workshop_tests::examples::{Workplace, names, root};

use crate::read;

const PAGE: &str = "docs/README.md";

/// Fewer than in a novel: half of the words are code.
const WORDS_PER_MINUTE: usize = 150;

/// How far a page may grow or shrink before its minutes are wrong.
const TOLERANCE_MINUTES: usize = 2;

/// How far the number under a chapter's title may be from its reading time, as it is rounded.
const ROUNDED_MINUTES: usize = 5;

/// A row of a table: the pages that it links, and its last cells as numbers.
struct Row {
    line: usize,
    pages: Vec<String>,
    numbers: Vec<usize>,
}

/// The rows of the table below a heading of docs/README.md whose cells end in `count` numbers.
fn rows(text: &str, heading: &str, count: usize) -> Vec<Row> {
    let lines = text.lines().enumerate().skip_while(|(_, line)| !line.starts_with(heading));
    let lines = lines.skip_while(|(_, line)| !line.starts_with('|'));
    let table = lines.take_while(|(_, line)| line.starts_with('|')).skip(2);
    let rows = table.filter_map(|(index, line)| {
        let pages = links(line).iter().map(|link| format!("docs/{link}")).collect::<Vec<_>>();
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let last = &cells[cells.len() - count..];
        let number = |cell: &&str| cell.split(' ').next().and_then(|it| it.parse().ok());
        let numbers: Vec<usize> = last.iter().filter_map(number).collect();
        // A planned chapter has neither page nor times.
        (!pages.is_empty()).then_some(Row { line: index, pages, numbers })
    });
    rows.collect()
}

fn reading_minutes(page: &str) -> usize {
    let words = read(page).split_whitespace().count();
    (words + WORDS_PER_MINUTE / 2) / WORDS_PER_MINUTE
}

/// Minutes to read, and seconds to run, as the table of the chapters says.
fn of_chapters(text: &str) -> BTreeMap<String, [usize; 2]> {
    let rows = rows(text, "# ", 2).into_iter().map(|row| {
        let numbers = row.numbers.clone().try_into();
        let numbers = numbers.unwrap_or_else(|_| panic!("{PAGE}:{} has no times", row.line + 1));
        (row.pages[0].clone(), numbers)
    });
    rows.collect()
}

/// What a route takes: minutes of reading, minutes of running, and the sum.
fn of_route(pages: &[String], chapters: &BTreeMap<String, [usize; 2]>) -> [usize; 3] {
    let reading = |page: &String| match chapters.get(page) {
        Some([minutes, _]) => *minutes,
        None => reading_minutes(page),
    };
    let seconds: usize = pages.iter().filter_map(|page| Some(chapters.get(page)?[1])).sum();
    let (reading, running) = (pages.iter().map(reading).sum(), seconds.div_ceil(60));
    [reading, running, reading + running]
}

#[test]
fn reading_times_follow_from_the_words_of_the_pages() {
    let text = page();
    let times = of_chapters(text);
    let chapters: Vec<String> = names().iter().map(|example| chapter_of(example)).collect();
    assert_eq!(times.keys().cloned().collect::<Vec<_>>(), chapters);
    for (page, [minutes, seconds]) in times {
        let counted = reading_minutes(&page);
        let is_right = minutes.abs_diff(counted) <= TOLERANCE_MINUTES;
        assert!(is_right, "{PAGE} says {minutes} min for {page}, which are {counted}");
        assert!((1..600).contains(&seconds), "{page}: {seconds} s");
        let page_says = read(&page);
        let (before, _) = page_says.split_once(" minutes").expect("a chapter says its minutes");
        let said = before.rsplit(' ').next().and_then(|it| it.parse::<usize>().ok());
        let is_right = said.is_some_and(|said| said.abs_diff(counted) <= ROUNDED_MINUTES);
        assert!(is_right, "{page} says {said:?} minutes, which are {counted}");
    }
    let rate = format!("{WORDS_PER_MINUTE} words a minute");
    assert!(text.contains(&rate), "{PAGE} does not say that it counts {rate}");
}

#[test]
fn the_times_of_the_routes_are_the_sums_of_their_pages() {
    let text = page();
    let times = of_chapters(text);
    let routes = rows(text, "## Routes", 3);
    assert!(routes.len() >= 4, "{} routes", routes.len());
    for Row { line, pages, numbers } in routes {
        let [reading, running, all] = of_route(&pages, &times);
        let said = <[usize; 3]>::try_from(numbers).expect("a route has three times");
        let other_pages = pages.iter().filter(|page| !times.contains_key(*page)).count();
        let is_right = said[0].abs_diff(reading) <= TOLERANCE_MINUTES * other_pages
            && said[1] == running
            && said[0] + said[1] == said[2];
        assert!(is_right, "{PAGE}:{} says {said:?}; {reading}, {running}, {all}", line + 1);
    }
}

#[test]
fn every_lesson_of_a_timetable_begins_when_the_one_before_ends() {
    let text = read("docs/teaching.md");
    let mut timetables = 0;
    let mut end: Option<usize> = None;
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, start, minutes, ..] = cells[..] else {
            end = None;
            continue;
        };
        let Some((hours, rest)) = start.split_once(':') else { continue };
        let number = |text: &str| text.parse::<usize>().expect("a time consists of numbers");
        let start = number(hours) * 60 + number(rest);
        assert!(end.is_none_or(|end| end == start), "docs/teaching.md: {line}");
        timetables += usize::from(end.is_none());
        end = Some(start + number(minutes));
    }
    assert_eq!(timetables, 2);
}

#[test]
fn the_readme_names_the_rust_that_the_workspace_needs() {
    let manifest = read("Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let version = line.expect("the workspace has a rust-version").trim_matches('"');
    assert!(read("README.md").contains(&format!("Rust {version} or newer")));
}

/// docs/README.md, with new times if they are asked for.
fn page() -> &'static str {
    static PAGE_NOW: OnceLock<String> = OnceLock::new();
    PAGE_NOW.get_or_init(|| {
        if std::env::var_os("MEASURE").is_some_and(|it| it == "1") {
            let page = with_times(&read(PAGE), &measured());
            std::fs::write(root().join(PAGE), page).expect("the page can be written");
        }
        read(PAGE)
    })
}

/// Runs every example on a cluster of its own, and returns the seconds by the chapter's page.
fn measured() -> BTreeMap<String, usize> {
    let run = |example: String| {
        let workplace = Workplace::fresh();
        let started = Instant::now();
        workplace.run(&example);
        let seconds = started.elapsed().as_secs_f64().round().max(1.0) as usize;
        (chapter_of(&example), seconds)
    };
    names().into_iter().map(run).collect()
}

/// The page with these running times, counted reading times, and the sums of both.
fn with_times(page: &str, seconds: &BTreeMap<String, usize>) -> String {
    let mut lines: Vec<String> = page.lines().map(str::to_owned).collect();
    for row in rows(page, "# ", 2) {
        let page = &row.pages[0];
        let times = [format!("{} min", reading_minutes(page)), format!("{} s", seconds[page])];
        replace_last_cells(&mut lines[row.line], &times);
    }
    let times = of_chapters(&lines.join("\n"));
    for row in rows(page, "## Routes", 3) {
        let sums = of_route(&row.pages, &times).map(|minutes| format!("{minutes} min"));
        replace_last_cells(&mut lines[row.line], &sums);
    }
    lines.join("\n") + "\n"
}

fn replace_last_cells(line: &mut String, cells: &[String]) {
    let row = line.trim_end().trim_end_matches('|').to_owned();
    let mut all: Vec<String> = row.split('|').map(str::to_owned).collect();
    let first = all.len() - cells.len();
    all.truncate(first);
    all.extend(cells.iter().map(|cell| format!(" {cell} ")));
    *line = all.join("|") + "|";
}
