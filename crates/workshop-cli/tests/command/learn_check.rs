//! `cargo workshop check`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::learn_program::{right, write_script};
use crate::learner::Learner;
use crate::process::stderr;

const LIMIT: Duration = Duration::from_secs(60);

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Judges a command for an exercise.
fn check(learner: &Learner, options: &[&str], command: &[String]) -> Output {
    learner.command().arg("check").args(options).arg("--").args(command).output().unwrap()
}

fn script(learner: &Learner, is_right: bool) -> Vec<String> {
    let file = learner.file("my.sh");
    write_script(&file, is_right);
    vec!["sh".to_owned(), file.to_str().unwrap().to_owned()]
}

#[test]
fn a_right_program_is_done_and_the_next_exercise_is_named() {
    let learner = Learner::new();
    let output = check(&learner, &["1"], &right());
    let (shown, progress) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(0), "{shown}{progress}");
    assert!(shown.contains("01-departures-topic is right.") && shown.contains("Next: "), "{shown}");
    // With a command of one's own, the next check does not print its task.
    assert!(shown.contains(" -- COMMAND   The task is in "), "{shown}");
    assert!(progress.contains("Checking 01-departures-topic"), "{progress}");
    assert_eq!(learner.progress(), ["done departures-topic"]);
    assert!(!learner.programs().exists(), "a command of one's own needs no package");
    // Without a name, it is the next one.
    let next = learner.run(&["check", "--json", "--", "true"]);
    let verdict: Value = serde_json::from_str(&stdout(&next)).unwrap();
    let is_open = |it: &&exercises::Exercise| it.slug != "departures-topic";
    let open = exercises::all().iter().find(is_open).unwrap();
    assert_eq!(verdict["exercise"], open.directory_name());
}

#[test]
fn a_wrong_program_gets_points_that_say_what_is_missing() {
    let learner = Learner::new();
    let output = check(&learner, &["departures-topic"], &script(&learner, false));
    let shown = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for part in
        [" -- ", "found     ", "expected  ", "why       ", "cargo workshop hint departures-topic"]
    {
        assert!(shown.contains(part), "{part} is missing: {shown}");
    }
    assert!(learner.progress().is_empty());
}

#[test]
fn the_verdict_as_json_is_one_object_with_scenes_and_points() {
    let learner = Learner::new();
    let output = check(&learner, &["1", "--json"], &script(&learner, false));
    assert_eq!(output.status.code(), Some(1));
    let verdict: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(verdict["exercise"], "01-departures-topic");
    assert_eq!(verdict["holds"], false);
    let points = verdict["scenes"][0]["points"].as_array().unwrap();
    assert!(points.iter().any(|point| point["holds"] == false && point["found"] != ""));
}

#[test]
fn a_done_exercise_stays_done_and_the_last_one_says_so() {
    let learner = Learner::new();
    let lines: Vec<String> =
        exercises::all().iter().map(|it| format!("done {}\n", it.slug)).collect();
    learner.write_progress(lines.concat().as_bytes());
    assert!(learner.printed(0, &["check"]).contains("Every exercise is done."));
    assert_eq!(check(&learner, &["1"], &script(&learner, false)).status.code(), Some(1));
    assert_eq!(learner.progress().concat(), lines.concat().replace('\n', ""));
}

#[test]
fn mistakes_in_the_command_line_have_an_exit_code_of_their_own() {
    let learner = Learner::new();
    let missing = check(&learner, &["1"], &["no-such-program".to_owned()]);
    assert_eq!(missing.status.code(), Some(2), "{}", stderr(&missing));
    assert!(stderr(&missing).contains("cannot run no-such-program"), "{}", stderr(&missing));
    let nothing_to_watch = check(&learner, &["1", "--watch"], &["true".to_owned()]);
    assert_eq!(nothing_to_watch.status.code(), Some(2), "{}", stderr(&nothing_to_watch));
    let mut secured = learner.command();
    secured.args(["check", "1", "--", "true"]).env("KAFKA_SECURITY_PROTOCOL", "SASL_SSL");
    let secured = secured.output().unwrap();
    assert_eq!(secured.status.code(), Some(2));
    assert!(stderr(&secured).contains("env -u KAFKA_SECURITY_PROTOCOL"), "{}", stderr(&secured));
}

#[test]
fn a_save_makes_another_verdict_until_ctrl_c() {
    let learner = Learner::new();
    let script = script(&learner, false);
    let mut command = learner.command();
    command.args(["check", "1", "--watch", "--json", "--"]).args(&script).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut holds = || {
        let verdict: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        verdict["holds"].as_bool().unwrap()
    };
    assert!(!holds());
    write_script(Path::new(&script[1]), true);
    assert!(holds());
    signal("INT", child.id());
    assert!(child.wait().unwrap().success(), "the last verdict was right");
    assert_eq!(learner.progress(), ["done departures-topic"]);
}

#[test]
fn a_signal_during_a_check_ends_the_program_and_what_it_started() {
    for name in ["INT", "TERM", "HUP"] {
        let learner = Learner::new();
        let file = learner.file("processes");
        let script =
            format!("sleep 600 & echo $$ $! >{0}.new; mv {0}.new {0}; wait", file.display());
        let mut command = learner.command();
        command.args(["check", "1", "--", "sh", "-c", &script]).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        wait_until("the program runs", || file.exists());
        let processes = std::fs::read_to_string(&file).unwrap();
        signal(name, child.id());
        assert_eq!(child.wait().unwrap().code(), Some(130), "SIG{name}");
        for process in processes.split_whitespace() {
            wait_until("the process is gone", || !is_running(process));
        }
    }
}

fn signal(name: &str, process: u32) {
    let kill = Command::new("kill").args([format!("-{name}"), process.to_string()]).status();
    assert!(kill.unwrap().success());
}

/// Tells whether a process runs: one that has ended may wait for its parent to notice.
fn is_running(process: &str) -> bool {
    let ps = Command::new("ps").args(["-o", "stat=", "-p", process]).output().unwrap();
    let state = stdout(&ps);
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_program_in_the_learners_package_goes_from_the_starting_point_to_right() {
    let learner = Learner::new();
    let first = learner.run(&["check", "1"]);
    let shown = stdout(&first);
    assert_eq!(first.status.code(), Some(1), "{shown}{}", stderr(&first));
    assert!(shown.contains("# Create the topic") && shown.contains("is new"), "{shown}");
    let program = learner.programs().join("01_departures_topic.rs");
    assert!(std::fs::read_to_string(&program).unwrap().contains("// Your part: "));

    std::fs::write(&program, "fn main() { half typed").unwrap();
    let broken = learner.run(&["check", "1", "--json"]);
    assert_eq!(broken.status.code(), Some(1), "{}", stderr(&broken));
    assert!(stderr(&broken).contains("error"), "{}", stderr(&broken));
    let verdict: Value = serde_json::from_str(&stdout(&broken)).unwrap();
    let errors = verdict["build_errors"].as_str().unwrap();
    assert!(errors.contains("01_departures_topic.rs:1") && verdict["holds"] == false, "{errors}");
    // A check never overwrites what the learner wrote.
    assert_eq!(std::fs::read_to_string(&program).unwrap(), "fn main() { half typed");

    let solution = "../../exercises/01-departures-topic/solution.rs";
    let solution = Path::new(env!("CARGO_MANIFEST_DIR")).join(solution);
    std::fs::copy(solution, &program).unwrap();
    let right = learner.run(&["check", "1"]);
    assert_eq!(right.status.code(), Some(0), "{}{}", stdout(&right), stderr(&right));
    assert_eq!(learner.progress(), ["done departures-topic"]);
    let same = learner.printed(0, &["solution", "1"]);
    assert!(same.contains("letter for letter"), "{same}");
}
