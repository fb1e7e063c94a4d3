//! The verdict on a program: points with what was asked, what was found, and why it matters.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// The most characters that are shown of a line that comes from a program.
const LONGEST_LINE: usize = 1000;

/// One thing that a scene asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// What was asked for, as a fact: `each airport is on the topic once`.
    pub asked: String,
    /// Whether it is so.
    pub holds: bool,
    /// What the cluster has.
    pub found: String,
    /// What it should have.
    pub expected: String,
    /// Why it matters in production.
    pub why: String,
    /// The section that explains it, such as `docs/03-producer.md#the-code`.
    pub read: String,
}

/// The points of one scene.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SceneVerdict {
    /// The circumstances.
    pub scene: String,
    /// The points, in the order in which they were made.
    pub points: Vec<Point>,
    /// What happened to the records until the program ended, on the embedded cluster.
    pub ledger: Option<String>,
    /// The last lines that the program printed, in its last run.
    pub printed: String,
    /// The time that the scene took.
    #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
    pub elapsed: Duration,
    /// Why the scene was not played.
    pub skipped: Option<String>,
}

/// The verdict on a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The exercise's directory, such as `03-high-airports`.
    pub exercise: String,
    /// The scenes that were played, and those that this engine cannot play.
    pub scenes: Vec<SceneVerdict>,
}

impl SceneVerdict {
    /// Tells whether every point holds. A scene without points proves nothing.
    pub fn holds(&self) -> bool {
        self.skipped.is_some()
            || (!self.points.is_empty() && self.points.iter().all(|point| point.holds))
    }
}

impl Verdict {
    /// Tells whether the program is right: every point of every scene holds, and at least one scene
    /// was played.
    pub fn holds(&self) -> bool {
        let was_played = self.scenes.iter().any(|scene| scene.skipped.is_none());
        was_played && self.scenes.iter().all(SceneVerdict::holds)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number = 0;
        for (place, scene) in self.scenes.iter().enumerate() {
            writeln!(f, "{} ({:.1} s)", scene.scene, scene.elapsed.as_secs_f64())?;
            if let Some(reason) = &scene.skipped {
                writeln!(f, "  skipped: {reason}")?;
            }
            for point in &scene.points {
                number += 1;
                write_point(f, number, point)?;
            }
            // On a healthy cluster, a right program has nothing to explain.
            if let Some(ledger) = scene.ledger.as_ref().filter(|_| place > 0 || !scene.holds()) {
                writeln!(f, "{}", indented(ledger, "  "))?;
            }
            let printed = last_lines(&without_backtraces(&scene.printed), 12);
            if !scene.holds() && !printed.is_empty() {
                writeln!(f, "  The program printed at the end:\n{}", indented(&printed, "    "))?;
            }
        }
        Ok(())
    }
}

fn write_point(f: &mut fmt::Formatter<'_>, number: usize, point: &Point) -> fmt::Result {
    let mark = if point.holds { "ok" } else { "--" };
    writeln!(f, "  {number:>2} {mark}  {}", point.asked)?;
    if point.holds {
        return Ok(());
    }
    writeln!(f, "         found     {}", readable(&point.found))?;
    writeln!(f, "         expected  {}", point.expected)?;
    if !point.why.is_empty() {
        writeln!(f, "         why       {}", point.why)?;
    }
    if !point.read.is_empty() {
        writeln!(f, "         read      {}", point.read)?;
    }
    Ok(())
}

/// Leaves out the backtraces that Rust prints if `RUST_BACKTRACE` is set: they are longer than what
/// is shown, and would hide the error above them.
fn without_backtraces(text: &str) -> String {
    let mut is_in_one = false;
    let mut kept = Vec::new();
    for line in text.lines() {
        if line.trim().eq_ignore_ascii_case("stack backtrace:") {
            is_in_one = true;
        } else if is_in_one {
            is_in_one = is_frame(line) || line.starts_with("note: Some details are omitted");
        }
        if !is_in_one {
            kept.push(line);
        }
    }
    kept.join("\n").trim_end().to_owned()
}

/// Tells whether a line is that of a frame: `  12: main`, or the `at src/main.rs:3:5` below it.
fn is_frame(line: &str) -> bool {
    let text = line.trim_start();
    let number = text.split_once(": ").map_or("", |(number, _)| number);
    let is_number = !number.is_empty() && number.chars().all(|it| it.is_ascii_digit());
    line.starts_with(' ') && (is_number || text.starts_with("at "))
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(count)..].iter();
    last.map(|line| readable(line)).collect::<Vec<_>>().join("\n")
}

/// Returns text without control characters, which would change the terminal, and without the
/// codes of colors. What is too long is cut.
fn readable(line: &str) -> String {
    let mut shown = String::new();
    let mut characters = line.chars().peekable();
    let mut left = LONGEST_LINE;
    while let Some(character) = characters.next() {
        if character == '\u{1b}' && characters.next_if_eq(&'[').is_some() {
            // A code of the terminal ends with its first letter.
            while characters.next_if(|it| it.is_ascii_digit() || *it == ';').is_some() {}
            characters.next_if(char::is_ascii_alphabetic);
        } else if left == 0 {
            shown.push('…');
            break;
        } else {
            let is_shown = matches!(character, '\t' | '\n') || !character.is_control();
            shown.push(if is_shown { character } else { char::REPLACEMENT_CHARACTER });
            left -= 1;
        }
    }
    shown
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}")).collect::<Vec<_>>().join("\n")
}

fn milliseconds<S: serde::Serializer>(elapsed: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(elapsed.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(holds: bool) -> Point {
        Point {
            asked: "each order is on the topic once".into(),
            holds,
            found: "999 records".into(),
            expected: "1,000 records".into(),
            why: "a lost order is a lost customer".into(),
            read: "docs/03-producer.md".into(),
        }
    }

    fn scene(points: Vec<Point>) -> SceneVerdict {
        SceneVerdict {
            scene: "on a healthy cluster".into(),
            points,
            ledger: None,
            printed: (0..20).map(|line| format!("line {line}\n")).collect(),
            elapsed: Duration::from_millis(1234),
            skipped: None,
        }
    }

    fn verdict(scenes: Vec<SceneVerdict>) -> Verdict {
        Verdict { exercise: "03-orders".into(), scenes }
    }

    #[test]
    fn a_point_that_does_not_hold_shows_what_was_found_and_where_to_read() {
        let shown = verdict(vec![scene(vec![point(true), point(false)])]).to_string();
        assert!(shown.contains("   1 ok  each order"), "{shown}");
        assert!(shown.contains("   2 --  each order"), "{shown}");
        assert!(shown.contains("found     999 records"), "{shown}");
        assert!(shown.contains("line 19") && !shown.contains("line 7\n"), "{shown}");
    }

    #[test]
    fn a_backtrace_does_not_hide_the_error_above_it() {
        let frames: String = (0..20)
            .map(|it| format!("  {it:>2}: main\n             at ./main.rs:{it}:5\n"))
            .collect();
        let printed = format!(
            "reading\nError: no broker\n\nStack backtrace:\n{frames}closed\n\
             stack backtrace:\n{frames}note: Some details are omitted, run with RUST_BACKTRACE=full\n"
        );
        let shown =
            verdict(vec![SceneVerdict { printed, ..scene(vec![point(false)]) }]).to_string();
        let end = "printed at the end:\n    reading\n    Error: no broker\n    \n    closed\n";
        assert!(shown.ends_with(end), "{shown}");
    }

    #[test]
    fn what_a_program_prints_cannot_change_the_terminal() {
        let colored = "\u{1b}[2m12:00\u{1b}[0m \u{1b}[33mWARN\u{1b}[0m\tslow";
        let scene = SceneVerdict {
            printed: format!("{colored}\n\u{1b}]0;title\u{7}\u{0}\n{}", "x".repeat(100_000)),
            ..scene(vec![Point { found: "key \u{1b}[2J".into(), ..point(false) }])
        };
        let shown = verdict(vec![scene]).to_string();
        assert!(shown.contains("    12:00 WARN\tslow\n"), "{shown}");
        assert!(shown.contains("found     key \n"), "{shown}");
        assert!(!shown.contains(|it: char| it.is_control() && it != '\n' && it != '\t'), "{shown}");
        assert!(shown.len() < 4 * LONGEST_LINE, "{}", shown.len());
    }

    #[test]
    fn a_verdict_without_points_or_without_a_played_scene_does_not_hold() {
        assert!(verdict(vec![scene(vec![point(true)])]).holds());
        assert!(!verdict(vec![scene(vec![])]).holds());
        assert!(!verdict(vec![]).holds());
        let skipped = SceneVerdict { skipped: Some("no switchboard".into()), ..scene(vec![]) };
        assert!(!verdict(vec![skipped.clone()]).holds());
        assert!(verdict(vec![skipped, scene(vec![point(true)])]).holds());
    }
}
