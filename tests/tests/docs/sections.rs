//! The section "Exercise" of each chapter, which is made from the files in exercises/.
//!
//! `UPDATE=1 cargo test -p workshop-tests --test docs sections` writes the sections. A chapter
//! without exercises in exercises/ keeps what its page says.

use std::fmt::Write;

use exercises::{Exercise, all};
use snapbox::{Assert, Data};
use workshop_tests::examples::root;

use super::pages::{PAGES, chapters, is_update, read};

const HEADING: &str = "## Exercise\n";

/// The exercises of a chapter, such as `docs/03-producer.md`.
fn exercises_of(chapter: &str) -> Vec<&'static Exercise> {
    let number = chapter.trim_start_matches("docs/").get(..2).and_then(|it| it.parse().ok());
    all().iter().filter(|it| Some(it.chapter) == number).collect()
}

/// Returns a page with the section that its exercises make, or nothing if the chapter has none.
pub(crate) fn with_exercises(chapter: &str, page: &str) -> Option<String> {
    let exercises = exercises_of(chapter);
    if exercises.is_empty() {
        return None;
    }
    let (before, rest) = page.split_once(&format!("\n{HEADING}"))?;
    let after = rest.find("\n## ").map_or("", |at| &rest[at..]);
    let entries: Vec<String> = exercises.iter().map(|it| entry(it)).collect();
    Some(format!("{before}\n{HEADING}\n{}{after}", entries.join("\n")))
}

/// What a page says about an exercise.
fn entry(exercise: &Exercise) -> String {
    let (directory, slug) = (exercise.directory_name(), exercise.slug);
    let task = read(&format!("exercises/{directory}/README.md"));
    let (title, about) = title_and_first_paragraph(&task);
    let mut text = String::new();
    let mut line = |line: &str| writeln!(text, "{line}").expect("it is a string");
    line(&format!("### {title}\n"));
    line(&format!("{}\n", about.replace("](../../docs/", "](").replace("](../../", "](../")));
    line(&format!("```sh\ncargo workshop check {slug}\n```\n"));
    let program = format!("my/{}.rs", exercise.program_name());
    line(&format!("The first check writes `{program}`, with a gap for you to fill."));
    line(&format!(
        "[The task](../exercises/{directory}/README.md) says what your program must do, and each \
         check runs it on {}.",
        match exercise.scenes.len() {
            1 => "a fresh cluster".to_owned(),
            count => format!("{} fresh clusters, under different conditions", in_words(count)),
        }
    ));
    line(&format!("For help: `cargo workshop hint {slug}`."));
    text
}

/// A small number as a page writes it.
fn in_words(number: usize) -> String {
    let words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    words.get(number).map_or_else(|| number.to_string(), |it| (*it).to_owned())
}

/// The title of a task and its first paragraph, line by line as it is.
fn title_and_first_paragraph(task: &str) -> (&str, String) {
    let mut lines = task.lines();
    let title = lines.next().and_then(|line| line.strip_prefix("# ")).expect("a task has a title");
    let lines = lines.skip_while(|line| line.trim().is_empty());
    let paragraph: Vec<&str> = lines.take_while(|line| !line.trim().is_empty()).collect();
    (title, paragraph.join("\n"))
}

#[test]
fn sections_of_exercises_say_what_the_tasks_say() {
    let mut with_a_page = 0;
    for chapter in chapters() {
        with_a_page += exercises_of(&chapter).len();
        let lock = PAGES.lock().expect("no test panics with it");
        let page = read(&chapter);
        let Some(current) = with_exercises(&chapter, &page) else { continue };
        if is_update() {
            std::fs::write(root().join(&chapter), current).expect("the chapter can be written");
            continue;
        }
        drop(lock);
        let (current, page) = (Data::text(current).raw(), Data::text(page).raw());
        Assert::new().eq(current, page);
    }
    assert_eq!(with_a_page, all().len(), "an exercise has a chapter without a page");
}

#[test]
fn a_section_is_replaced_and_the_others_stay() {
    let page = "# 03\n\n## In your project\n\na\n\n## Exercise\n\nbefore\n\n### before\n\n## In production\n\nb\n";
    let new = with_exercises("docs/03-producer.md", page).expect("chapter 03 has exercises");
    assert!(new.starts_with("# 03\n\n## In your project\n\na\n\n## Exercise\n\n### "), "{new}");
    assert!(new.ends_with("`.\n\n## In production\n\nb\n") && !new.contains("\nbefore\n"), "{new}");
    assert!(new.contains("```sh\ncargo workshop check high-airports\n```"), "{new}");
    assert_eq!(with_exercises("docs/03-producer.md", &new).as_ref(), Some(&new));
    assert_eq!(with_exercises("docs/99-none.md", page), None);
}
