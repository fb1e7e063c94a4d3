//! The pages of docs/, read and written by several tests.

use std::sync::Mutex;

use workshop_tests::chapters::files;
use workshop_tests::examples::root;

/// Pages that a test writes: several tests write to the same page.
pub(crate) static PAGES: Mutex<()> = Mutex::new(());

/// Tells whether the tests rewrite the pages instead of comparing them.
pub(crate) fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|it| it == "1")
}

/// Reads a file, from the workspace's root.
pub(crate) fn read(file: &str) -> String {
    let path = root().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The files of the chapters, such as `docs/03-producer.md`.
pub(crate) fn chapters() -> Vec<String> {
    let pages = numbered();
    pages.iter().filter(|page| chapter_before(page, &pages).is_none()).cloned().collect()
}

/// The pages that continue a chapter, such as `docs/07-consumer-group-protocols.md`, each with its
/// chapter.
pub(crate) fn appendices() -> Vec<(String, String)> {
    let pages = numbered();
    let with_chapter = pages.iter().map(|page| (page.clone(), chapter_before(page, &pages)));
    with_chapter.filter_map(|(page, chapter)| Some((page, chapter?))).collect()
}

fn numbered() -> Vec<String> {
    let is_numbered = |file: &String| {
        let name = file.trim_start_matches("docs/");
        name.get(..2).is_some_and(|number| number.chars().all(|it| it.is_ascii_digit()))
    };
    files("docs", "md").into_iter().filter(is_numbered).collect()
}

/// The chapter whose name a page continues.
fn chapter_before(page: &str, pages: &[String]) -> Option<String> {
    let continues = |chapter: &&String| {
        let rest = page.strip_prefix(chapter.trim_end_matches(".md"));
        rest.is_some_and(|rest| rest.starts_with('-'))
    };
    pages.iter().find(continues).cloned()
}
