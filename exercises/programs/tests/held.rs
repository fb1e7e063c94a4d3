//! Holds every exercise: its starting point fails, its solution passes, and each wrong answer fails
//! with the message that names its mistake.
//!
//! `EXERCISE=high-airports` limits the run to one exercise, `REPEAT=50` repeats each judgment.
//! `WORKSHOP_ENGINE=apache` plays the scenes on Apache Kafka, except those with faults that only
//! the embedded cluster can cause.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use exercises::{Exercise, Program, Venue, Verdict, judge};

/// Judgments that run at the same time on embedded clusters: they wait more than they compute.
const AT_ONCE: usize = 10;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn program(name: &str) -> Program {
    let command = vec![env!("CARGO_BIN_EXE_exercise-programs").into(), name.into()];
    Program { command, directory: root().join("..") }
}

/// One judgment, and what it must come to.
struct Case {
    exercise: &'static Exercise,
    program: String,
    expected: Expected,
}

enum Expected {
    Passes,
    Fails,
    FailsWith(String),
}

fn cases() -> Vec<Case> {
    let only = std::env::var("EXERCISE").ok();
    let mut cases = Vec::new();
    for exercise in exercises::all() {
        if only.as_ref().is_some_and(|it| *it != exercise.slug && *it != exercise.directory_name())
        {
            continue;
        }
        let directory = exercise.directory_name();
        let mut add = |program: &str, expected| {
            let program = format!("{directory}/{program}");
            cases.push(Case { exercise, program, expected });
        };
        add("start", Expected::Fails);
        add("solution", Expected::Passes);
        for (name, message) in wrong_answers(&root().join(&directory)) {
            add(&format!("wrong/{name}"), Expected::FailsWith(message));
        }
    }
    cases
}

/// Returns the wrong answers of an exercise with their messages.
fn wrong_answers(directory: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(directory.join("wrong")).expect("each exercise has some");
    let mut answers: Vec<(String, String)> = entries
        .map(|entry| {
            let file = entry.expect("the entry can be read").path();
            let text = std::fs::read_to_string(&file).expect("a wrong answer can be read");
            let message = text.lines().find_map(|line| line.strip_prefix("//! Message: "));
            let message = message.unwrap_or_else(|| panic!("{}: no message", file.display()));
            (file.file_stem().expect("a name").to_string_lossy().into_owned(), message.to_owned())
        })
        .collect();
    answers.sort();
    assert!(!answers.is_empty(), "{} has no wrong answers", directory.display());
    answers
}

async fn verdict(exercise: &Exercise, program: &Program, venue: &Venue) -> Verdict {
    let judged = judge(exercise, program, venue, |_| {}).await;
    judged.unwrap_or_else(|error| panic!("{}: {error:#}", exercise.slug))
}

/// Judges a case, and returns what is wrong with the verdict.
async fn complaint(case: &Case, venue: &Venue) -> Option<String> {
    let verdict = verdict(case.exercise, &program(&case.program), venue).await;
    let shown = verdict.to_string();
    // Its mistake may show only in a scene that this engine cannot play.
    let is_partial = verdict.scenes.iter().any(|scene| scene.skipped.is_some());
    let is_right = match &case.expected {
        Expected::Passes => verdict.holds(),
        Expected::Fails => !verdict.holds(),
        Expected::FailsWith(message) => {
            (!verdict.holds() && shown.contains(message)) || (verdict.holds() && is_partial)
        }
    };
    let expected = match &case.expected {
        Expected::Passes => "it must pass".to_owned(),
        Expected::Fails => "it must fail".to_owned(),
        Expected::FailsWith(message) => format!("it must fail with: {message}"),
    };
    (!is_right).then(|| format!("{}: {expected}\n{shown}", case.program))
}

/// Runs all cases on threads, each with a runtime of its own, as the command does.
fn complaints(cases: &[Case], venue: &Venue, at_once: usize) -> String {
    let (next, complaints) = (AtomicUsize::new(0), Mutex::new(String::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = runtime.block_on(complaint(case, venue));
                    let mut complaints = complaints.lock().expect("no thread panics with it");
                    found.iter().for_each(|it| writeln!(complaints, "{it}").expect("a string"));
                }
            });
        }
    });
    complaints.into_inner().expect("no thread panics with it")
}

#[test]
fn starting_points_fail_solutions_pass_and_wrong_answers_get_their_messages() {
    let repeat = std::env::var("REPEAT").ok().map_or(1, |it| it.parse().expect("a number"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let venue = runtime.block_on(Venue::from_environment()).expect("the engine starts");
    let at_once = if matches!(venue, Venue::Embedded) { AT_ONCE } else { 1 };
    let cases: Vec<Case> = (0..repeat).flat_map(|_| cases()).collect();
    assert!(!cases.is_empty(), "EXERCISE names no exercise");
    let complaints = complaints(&cases, &venue, at_once);
    assert!(complaints.is_empty(), "{complaints}");
}

/// The verdict of chapter 03's exercise on a hostile program.
async fn hostile(name: &str) -> (Verdict, String) {
    let exercise = exercises::find("high-airports")[0];
    let program = program(&format!("programs/hostile/{name}"));
    let verdict = verdict(exercise, &program, &Venue::Embedded).await;
    let shown = verdict.to_string();
    (verdict, shown)
}

#[tokio::test]
async fn a_hostile_program_gets_a_verdict_that_names_its_behavior() {
    let rows = [
        ("panics", "exit code 101"),
        ("floods_stdout", "it printed more than 8 MB, and was killed"),
        ("prints_the_expected_text", "found     0 records"),
        ("deletes_its_topic", "found     0 records"),
        ("forks", "3 of its processes were still running"),
        ("hangs", "it was still running after 30 s, and was killed"),
    ];
    for (name, message) in rows {
        let (verdict, shown) = hostile(name).await;
        assert!(!verdict.holds() && shown.contains(message), "{name}: {shown}");
    }
}

#[test]
fn each_exercise_has_a_task_and_three_hints() {
    for exercise in exercises::all() {
        let read = |file: &str| {
            let file = exercise.directory(&root().join("..")).join(file);
            std::fs::read_to_string(&file)
                .unwrap_or_else(|_| panic!("{} is missing", file.display()))
        };
        let (task, hints) = (read("README.md"), read("hints.md"));
        assert!(task.starts_with("# "), "{}: the task has no title", exercise.slug);
        assert!(task.split_whitespace().count() <= 400, "{}: over two minutes", exercise.slug);
        let steps: Vec<&str> = hints.lines().filter(|it| it.starts_with("## ")).collect();
        assert_eq!(steps, ["## 1", "## 2", "## 3"], "{}", exercise.slug);
        let gap = read("start.rs");
        assert!(gap.contains("// Your part: "), "{}: the gap is not marked", exercise.slug);
    }
}
