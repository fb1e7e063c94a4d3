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
    let is_chapter = |file: &String| {
        let name = file.trim_start_matches("docs/");
        name.get(..2).is_some_and(|number| number.chars().all(|it| it.is_ascii_digit()))
    };
    files("docs", "md").into_iter().filter(is_chapter).collect()
}
