//! `cargo workshop` hint, solution, list, skip and reset of an exercise, and the progress.

use std::io::Write;
use std::process::Stdio;

use crate::learner::Learner;
use crate::process::{entries, stderr};

#[test]
fn each_hint_says_more_and_the_next_call_shows_the_next_one() {
    let learner = Learner::new();
    for number in 1..=3 {
        let hint = learner.printed(0, &["hint", "high-airports"]);
        assert!(hint.starts_with(&format!("Hint {number} of 3 for 03-high-airports\n")), "{hint}");
        assert_eq!(hint.matches("Hint ").count(), 1, "{hint}");
        assert_eq!(learner.progress(), [format!("hint high-airports {number}")]);
    }
    let again = learner.printed(0, &["hint", "high-airports"]);
    assert_eq!(again.matches("Hint ").count(), 3, "{again}");
}

#[test]
fn after_a_success_all_hints_and_the_solution_are_shown_at_once() {
    let learner = Learner::new();
    learner.write_progress(b"done high-airports\n");
    assert_eq!(learner.printed(0, &["hint", "high-airports"]).matches("Hint ").count(), 3);
    let solution = learner.printed(0, &["solution", "high-airports"]);
    assert!(solution.contains("+++ ") && solution.contains("03-high-airports/solution.rs"));
    assert_eq!(learner.progress(), ["done high-airports"]);
}

#[test]
fn the_solution_is_a_diff_that_is_shown_when_it_is_asked_for_twice() {
    let learner = Learner::new();
    let first = learner.printed(0, &["solution", "high-airports"]);
    assert!(first.contains("0 of 3 hints") && first.contains("ask again"), "{first}");
    assert!(!first.contains("@@"), "{first}");
    // Nothing was written yet, so the starting point is what differs.
    let second = learner.printed(0, &["solution", "high-airports"]);
    assert!(second.starts_with("--- ") && second.contains("start.rs"), "{second}");
    assert!(second.contains("\n-        // Your part: "), "{second}");
    assert!(second.contains("\n+    let reports = try_join_all(reports)"), "{second}");
    assert_eq!(learner.progress(), ["solution high-airports"]);
}

#[test]
fn the_list_has_each_part_and_says_what_is_done_skipped_and_next() {
    let learner = Learner::new();
    learner.write_progress(b"skipped high-airports\ndone departures-topic\n");
    let list = learner.printed(0, &["list"]);
    let row = |name: &str| {
        let row = list.lines().find(|line| line.contains(name));
        row.unwrap_or_else(|| panic!("{name} is missing: {list}")).trim().to_owned()
    };
    assert!(list.starts_with("First steps\n"), "{list}");
    assert!(row(" 01-departures-topic ").starts_with("done "), "{list}");
    assert!(row(" 03-high-airports ").starts_with("skipped "), "{list}");
    assert_eq!(list.lines().filter(|line| line.starts_with("  next ")).count(), 1, "{list}");
    assert!(list.contains(&format!("1 of {} exercises done", exercises::all().len())), "{list}");
}

#[cfg(unix)]
#[test]
fn a_list_that_no_one_reads_to_its_end_is_no_failure() {
    let learner = Learner::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = learner.command().arg("list").stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn a_skipped_exercise_is_not_the_next_one_any_more() {
    let learner = Learner::new();
    let skipped = learner.printed(0, &["skip"]);
    let first = &exercises::all()[0];
    let second = &exercises::all()[1];
    assert!(skipped.contains(&format!("{} is skipped", first.directory_name())), "{skipped}");
    assert!(skipped.contains(&format!("cargo workshop check {}", second.slug)), "{skipped}");
    assert_eq!(learner.progress(), [format!("skipped {}", first.slug)]);
    learner.write_progress(format!("done {}\n", first.slug).as_bytes());
    assert!(learner.printed(0, &["skip", first.slug]).contains("is done already"));
}

#[test]
fn reset_replaces_a_program_only_with_yes_and_forgets_what_was_done() {
    let learner = Learner::new();
    learner.write_progress(b"done departures-topic\ndone high-airports\nhint high-airports 2\n");
    learner.printed(0, &["reset", "high-airports", "--yes"]);
    let program = learner.programs().join("03_high_airports.rs");
    let start = std::fs::read_to_string(&program).unwrap();
    assert!(start.contains("// Your part: "), "{start}");
    assert_eq!(learner.progress(), ["done departures-topic"]);

    std::fs::write(&program, "fn main() {}").unwrap();
    let refused = learner.run(&["reset", "high-airports"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("add --yes"), "{}", stderr(&refused));
    assert_eq!(std::fs::read_to_string(&program).unwrap(), "fn main() {}");
    learner.printed(0, &["reset", "03-high-airports", "--yes"]);
    assert_eq!(std::fs::read_to_string(&program).unwrap(), start);
}

#[test]
fn the_cluster_is_reset_without_touching_programs_and_progress() {
    let learner = Learner::new();
    learner.printed(0, &["reset", "high-airports", "--yes"]);
    learner.write_progress(b"done departures-topic\n");
    let before = entries(&learner.programs());
    learner.printed(0, &["reset", "--yes"]);
    assert_eq!(entries(&learner.programs()), before);
    assert_eq!(learner.progress(), ["done departures-topic"]);
}

#[test]
fn lines_that_cannot_be_read_are_reported_and_stay_like_those_of_a_newer_workshop() {
    let learner = Learner::new();
    learner.write_progress(
        b"hint high-airports many\nstarred landings 5\ndone no-such-exercise\n\xff\n",
    );
    let output = learner.run(&["hint", "high-airports"]);
    let reported = stderr(&output);
    assert!(output.status.success() && reported.contains("line 1 is damaged"), "{reported}");
    assert!(reported.contains("line 4 is damaged") && !reported.contains("line 2"), "{reported}");
    let bytes = std::fs::read(learner.file("progress")).unwrap();
    let (_, lines) = bytes.split_at(bytes.iter().position(|it| *it == b'\n').unwrap() + 1);
    let expected = b"done no-such-exercise\nhint high-airports 1\nstarred landings 5\n\
                     hint high-airports many\n\xff\n";
    assert_eq!(lines, expected);
    assert_eq!(entries(learner.file("progress").parent().unwrap()), ["progress"]);
}

#[test]
fn a_name_that_no_exercise_has_is_a_mistake_in_the_command_line() {
    let learner = Learner::new();
    for command in ["check", "hint", "solution", "skip", "reset"] {
        let output = learner.run(&[command, "no-such"]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let said = stderr(&output);
        assert!(said.contains("no exercise no-such") && said.contains("workshop list"), "{said}");
    }
}

#[test]
fn the_whole_way_works_over_a_pipe() {
    let learner = Learner::new();
    // What cargo cannot build is a verdict too, and needs no compiler here.
    std::fs::create_dir(learner.programs()).unwrap();
    std::fs::write(learner.programs().join("Cargo.toml"), "half-typed").unwrap();
    let mut command = learner.command();
    command.arg("learn").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut learn = command.spawn().unwrap();
    learn.stdin.take().unwrap().write_all(b"h\ns\ns\nx\nl\nn\nr\nq\nh\n").unwrap();
    let output = learn.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let screen = String::from_utf8(output.stdout).unwrap();
    let (first, second) = (&exercises::all()[0], &exercises::all()[1]);
    let parts = [
        &format!("{}   [----", first.directory_name()),
        "Task      ",
        "does not compile yet",
        "r run   h hint",
        "Hint 1 of 3",
        "ask again",
        "+++ ",
        "First steps",
        &format!("{}   [----", second.directory_name()),
        "does not compile yet",
        "does not compile yet",
    ];
    let mut rest = screen.as_str();
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { panic!("{part} is missing: {screen}") };
        rest = after;
    }
    assert!(!rest.contains("Hint"), "nothing comes after q: {rest}");
}
